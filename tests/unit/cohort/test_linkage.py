"""Linkage: every conflict is settled by its rule and counted under its name."""

import pandas as pd
import pytest

from calcohort.errors import InputError

LAST = 3000


def ids(*names):
    return pd.array(names, dtype="string")


class TestDeathDates:
    def test_the_most_trusted_source_counts_even_when_it_is_later(self, row, count):
        sources = [[], [700], [500]]
        assert row(deaths=sources)["followup_days"] == 700
        assert count("deaths", "two_death_dates_most_trusted", deaths=sources) == 1

    def test_within_a_source_the_earliest_counts(self, row, count):
        assert row(deaths=[700, 500, 900])["followup_days"] == 500
        assert count("deaths", "two_death_dates_most_trusted", deaths=[700, 500]) == 1

    def test_sources_that_agree_are_no_finding(self, count):
        sources = [[500], [500, 500]]
        assert count("deaths", "two_death_dates_most_trusted", deaths=sources) == 0
        assert count("deaths", "two_death_dates_most_trusted", deaths=sources) == 0


class TestEventsAndDeath:
    def test_an_event_after_death_is_ignored(self, row, count):
        options = {"deaths": [400], "events": [("myocardial_infarction", 401), ("pci", 30 + 400)]}
        assert row(**options)["event_type"] == "death"
        assert count("events", "event_after_death_ignore", **options) == 2

    def test_a_revascularization_after_death_does_not_exclude(self, row):
        assert row(deaths=[40], events=[("pci", 41)])["followup_days"] == 40

    def test_an_event_on_the_day_of_death_is_kept(self, reason, count):
        options = {"deaths": [40], "events": [("pci", 40)]}
        assert reason(**options) == "early_revascularization"
        assert count("events", "event_after_death_ignore", **options) == 0

    def test_an_event_after_death_is_no_last_contact(self, row):
        options = {
            "deaths": [400],
            "events": [("other", 600)],
            "contacts": [300],
            "censoring": "last_contact",
        }
        assert row(**options)["followup_days"] == 300

    def test_a_contact_after_death_is_counted(self, count):
        assert count("followup", "contact_after_death", deaths=[400], contacts=[401]) == 1
        assert count("followup", "contact_after_death", deaths=[400], contacts=[400]) == 0

    def test_the_same_event_in_two_sources_counts_once(self, count):
        twice = [("pci", 500), ("pci", 500), ("cabg", 500)]
        assert count("events", "same_event_twice_counted_once", events=twice) == 1


class TestFutureDates:
    """Dates after the registries' export are typing errors."""

    # Day 3400 is 2021-06-22.
    EXPORTED = {"registry_date": "2021-06-22"}

    def test_the_day_of_the_export_is_possible_and_the_next_is_not(self, count):
        rule = "future_date_ignore"
        assert count("deaths", rule, deaths=[3400], **self.EXPORTED) == 0
        assert count("deaths", rule, deaths=[3401], **self.EXPORTED) == 1
        assert count("events", rule, events=[("pci", 3401)], **self.EXPORTED) == 1
        assert count("followup", rule, contacts=[50, 3401], **self.EXPORTED) == 1

    def test_a_future_contact_prolongs_nothing(self, row):
        found = row(contacts=[500, 40_000], censoring="last_contact")
        assert found["followup_days"] == 500

    def test_a_date_soon_after_the_end_of_followup_is_only_not_counted(self, row, reason):
        assert row(contacts=[3010])["followup_days"] == LAST
        assert reason(contacts=[40_000]) == "missing_followup"


class TestExams:
    def test_of_several_exams_the_first_counts_in_any_order(self, row, count):
        exams = [(400, 9.0, 9.0), (0, 2.0, 1.0), (800, 8.0, 8.0)]
        found = row(exams=exams)
        assert (found["mfr"], found["followup_days"]) == (2.0, LAST)
        assert count("pet", "second_pet_exam_first", exams=exams) == 1

    def test_two_rows_of_one_exam(self, row, count):
        exams = [(0, 2.0, 1.0), (0, 3.0, 4.0)]
        assert row(exams=exams)["mfr"] == 2.0
        assert count("pet", "exam_twice_on_one_day_first_row_kept", exams=exams) == 1

    def test_a_patient_without_an_exam_is_accounted_for(self, one):
        people = pd.DataFrame(
            {"patient_id": ids("A", "B"), "sex": ids("male", "female"), "age": [70.0, 60.0]}
        )
        result = one(tables={"patients": people})
        assert result.excluded.to_numpy().tolist() == [["B", "no_pet_exam"]]
        assert result.flow.iloc[0].to_dict() == {
            "step": 1, "n_in": 2, "excluded": 1, "reason": "no_pet_exam", "n_out": 1,
        }  # fmt: skip

    def test_a_patient_who_is_not_in_patients_stays_with_unknown_characteristics(self, one):
        people = pd.DataFrame({"patient_id": ids("B"), "sex": ids("female"), "age": [60.0]})
        result = one(tables={"patients": people})
        assert result.analysis[["age", "sex"]].isna().all().all()
        assert "patient_not_in_patients" in result.quality["rule"].tolist()

    def test_without_a_pet_source_the_ctac_is_the_exam(self, row):
        scans = [("cac_gated", -100, 3.0), ("ctac_rest", 0, 5.0), ("ctac_stress", 300, 7.0)]
        found = row(without=["pet"], scores=scans)
        assert (found["followup_days"], found["cac_dl"], found["mfr"]) == (LAST, 5.0, None)

    def test_without_patients_there_is_no_study(self, one):
        with pytest.raises(InputError, match=r"registries\.patients"):
            one(without=["patients"])


def test_a_sex_that_differs_is_counted_and_patients_is_right(one, row, count):
    date = pd.to_datetime(["2013-01-01", "2013-01-02"])
    contacts = pd.DataFrame({"patient_id": ids("A", "A"), "last_contact_date": date})
    differing = {"followup": contacts.assign(sex=ids("female", "female"))}
    unknown = {"followup": contacts.assign(sex=ids(None, "male"))}
    assert row(tables=differing)["sex"] == "male"
    assert count("followup", "sex_differs_patients", tables=differing) == 1
    assert count("followup", "sex_differs_patients", tables=unknown) == 0


def test_rows_of_strangers_are_counted_and_the_link_rate_is_given(one):
    deaths = pd.DataFrame({"patient_id": ids("A", "Z"), "death_date": pd.to_datetime(["2013-01-01"] * 2)})
    quality = one(tables={"deaths": deaths}).quality.set_index(["source", "rule"])["count"]
    assert quality["deaths", "rows"] == 2
    assert quality["deaths", "rows_linked"] == 1
    assert quality["deaths", "patient_unknown"] == 1


def test_what_happened_to_strangers_happens_to_nobody_else(row):
    when, stranger = pd.to_datetime(["2013-01-01"]), ids("Z")
    tables = {
        "deaths": pd.DataFrame({"patient_id": stranger, "death_date": when}),
        "events": pd.DataFrame({"patient_id": stranger, "event": ["pci"], "event_date": when}),
    }
    found = row(tables=tables)
    assert (found["followup_days"], found["mace"], found["death"]) == (LAST, 0, 0)
    contacts = pd.DataFrame(
        {
            "patient_id": ids("A", "Z", "A"),
            "last_contact_date": [pd.Timestamp("2012-12-26"), when[0], pd.NaT],
        }
    )
    found = row(tables={"followup": contacts}, censoring="last_contact")
    assert found["followup_days"] == 300


def test_what_was_repaired_while_reading_is_in_quality(one):
    people = pd.DataFrame({"patient_id": ids("A"), "sex": ids("male"), "age": [70.0]})
    repair = {"source": "patients", "rule": "case_ignored_sex", "severity": "note", "count": 3}
    people.attrs["findings"] = [repair]
    assert one(tables={"patients": people}).quality.iloc[0].to_dict() == repair


class TestHistory:
    @pytest.mark.parametrize(
        ("event", "column"),
        [("pci", "prior_pci"), ("cabg", "prior_cabg"), ("myocardial_infarction", "prior_mi")],
    )
    def test_it_comes_from_events_before_the_scan(self, row, event, column):
        found = row(events=[(event, -1)])
        assert found[column] == 1
        assert found["history_of_cad"] == 1
        assert sum(found[name] for name in ("prior_pci", "prior_cabg", "prior_mi")) == 1

    @pytest.mark.parametrize("event", ["unstable_angina", "other"])
    def test_other_events_are_no_history(self, row, event):
        assert row(events=[(event, -1)])["history_of_cad"] == 0

    @pytest.mark.parametrize("column", ["prior_pci", "prior_cabg", "prior_mi", "history_of_cad"])
    def test_or_from_a_column_of_patients(self, row, column):
        found = row(patient={column: 1})
        assert (found[column], found["history_of_cad"]) == (1, 1)

    def test_an_event_overrides_a_column_that_says_no_and_is_counted(self, row, count):
        options = {"events": [("pci", -9)], "patient": {"prior_pci": 0}}
        assert row(**options)["prior_pci"] == 1
        assert count("patients", "prior_pci_is_0_but_events_tell_of_it", **options) == 1

    def test_without_any_source_it_is_unknown_and_not_0(self, row):
        found = row(without=["events"])
        assert found["prior_pci"] is None
        assert found["history_of_cad"] is None


class TestAge:
    @pytest.mark.parametrize(
        ("born", "age"), [("1942-03-01", 70), ("1942-03-02", 69), ("1942-02-28", 70), ("1941-12-31", 70)]
    )
    def test_age_in_completed_years_at_the_scan(self, row, born, age):
        patient = {"age": float("nan"), "birth_date": pd.Timestamp(born)}
        assert row(patient=patient)["age"] == age

    def test_an_age_that_is_given_goes_first(self, row):
        assert row(patient={"age": 61.0, "birth_date": pd.Timestamp("1942-03-01")})["age"] == 61

    @pytest.mark.parametrize(("age", "shown"), [(89, 89), (90, 90), (97, 90)])
    def test_ages_of_90_and_over_are_one_group_when_private(self, row, age, shown):
        assert row(patient={"age": float(age)}, private=True)["age"] == shown
        assert row(patient={"age": float(age)})["age"] == age

    @pytest.mark.parametrize(
        ("born", "age"), [("2012-03-01", 0), ("1892-03-01", 120), ("1891-03-01", None), ("2012-03-02", None)]
    )
    def test_ages_from_0_to_120_are_possible(self, row, count, born, age):
        patient = {"age": float("nan"), "birth_date": pd.Timestamp(born)}
        assert row(patient=patient)["age"] == age
        assert count("patients", "birth_date_impossible_ignored", patient=patient) == (age is None)

    def test_a_birth_after_the_scan_is_impossible(self, row, count):
        patient = {"age": float("nan"), "birth_date": pd.Timestamp("2013-01-01")}
        assert row(patient=patient)["age"] is None
        assert count("patients", "birth_date_impossible_ignored", patient=patient) == 1


class TestConflicts:
    """Each conflict is settled as the config says, and counted also when there is none."""

    SOURCES = [[], [700, 650], [500, 900]]

    @pytest.mark.parametrize(("choice", "day"), [("most_trusted", 650), ("earliest", 500), ("latest", 900)])
    def test_two_death_dates(self, row, count, choice, day):
        options = {"deaths": self.SOURCES, "conflicts": {"two_death_dates": choice}}
        assert row(**options)["followup_days"] == day
        assert count("deaths", f"two_death_dates_{choice}", **options) == 1

    @pytest.mark.parametrize(
        ("conflict", "options"),
        [
            ("two_death_dates", {"deaths": [400, 500]}),
            ("event_after_death", {"deaths": [400], "events": [("pci", 401)]}),
            ("death_before_scan", {"deaths": [0]}),
            ("future_date", {"contacts": [500, 40_000]}),
            ("event_on_scan_day", {"events": [("unstable_angina", 0)]}),
            ("same_day_events", {"deaths": [400], "events": [("myocardial_infarction", 400)]}),
            ("second_pet_exam", {"exams": [(0, 2.0, 1.0), (400, 2.0, 1.0)]}),
        ],
    )
    def test_stop_ends_the_run_with_the_count_and_a_cure(self, one, conflict, options):
        with pytest.raises(
            InputError,
            match=rf"cohort\.conflicts\.{conflict}: 1 found in .*; correct the source, or set it to (?!stop)",
        ):
            one(**options, conflicts={conflict: "stop"})
        one(conflicts={conflict: "stop"})

    def test_what_was_looked_for_and_not_found_has_a_count_of_0(self, one):
        quality = one().quality.set_index("rule")
        rules = ["two_death_dates_most_trusted", "event_after_death_ignore", "death_before_scan_exclude",
                 "event_on_scan_day_ignore", "same_day_events_order", "second_pet_exam_first"]  # fmt: skip
        assert quality.loc[rules, "count"].tolist() == [0] * 6
        assert quality.loc[rules, "severity"].unique().tolist() == ["note"]

    def test_a_sex_that_differs_can_be_left_unknown(self, row):
        contacts = pd.DataFrame({"patient_id": ids("A"), "last_contact_date": pd.to_datetime(["2013-01-01"])})
        tables = {"followup": contacts.assign(sex=ids("female"))}
        assert row(tables=tables, conflicts={"sex_differs": "unknown"})["sex"] is None
        same = {"followup": contacts.assign(sex=ids("male"))}
        assert row(tables=same, conflicts={"sex_differs": "unknown"})["sex"] == "male"

    def test_a_death_on_the_scan_day_is_before_the_scan_and_the_next_day_is_not(self, count):
        assert count("deaths", "death_before_scan_exclude", deaths=[0]) == 1
        assert count("deaths", "death_before_scan_exclude", deaths=[1]) == 0

    def test_only_admissions_of_the_scan_day_are_counted(self, count):
        rule = "event_on_scan_day_ignore"
        assert count("events", rule, events=[("myocardial_infarction", 300), ("other", 0)]) == 0
        assert count("events", rule, events=[("myocardial_infarction", 0), ("unstable_angina", 0)]) == 2

    @pytest.mark.parametrize("wrong", [{"two_death_dates": "first"}, {"two_deaths": "stop"}])
    def test_an_unknown_choice_is_refused(self, one, wrong):
        with pytest.raises(InputError, match=r"cohort\.conflicts"):
            one(conflicts=wrong)


def test_the_match_rate_of_every_source_is_given(one):
    quality = one(deaths=[5], events=[("pci", 400)]).quality.set_index(["source", "rule"])["count"]
    for source in ("patients", "pet", "deaths", "events", "followup", "scores"):
        assert quality[source, "rows"] == quality[source, "rows_linked"] == 1


def test_without_contacts_the_last_contact_endpoint_is_left_out(one):
    result = one(without=["followup"])
    assert "mace_other_censoring" not in result.endpoints["endpoint"].tolist()
    left_out = result.quality["rule"] == "no_such_source_mace_other_censoring_left_out"
    assert result.quality.loc[left_out, "count"].tolist() == [1]
    assert "mace_other_censoring" in one().endpoints["endpoint"].tolist()


def test_whole_numbers_have_no_decimals_only_when_all_of_them_are_whole(one):
    people = pd.DataFrame({"patient_id": ids("A", "B"), "sex": ids("male", "male"), "age": [70.0, 60.5]})
    exams = pd.DataFrame({"patient_id": ids("A", "B"), "scan_date": pd.to_datetime(["2012-03-01"] * 2)})
    result = one(tables={"patients": people, "pet": exams.assign(mfr=2.0, sds=[1.0, 2.0])}).endpoints
    assert result["age"].tolist()[:2] == [70.0, 60.5]
    assert result["sds"].astype(str).tolist()[:2] == ["1", "2"]


@pytest.mark.parametrize(("exam", "mfr", "sds"), [((0, 2.0, 1.0), 0, 0), ((0, None, None), 1, 1)])
def test_what_an_analysed_patient_lacks_is_counted(count, exam, mfr, sds):
    assert count("analysis", "mfr_missing", exams=(exam,)) == mfr
    assert count("analysis", "sds_missing", exams=(exam,)) == sds
    assert count("analysis", "mfr_missing", exams=(exam,), deaths=[0]) == 0


def test_without_the_day_of_the_export_dates_up_to_ten_years_after_the_end_are_possible(count):
    # Followed until 2020-05-18; ten years later is day 6652.
    assert count("deaths", "future_date_ignore", deaths=[6652]) == 0
    assert count("deaths", "future_date_ignore", deaths=[6653]) == 1

"""The endpoint, day by day: one patient for each rule of the contract."""

import pytest

from calcohort.cohort.settings import CohortSettings
from calcohort.errors import InputError

LAST = 3000
OTHER_FORMS = ("pci", "cabg")


def outcome(row: dict) -> tuple:
    return row["followup_days"], row["mace"], row["event_type"]


def test_without_any_event_time_runs_to_the_end_of_followup(row):
    assert outcome(row()) == (LAST, 0, None)


def test_a_contact_does_not_end_the_time_under_registry_end(row):
    assert outcome(row(contacts=[5])) == (LAST, 0, None)


@pytest.mark.parametrize("event", ["myocardial_infarction", "unstable_angina"])
@pytest.mark.parametrize("day", [1, 89, 90, 91, 1500])
def test_an_admission_counts_from_the_day_after_the_scan(row, event, day):
    assert outcome(row(events=[(event, day)])) == (day, 1, event)


@pytest.mark.parametrize("day", [1, 89, 90, 91, 1500])
def test_a_death_counts_from_the_day_after_the_scan(row, day):
    assert outcome(row(deaths=[day])) == (day, 1, "death")


@pytest.mark.parametrize("event", ["myocardial_infarction", "unstable_angina"])
def test_an_admission_on_day_0_is_neither_outcome_nor_history(row, count, event):
    found = row(events=[(event, 0)])
    assert outcome(found) == (LAST, 0, None)
    assert found["history_of_cad"] == 0
    assert count("events", "event_on_scan_day_ignore", events=[(event, 0)]) == 1


@pytest.mark.parametrize("event", OTHER_FORMS)
@pytest.mark.parametrize("day", [0, 1, 89, 90])
def test_a_revascularization_on_days_0_to_90_excludes(reason, event, day):
    assert reason(events=[(event, day)]) == "early_revascularization"


@pytest.mark.parametrize("event", OTHER_FORMS)
def test_a_revascularization_on_day_91_is_an_event(row, event):
    assert outcome(row(events=[(event, 91)])) == (91, 1, "late_revascularization")


@pytest.mark.parametrize("event", OTHER_FORMS)
def test_a_revascularization_on_day_minus_1_is_history_only(row, event):
    found = row(events=[(event, -1)])
    assert outcome(found) == (LAST, 0, None)
    assert found["history_of_cad"] == 1


def test_another_limit_for_late_revascularization_is_followed(row, reason):
    assert outcome(row(events=[("pci", 61)], late_revascularization_days=60))[0] == 61
    assert reason(events=[("pci", 60)], late_revascularization_days=60) == "early_revascularization"


def test_other_hospital_contacts_are_no_outcome(row):
    assert outcome(row(events=[("other", 500)])) == (LAST, 0, None)


def test_the_first_of_several_events_counts(row):
    events = [("pci", 700), ("myocardial_infarction", 400), ("unstable_angina", 500)]
    assert outcome(row(deaths=[900], events=events)) == (400, 1, "myocardial_infarction")


@pytest.mark.parametrize("kind", ["death", "myocardial_infarction"])
def test_the_last_day_of_followup_still_counts(row, kind):
    options = {"deaths": [LAST]} if kind == "death" else {"events": [(kind, LAST)]}
    assert outcome(row(**options)) == (LAST, 1, kind)


@pytest.mark.parametrize("kind", ["death", "myocardial_infarction"])
def test_the_day_after_the_last_day_does_not_count(row, kind):
    options = {"deaths": [LAST + 1]} if kind == "death" else {"events": [(kind, LAST + 1)]}
    assert outcome(row(**options)) == (LAST, 0, None)


def test_events_after_the_observed_time_are_counted_in_quality(count):
    rule = "_after_the_observed_time_not_counted"
    late = [("myocardial_infarction", LAST + 1), ("unstable_angina", LAST + 2)]
    assert count("events", "event" + rule, events=late) == 2
    assert count("deaths", "death" + rule, deaths=[LAST + 1]) == 1
    assert count("deaths", "death" + rule, deaths=[LAST]) == 0


def test_same_day_ties_follow_the_order_of_the_settings(row, count):
    events = [("pci", 500), ("unstable_angina", 500), ("myocardial_infarction", 500)]
    assert outcome(row(deaths=[500], events=events)) == (500, 1, "death")
    assert outcome(row(events=events)) == (500, 1, "myocardial_infarction")
    assert outcome(row(events=events[:2])) == (500, 1, "unstable_angina")
    order = ["late_revascularization", "unstable_angina", "myocardial_infarction", "death"]
    found = outcome(row(deaths=[500], events=events, same_day_event_order=order))
    assert found == (500, 1, "late_revascularization")
    assert count("events", "same_day_events_order", events=events) == 1
    assert count("events", "same_day_events_order", events=[*events[:1], ("unstable_angina", 501)]) == 0


def test_a_death_after_a_first_event_is_still_a_death(row):
    found = row(deaths=[900], events=[("myocardial_infarction", 400)])
    assert (found["death"], found["death_days"]) == (1, 900)


def test_death_time_of_a_survivor_is_the_end_of_followup(row):
    found = row(events=[("myocardial_infarction", 400)])
    assert (found["death"], found["death_days"]) == (0, LAST)


@pytest.mark.parametrize(("day", "died", "days"), [(LAST, 1, LAST), (LAST + 1, 0, LAST)])
def test_death_counts_up_to_the_last_day(row, day, died, days):
    found = row(deaths=[day])
    assert (found["death"], found["death_days"]) == (died, days)


class TestLastContact:
    """The other censoring rule."""

    def test_time_runs_to_the_last_contact(self, row):
        assert outcome(row(contacts=[100, 800, 300], censoring="last_contact")) == (800, 0, None)

    def test_a_later_hospital_event_prolongs_it(self, row):
        assert outcome(row(events=[("other", 900)], contacts=[800], censoring="last_contact"))[0] == 900

    def test_an_earlier_hospital_event_does_not_shorten_it(self, row):
        assert outcome(row(events=[("other", 700)], contacts=[800], censoring="last_contact"))[0] == 800

    def test_it_stops_at_the_end_of_followup(self, row):
        assert outcome(row(contacts=[LAST + 100], censoring="last_contact"))[0] == LAST

    def test_a_death_on_the_last_contact_day_counts(self, row):
        found = row(deaths=[800], contacts=[800], censoring="last_contact")
        assert outcome(found) == (800, 1, "death")
        assert (found["death"], found["death_days"]) == (1, 800)

    def test_a_death_the_day_after_does_not_count(self, row, count):
        options = {"deaths": [801], "contacts": [800], "censoring": "last_contact"}
        found = row(**options)
        assert outcome(found) == (800, 0, None)
        assert (found["death"], found["death_days"]) == (0, 800)
        assert count("deaths", "death_after_the_observed_time_not_counted", **options) == 1

    def test_who_was_not_seen_after_the_scan_is_missing(self, reason):
        assert reason(deaths=[30], contacts=[0], censoring="last_contact") == "missing_followup"
        assert reason(deaths=[30], contacts=[], censoring="last_contact") == "missing_followup"

    def test_it_needs_the_source(self, one):
        with pytest.raises(InputError, match=r"registries.followup.*registry_end"):
            one(without=["followup"], censoring="last_contact")


class TestExclusions:
    """One reason a patient, in the order of the contract."""

    @pytest.mark.parametrize("day", [-400, -1, 0])
    def test_death_before_scan(self, reason, day):
        assert reason(deaths=[day]) == "death_before_scan"

    @pytest.mark.parametrize("contacts", [(), (0,), (-5,)])
    def test_missing_followup(self, reason, contacts):
        assert reason(contacts=contacts) == "missing_followup"

    def test_a_contact_the_day_after_the_scan_is_followup(self, row):
        assert outcome(row(contacts=[1])) == (LAST, 0, None)

    def test_an_event_or_a_death_after_the_scan_is_followup(self, row):
        assert outcome(row(events=[("other", 1)], contacts=[]))[0] == LAST
        assert outcome(row(deaths=[7], contacts=[])) == (7, 1, "death")
        assert outcome(row(deaths=[7], contacts=[0])) == (7, 1, "death")

    @pytest.mark.parametrize("event", ["other", "myocardial_infarction"])
    def test_an_event_on_the_scan_day_is_no_followup(self, reason, event):
        assert reason(events=[(event, 0)], contacts=[]) == "missing_followup"

    def test_a_scan_on_or_after_the_end_of_followup_has_none(self, reason, row, count):
        rule = "scan_not_before_end_of_followup"
        for end, found in (("2012-03-01", 1), ("2012-02-01", 1), ("2012-03-02", 0)):
            assert count("pet", rule, end_of_followup=end) == found
        assert reason(end_of_followup="2012-03-01") == "missing_followup"
        assert reason(end_of_followup="2012-02-01") == "missing_followup"
        assert outcome(row(contacts=[1], end_of_followup="2012-03-02"))[0] == 1

    def test_an_earlier_nonfatal_event_does_not_save_the_patient_and_is_counted(self, reason, count):
        events = [("myocardial_infarction", 10), ("pci", 12)]
        assert reason(events=events) == "early_revascularization"
        rule = "event_before_the_excluding_revascularization"
        assert count("events", rule, events=events) == 1
        assert count("events", rule, events=[("myocardial_infarction", 12), ("pci", 12)]) == 0
        assert count("events", rule, events=[("myocardial_infarction", -1), ("pci", 12)]) == 0
        # The first of two revascularizations is the one that excludes.
        assert count("events", rule, events=[("pci", 5), ("myocardial_infarction", 10), ("pci", 12)]) == 0
        assert count("events", rule, events=[("myocardial_infarction", 0), ("pci", 12)]) == 1
        assert count("events", rule, events=[("other", 3), ("pci", 12)]) == 0

    def test_a_death_after_an_early_revascularization_does_not_save_the_patient(self, reason):
        assert reason(deaths=[50], events=[("pci", 20)]) == "early_revascularization"

    def test_missing_ctac(self, reason):
        assert reason(scores=()) == "missing_ctac"
        assert reason(scores=[("cac_gated", 0, 5.0)]) == "missing_ctac"
        assert reason(scores=[("ctac_stress", 1, 5.0)]) == "missing_ctac"

    def test_corrupt_ctac(self, reason):
        assert reason(scores=[("ctac_stress", 0, None)]) == "corrupt_ctac"

    def test_the_first_reason_that_holds_is_given(self, reason):
        everything = {"events": [("pci", 5)], "contacts": [], "scores": ()}
        assert reason(deaths=[0], **everything) == "death_before_scan"
        assert reason(**everything | {"events": []}) == "missing_followup"
        assert reason(**everything) == "early_revascularization"
        assert reason(scores=()) == "missing_ctac"

    def test_without_a_followup_source_nobody_is_lost(self, row, count):
        assert outcome(row(without=["followup"]))[0] == LAST
        assert count("followup", "no_such_source_nobody_counts_as_lost", without=["followup"]) == 1


class TestSensitivityEndpoints:
    """Definitions that run beside the primary one."""

    def test_the_primary_one_is_mace_and_agrees_with_the_analysis(self, endpoint):
        assert endpoint("mace", deaths=[400]) == (1, 400, 1, "death")

    def test_the_other_censoring_rule(self, endpoint):
        assert endpoint("mace_other_censoring", deaths=[400], contacts=[300]) == (1, 300, 0, None)
        options = {"deaths": [400], "contacts": [300], "censoring": "last_contact"}
        assert endpoint("mace_other_censoring", **options) == (1, 400, 1, "death")

    def test_the_landmark_starts_the_clock_on_day_90(self, endpoint):
        assert endpoint("mace_landmark", deaths=[400]) == (1, 310, 1, "death")
        assert endpoint("mace_landmark") == (1, LAST - 90, 0, None)

    @pytest.mark.parametrize(("day", "included"), [(89, 0), (90, 0), (91, 1)])
    def test_the_landmark_leaves_out_who_had_an_event_by_then(self, endpoint, day, included):
        assert endpoint("mace_landmark", deaths=[day])[0] == included

    @pytest.mark.parametrize(("day", "included"), [(90, 0), (91, 1)])
    def test_the_landmark_leaves_out_who_is_no_longer_observed(self, endpoint, day, included):
        found = endpoint("mace_landmark", contacts=[day], censoring="last_contact")
        assert found[0] == included

    def test_early_revascularizations_stay_in_but_are_no_event(self, endpoint):
        name = "mace_with_early_revascularization"
        for day in (30, 89, 90):
            assert endpoint(name, events=[("pci", day)]) == (1, LAST, 0, None)
        assert endpoint(name, events=[("pci", 91)]) == (1, 91, 1, "late_revascularization")
        assert endpoint(name, events=[("pci", 30), ("pci", 200)])[1:] == (200, 1, "late_revascularization")
        assert endpoint("mace", events=[("pci", 30)]) == (0, None, None, None)

    def test_without_revascularization(self, endpoint):
        name = "mace_without_revascularization"
        assert endpoint(name, events=[("pci", 200)]) == (1, LAST, 0, None)
        assert endpoint(name, events=[("pci", 200), ("unstable_angina", 300)])[1:] == (
            300,
            1,
            "unstable_angina",
        )

    def test_hard_events_are_death_and_infarction(self, endpoint):
        events = [("unstable_angina", 100), ("pci", 200), ("myocardial_infarction", 300)]
        assert endpoint("hard_events", events=events)[1:] == (300, 1, "myocardial_infarction")
        assert endpoint("hard_events", deaths=[250], events=events[:2])[1:] == (250, 1, "death")

    def test_only_those_named_are_derived(self, one):
        names = one(sensitivity=["hard_events"]).endpoints["endpoint"].unique().tolist()
        assert names == ["mace", "hard_events"]


def test_settings_refuse_what_they_do_not_know():
    for wrong in (
        {"censoring": "never"},
        {"same_day_event_order": ["death"]},
        {"sensitivity": ["softer"]},
        {"end_of_followup": "soon"},
        {"landmark": 90},
    ):
        with pytest.raises(InputError, match=next(iter(wrong))):
            CohortSettings.from_config(wrong)

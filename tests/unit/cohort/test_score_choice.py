"""Which scan of a patient gives which score."""

import numpy as np
import pandas as pd
import pytest

from calcohort.cohort.quality import Findings
from calcohort.cohort.scores import patient_scores, scan_fates
from calcohort.errors import InputError

STRESS, REST, GATED = ("ctac_stress", 0, 11.0), ("ctac_rest", 0, 22.0), ("cac_gated", 0, 33.0)


def test_stress_goes_first_and_rest_stands_in_for_it(row):
    both = row(scores=[REST, STRESS, GATED])
    assert (both["cac_dl"], both["cac_dl_protocol"], both["cac_dl_rest_preferred"]) == (
        11.0,
        "ctac_stress",
        22.0,
    )
    rest = row(scores=[REST])
    assert (rest["cac_dl"], rest["cac_dl_protocol"], rest["cac_dl_rest_preferred"]) == (
        22.0,
        "ctac_rest",
        22.0,
    )
    stress = row(scores=[STRESS])
    assert (stress["cac_dl"], stress["cac_dl_rest_preferred"]) == (11.0, 11.0)


def test_a_stress_scan_that_was_rejected_is_replaced_by_rest(row):
    found = row(scores=[("ctac_stress", 0, None), REST])
    assert (found["cac_dl"], found["cac_dl_protocol"]) == (22.0, "ctac_rest")


def test_a_score_of_zero_is_a_score(row):
    found = row(scores=[("ctac_stress", 0, 0.0), REST])
    assert (found["cac_dl"], found["cac_dl_protocol"]) == (0.0, "ctac_stress")


def test_the_network_s_gated_score_never_takes_the_expert_s_place(row):
    found = row(scores=[STRESS, GATED])
    assert (found["cac_dl_gated"], found["cac_standard"]) == (33.0, None)
    found = row(scores=[STRESS], clinical=[(0, 44)])
    assert (found["cac_dl_gated"], found["cac_standard"]) == (None, 44.0)


@pytest.mark.parametrize("day", [-1, 1, 365])
def test_scans_of_other_days_do_not_count(row, count, day):
    options = {"scores": [STRESS, ("cac_gated", day, 33.0)], "clinical": [(day, 44)]}
    found = row(**options)
    assert (found["cac_dl_gated"], found["cac_standard"]) == (None, None)
    assert count("scores", "scan_of_another_day_ignored", **options) == 1
    assert count("clinical_cac", "scan_of_another_day_ignored", **options) == 1


def test_a_clinical_score_without_a_number_is_missing_and_counted(row, count):
    options = {"clinical": [(0, np.nan)]}
    assert row(**options)["cac_standard"] is None
    assert count("clinical_cac", "no_score", **options) == 1


def table(**columns) -> pd.DataFrame:
    return pd.DataFrame({"patient_id": "A", "protocol": "ctac_stress", "agatston": [1.0, 2.0]} | columns)


EXAM = pd.Series(pd.to_datetime(["2012-03-01"]), index=pd.Index(["A"], name="patient_id"))


def chosen(scores: pd.DataFrame, findings: Findings | None = None) -> pd.DataFrame:
    return patient_scores(scan_fates(scores, EXAM, findings or Findings()), EXAM.index)


def test_days_from_the_exam_serve_as_well_as_dates():
    scores = chosen(table(scan_date=[400, 0]))
    assert scores["cac_dl"].tolist() == [2.0]


def test_text_is_neither_days_nor_dates():
    with pytest.raises(InputError, match="neither dates nor days"):
        chosen(table(scan_date=["2012-03-01", "x"]))


def test_of_two_scans_of_one_protocol_the_choice_does_not_depend_on_the_order():
    findings = Findings()
    scores = table(scan_date=0, series=["b", "a"])
    assert chosen(scores, findings)["cac_dl"].tolist() == [2.0]
    assert chosen(scores[::-1])["cac_dl"].tolist() == [2.0]
    assert "several_scans_of_one_protocol_first_kept" in findings.table()["rule"].tolist()


def test_a_scan_that_was_not_accepted_has_no_score_but_was_there():
    scores = table(scan_date=[0, np.nan], accepted=False)
    found = chosen(scores).iloc[0]
    assert np.isnan(found["cac_dl"])
    assert found["ctac_seen"] and not found["ctac_scored"]
    assert pd.isna(found["cac_dl_protocol"])


def test_each_patient_s_scans_are_held_against_that_patient_s_own_exam():
    exams = pd.Series(pd.to_datetime(["2012-03-01", "2014-05-06"]), index=pd.Index(["A", "B"]))
    scores = pd.DataFrame(
        {
            "patient_id": ["A", "B", "B", "Z"],
            "scan_date": pd.to_datetime(["2012-03-01", "2012-03-01", "2014-05-06", "2012-03-01"]),
            "protocol": "ctac_stress",
            "agatston": [1.0, 2.0, 3.0, 4.0],
        }
    )
    findings = Findings()
    fates = scan_fates(scores, exams, findings)
    counts = findings.table().set_index("rule")["count"]
    assert counts[["rows", "rows_linked", "patient_without_pet_exam"]].tolist() == [4, 3, 1]
    assert fates["fate"].fillna("").tolist() == ["", "scan_of_another_day", "", "no_pet_exam"]
    assert patient_scores(fates, exams.index)["cac_dl"].tolist() == [1.0, 3.0]

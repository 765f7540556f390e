"""A scan that its header rules out is not forgotten."""

import pandas as pd

from calcohort.imaging.link import link_scans, rejected_scans


def series_table(**reasons) -> pd.DataFrame:
    rows = [
        {
            "series": key,
            "patient_id": "A",
            "study_date": "2015-01-01",
            "series_description": "CTAC STRESS",
            "accepted": reason is None,
            "reason": reason,
            "warnings": "",
            "modality": "CT",
        }
        for key, reason in reasons.items()
    ]
    return pd.DataFrame(rows)


PET = pd.DataFrame({"patient_id": ["A"], "scan_date": ["2015-01-01"]})
RULES = [{"match": {"SeriesDescription": "CTAC STRESS"}, "protocol": "ctac_stress"}]


def test_the_only_scan_of_a_patient_is_listed_with_its_reason():
    series = series_table(a="nonuniform_spacing")
    rejected = rejected_scans(link_scans(series, PET, RULES), series, PET)
    assert rejected[["patient_id", "protocol", "reason"]].to_numpy().tolist() == [
        ["A", "ctac_stress", "nonuniform_spacing"]
    ]


def test_a_rejected_scan_beside_a_good_one_is_not_the_patients_loss():
    series = series_table(a="truncated", b=None)
    assert rejected_scans(link_scans(series, PET, RULES), series, PET).empty


def test_a_scan_of_a_stranger_is_not_listed():
    series = series_table(a="truncated").assign(patient_id="B")
    assert rejected_scans(link_scans(series, PET, RULES), series, PET).empty

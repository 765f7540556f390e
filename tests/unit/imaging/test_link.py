"""Which series is scored for which patient, and why the others are not."""

import pandas as pd
import pytest

from calcohort.errors import InputError
from calcohort.imaging.link import link_scans
from calcohort.imaging.protocol import DEFAULT_RULES, classify, rule_keywords

PET = pd.DataFrame({"patient_id": ["A", "B"], "scan_date": ["2015-03-04", "2016-01-02"]})


def _series(*rows: dict) -> pd.DataFrame:
    base = {
        "accepted": True,
        "reason": None,
        "warnings": "",
        "patient_id": "A",
        "study_date": "2015-03-04",
        "series_description": "CTAC STRESS",
        "kernel": "B30f",
        "slice_thickness_mm": 3.0,
        "n_slices": 50,
        "extent_mm": 150.0,
    }
    return pd.DataFrame([base | {"series": f"{number:016x}"} | row for number, row in enumerate(rows)])


@pytest.mark.parametrize(
    ("description", "protocol"),
    [
        ("CTAC STRESS", "ctac_stress"),
        ("CTAC_REST", "ctac_rest"),
        ("Stress AC CT 3.0 B31f", "ctac_stress"),
        ("REST ac_ct", "ctac_rest"),
        ("CT Attenuation Correction Regadenoson", "ctac_stress"),
        ("CaScore ECG-gated 3.0", "cac_gated"),
        ("CaSc 3.0 B35f 70%", "cac_gated"),
        ("Calcium Scoring", "cac_gated"),
        ("CTAC", "unknown"),
        ("Topogram", "unknown"),
        ("Thorax 5.0 lung", "unknown"),
        ("Cardiac PET stress", "unknown"),
        (None, "unknown"),
    ],
)
def test_default_rules(description, protocol):
    assert classify(_series({"series_description": description})).iloc[0] == protocol


def test_rules_match_any_tag_in_order():
    rules = [
        {"match": {"KVP": "^120$", "ScanOptions": "SEQ"}, "protocol": "cac_gated"},
        {"match": {"StationName": "CT1"}, "protocol": "ctac_rest"},
    ]
    table = _series(
        {"kvp": 120.0, "scan_options": "SEQ", "StationName": "CT1"}, {"kvp": 100.0, "StationName": "CT1"}
    )
    assert list(classify(table, rules)) == ["cac_gated", "ctac_rest"]
    assert rule_keywords(rules) == ("StationName",)
    assert rule_keywords(DEFAULT_RULES) == ()


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"match": {"SeriesDescripton": "x"}, "protocol": "ctac_rest"}, "no DICOM keyword"),
        ({"match": {"SeriesDescription": "("}, "protocol": "ctac_rest"}, "malformed expression"),
        ({"match": {}, "protocol": "ctac"}, "unknown protocol"),
    ],
)
def test_wrong_rules_say_what_is_wrong(rule, says):
    with pytest.raises(InputError, match=says):
        classify(_series({}), [rule])


def test_stress_is_primary_and_rest_stands_in():
    scans = link_scans(
        _series(
            {},
            {"series_description": "CTAC REST"},
            {"series_description": "CaSc"},
            {"series_description": "CTAC REST", "patient_id": "B", "study_date": "2016-01-02"},
        ),
        PET,
    )
    assert scans["chosen"].all()
    primary = scans[scans["primary"]]
    assert list(zip(primary["patient_id"], primary["protocol"], strict=True)) == [
        ("A", "cac_gated"),
        ("A", "ctac_stress"),
        ("B", "ctac_rest"),
    ]


def test_rest_stands_in_for_a_rejected_stress_scan():
    scans = link_scans(
        _series({"accepted": False, "reason": "truncated"}, {"series_description": "CTAC REST"}), PET
    )
    assert list(scans["primary"]) == [True, False]
    assert list(scans["reason"].fillna("")) == ["", "truncated"]


@pytest.mark.parametrize(
    ("better", "worse", "words"),
    [
        ({}, {"accepted": False, "reason": "truncated", "n_slices": 90}, "only series"),
        ({"kernel": "B30f"}, {"kernel": "B70f"}, "2 series: kernel without sharpening"),
        ({"kernel": "STANDARD"}, {"kernel": "LUNG"}, "2 series: kernel without sharpening"),
        ({"kernel": "Br36d"}, {"kernel": "Br64d"}, "2 series: kernel without sharpening"),
        (
            {"slice_thickness_mm": 3.0},
            {"slice_thickness_mm": 0.75},
            "2 series: slice_thickness_mm nearest to 3",
        ),
        ({"extent_mm": 150.0}, {"extent_mm": 90.0}, "2 series: most extent_mm"),
        ({"n_slices": 60}, {"n_slices": 50}, "2 series: most n_slices"),
        ({}, {}, "2 series: first by key"),
    ],
)
def test_choice_between_reconstructions(better, worse, words):
    scans = link_scans(_series(better, worse), PET)
    assert list(scans["chosen"]) == [True, False]
    assert scans["choice"].iloc[0] == words
    assert link_scans(_series(better, worse).iloc[::-1], PET).equals(scans)


def test_the_table_of_the_config_decides():
    thin = [{"column": "slice_thickness_mm", "prefer": "least"}]
    scans = link_scans(_series({"slice_thickness_mm": 3.0}, {"slice_thickness_mm": 0.75}), PET, choice=thin)
    assert list(scans["chosen"]) == [False, True]
    assert scans["reason"].iloc[0] == "not_chosen"


def test_other_patients_and_days_are_unlinked():
    scans = link_scans(_series({"patient_id": "C"}, {"study_date": "2015-03-05"}, {"patient_id": None}), PET)
    assert list(scans["reason"]) == ["unlinked"] * 3
    assert not scans["chosen"].any()


def test_unknown_series_are_listed_and_usable_by_an_explicit_entry():
    table = _series({"series_description": "Thorax"})
    scans = link_scans(table, PET)
    assert (scans["protocol"].iloc[0], scans["chosen"].iloc[0]) == ("unknown", False)
    key = table["series"].iloc[0]
    named = link_scans(table, PET, overrides={key: "ctac_rest"})
    assert named[["protocol", "chosen", "primary"]].iloc[0].tolist() == ["ctac_rest", True, True]


def test_dates_of_pet_may_be_dates():
    pet = PET.assign(scan_date=pd.to_datetime(PET["scan_date"]))
    assert link_scans(_series({}), pet)["chosen"].all()


def test_no_series_at_all():
    empty = link_scans(_series({}).iloc[:0], PET)
    assert len(empty) == 0 and "primary" in empty


def test_pet_without_dates_is_refused():
    with pytest.raises(InputError, match="scan_date"):
        link_scans(_series({}), PET[["patient_id"]])

"""Which series is scored for which patient, and why the others are not."""

import pandas as pd
import pytest

from calcohort.errors import InputError
from calcohort.imaging.choice import DEFAULT_CHOICE, check_choice
from calcohort.imaging.link import link_scans, rejected_scans
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


def _overrides(*rows: dict, **row) -> pd.DataFrame:
    blank = dict.fromkeys(("series", "patient_id", "protocol")) | {"reason": "seen by two readers"}
    table = pd.DataFrame([blank | one for one in rows or (row,)])
    return table.set_axis(table.index + 2)


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
    named = link_scans(table, PET, overrides=_overrides(series=key, protocol="ctac_rest", action="choose"))
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


KEYS = [f"{number:016x}" for number in range(3)]


def test_the_rule_that_named_the_protocol_stands_beside_it():
    scans = link_scans(_series({}), PET)
    assert scans["rule"].iloc[0] == "imaging.protocols line 3: CTAC at stress"
    own = link_scans(_series({}), PET, [{"match": {"SeriesDescription": "CTAC"}, "protocol": "ctac_rest"}])
    assert own["rule"].iloc[0] == "imaging.protocols line 1: SeriesDescription ~ CTAC"
    assert link_scans(_series({"series_description": "x"}), PET)["rule"].iloc[0] == "no rule matches its tags"


@pytest.mark.parametrize(
    ("better", "worse", "words"),
    [
        ({"series_description": "CaSc gated"}, {"series_description": "CaSc"}, "2 series: gated"),
        (
            {"series_description": "CaSc", "scan_options": "ECG"},
            {"series_description": "CaSc"},
            "2 series: gated",
        ),
        ({}, {"series_description": "CTAC STRESS gated"}, "2 series: not gated"),
        ({}, {"warnings": "lossy_allowed"}, "2 series: not compressed with loss"),
    ],
)
def test_gated_for_calcium_scans_and_ungated_for_ctac(better, worse, words):
    scans = link_scans(_series(better, worse), PET)
    assert (list(scans["chosen"]), scans["choice"].iloc[0]) == ([True, False], words)


def test_an_override_of_a_series_goes_before_the_table():
    table = _series({}, {"kernel": "B70f"})
    scans = link_scans(table, PET, overrides=_overrides(series=KEYS[1], action="choose"))
    assert list(scans["chosen"]) == [False, True]
    assert scans["choice"].iloc[1] == "2 series: imaging.overrides row 2: seen by two readers"
    out = link_scans(table, PET, overrides=_overrides(series=KEYS[0], action="exclude"))
    assert list(out["reason"].fillna("")) == ["excluded", ""]
    assert out["choice"].iloc[0] == "imaging.overrides row 2: seen by two readers"


def test_an_override_of_a_patient_takes_rest_for_stress_or_leaves_all():
    table = _series({}, {"series_description": "CTAC REST"}, {"series_description": "CaSc"})
    rest = link_scans(table, PET, overrides=_overrides(patient_id="A", protocol="ctac_rest", action="choose"))
    chosen = rest.set_index("protocol")["primary"]
    assert chosen.to_dict() == {"cac_gated": True, "ctac_rest": True, "ctac_stress": False}
    none = link_scans(table, PET, overrides=_overrides(patient_id="A", action="exclude"))
    assert set(none["reason"]) == {"excluded"}
    assert len(rejected_scans(none, table, PET)) == 3
    gated = _overrides(patient_id="A", protocol="cac_gated", action="exclude")
    assert link_scans(table, PET, overrides=gated)["chosen"].sum() == 2


def test_an_override_cannot_make_a_broken_scan_good():
    table = _series({"accepted": False, "reason": "truncated"}, {})
    scans = link_scans(table, PET, overrides=_overrides(series=KEYS[0], action="choose"))
    assert scans["reason"].iloc[0] == "truncated" and scans["chosen"].iloc[1]
    assert scans["choice"].iloc[0].startswith("asked for but not usable: imaging.overrides row 2")


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([{"series": "feed", "action": "choose"}], "row 2: no series has this key"),
        ([{"patient_id": "Z", "action": "exclude"}], "row 2: no scan is of this patient"),
        ([{"series": key, "action": "choose"} for key in KEYS[:2]], "two rows choose different series"),
    ],
)
def test_an_override_that_cannot_be_followed_says_so(rows, says):
    with pytest.raises(InputError, match=says):
        link_scans(_series({}, {}), PET, overrides=_overrides(*rows))


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ({"column": "kernel"}, "line 1: does not say what is better"),
        ({"column": "kernel", "avoid": "x", "prefer": "most"}, "line 1: compares by avoid and prefer"),
        ({"column": "kernal", "avoid": "x"}, "line 1: there is no column 'kernal'"),
        ({"column": "kernel", "avoid": "("}, "line 1: malformed expression"),
    ],
)
def test_a_wrong_line_of_the_choice_says_what_is_wrong(step, says):
    check_choice(DEFAULT_CHOICE)
    with pytest.raises(InputError, match=says):
        check_choice([step])

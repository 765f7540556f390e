"""What is wrong with the input is said in one line, before any work and without a traceback."""

import pandas as pd
import pytest

from tests.workflow.conftest import said

pytestmark = pytest.mark.slow

ANALYSIS = pd.DataFrame(
    {"patient_id": ["a", "b"], "cac_dl": [0, 5], "followup_days": [10, 20], "mace": [0, 1]}
)


def refused(run) -> str:
    assert run.returncode != 0
    assert "Traceback" not in said(run)
    return said(run)


def test_an_unknown_key_is_named_with_what_was_meant(place):
    ANALYSIS.to_csv(place / "a.csv", index=False)
    config = place.config({"name": "s", "analysis": "a.csv", "statistic": {"seed": 1}})
    words = refused(place.snakemake("--configfile", config))
    assert "unknown key `statistic`; did you mean `statistics`?" in words


def test_a_missing_file_is_named_with_its_key(place):
    config = place.config({"name": "s", "analysis": "nowhere.csv"})
    words = refused(place.snakemake("--configfile", config))
    assert "analysis: no such file or folder: nowhere.csv; mend the path" in words


def test_nothing_of_the_demo_mixes_into_a_study(place):
    ANALYSIS.to_csv(place / "a.csv", index=False)
    run = place.snakemake("-n", "--configfile", place.config({"name": "s", "analysis": "a.csv"}))
    assert run.returncode == 0, said(run)
    assert "simulate" not in said(run)
    assert "convert" not in said(run)


def test_a_missing_column_is_named_before_any_scan_is_read(place):
    (place / "dicom").mkdir()
    pd.DataFrame({"patient_id": ["a"], "sex": ["male"], "age": [50]}).to_csv(place / "p.csv", index=False)
    pd.DataFrame({"patient_id": ["a"], "day": ["2015-01-01"]}).to_csv(place / "pet.csv", index=False)
    registries = {"patients": {"path": "p.csv"}, "pet": {"path": "pet.csv"}}
    study = {"name": "s", "imaging": {"dicom": "dicom"}, "registries": registries}
    words = refused(place.snakemake("registries", "--configfile", place.config(study), "--show-failed-logs"))
    assert (
        "pet.csv: no column scan_date; name it under `columns`; the columns there are patient_id, day"
        in words
    )


def test_duplicate_patients_are_counted_and_not_named(place):
    patients = pd.DataFrame({"patient_id": ["Smith7", "Smith7"], "sex": ["male", "male"], "age": [50, 50]})
    patients.to_csv(place / "p.csv", index=False)
    scores = pd.DataFrame({"patient_id": ["Smith7"], "scan_date": [0], "protocol": ["ctac_stress"]})
    scores = scores.assign(agatston=1)
    scores.to_csv(place / "s.csv", index=False)
    study = {"name": "s", "scores": "s.csv", "registries": {"patients": {"path": "p.csv"}}}
    words = refused(place.snakemake("cohort", "--configfile", place.config(study), "--show-failed-logs"))
    assert "keep one row for each patient" in words
    assert "Smith7" not in words

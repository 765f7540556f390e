"""A real scan among simulated patients, through the whole study."""

import os
from pathlib import Path

import pandas as pd
import pytest
import yaml

from calcohort import tables
from tests.workflow.conftest import CHECKOUT, demo, new_place, said

REAL = Path(os.environ.get("CALCOHORT_REALDATA", CHECKOUT.parent / "shared" / "realdata")) / "lung1-001"
RUN = "results/small/simulate/external"
# The header of the real scan names its patient and day so.
PATIENT, DAY = "LUNG1-001", "2008-09-18"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not REAL.is_dir(), reason="the real scan is not on this machine"),
]


def test_a_real_scan_is_one_of_the_patients(finished, tmp_path):
    place = new_place(tmp_path)
    study = demo("small", 15, 9)
    for part in ("simulate", "development"):
        del study[part]
    text = yaml.safe_dump(study).replace("results/small/", f"{finished / 'results/small'}/")
    study = yaml.safe_load(text) | {"name": "real"}
    study["imaging"] = {
        "dicom": [str(finished / f"{RUN}/dicom"), str(REAL)],
        "protocols": [
            {"match": {"ProtocolName": "RCCTPET_THORAX"}, "protocol": "ctac_stress"},
            {"match": {"SeriesDescription": "CTAC STRESS"}, "protocol": "ctac_stress"},
            {"match": {"SeriesDescription": "CaScore"}, "protocol": "cac_gated"},
        ],
    }
    _add(study["registries"]["patients"], place / "patients.csv", MRN=PATIENT, Sex="M", DOB="01.06.1925")
    _add(study["registries"]["pet"], place / "pet.csv", patient_id=PATIENT, exam_date=DAY)
    _add(study["registries"]["followup"], place / "followup.csv", patient_id=PATIENT, last_seen="2012-01-01")
    run = place.snakemake("cohort", "--configfile", place.config(study))
    assert run.returncode == 0, said(run)[-3000:]
    scores = tables.read_csv(place / "results/real/scores/scores.csv")
    own = scores[scores["patient_id"] == PATIENT]
    assert list(own["category"]) == [">400"]
    analysis = tables.read_csv(place / "results/real/cohort/analysis.csv")
    assert PATIENT in set(analysis["patient_id"])
    assert len(analysis) > 5


def _add(source: dict, path: Path, **fields) -> None:
    """A copy of a registry with one row more, named in the config in its place."""
    separator = source.get("sep", ",")
    table = pd.read_csv(source["path"], sep=separator, dtype=str)
    table = pd.concat([table, pd.DataFrame([fields])], ignore_index=True)
    table.to_csv(path, sep=separator, index=False)
    source["path"] = str(path)

"""The other ways into a study, its private side, and the training target."""

import json
import shutil

import pandas as pd
import pytest

from calcohort import tables
from calcohort.audit.verify import verify
from tests.workflow.conftest import demo, new_place, said

pytestmark = pytest.mark.slow
CANARY = "Zebra-4711"


def test_an_analysis_table_alone_gives_every_statistic_and_a_report(finished, place):
    source = finished / "results/small/cohort/analysis.csv"
    shutil.copy(source, place / "table.csv")
    study = {"name": "own", "analysis": "table.csv", "statistics": {"bootstrap_replicates": 20}}
    run = place.snakemake("--configfile", place.config(study))
    assert run.returncode == 0, said(run)[-3000:]
    assert verify(place / "results/own") == []
    ours = (place / "results/own/statistics/followup.csv").read_bytes()
    assert ours == (finished / "results/small/statistics/followup.csv").read_bytes()
    for name in ("tableS1", "table1", "figure6"):
        facts = json.loads((place / f"results/own/exhibits/{name}.json").read_text())
        assert facts["made"] is False
        assert facts["reason"]


def test_no_identifier_leaves_the_private_side(place):
    n = 30
    names = [f"{CANARY}-{i}" for i in range(n)]
    days = pd.date_range("2012-03-01", periods=n, freq="30D").strftime("%Y-%m-%d")
    pd.DataFrame({"patient_id": names, "sex": "male", "age": range(50, 50 + n)}).to_csv(
        place / "p.csv", index=False
    )
    pd.DataFrame({"patient_id": names, "scan_date": days}).to_csv(place / "pet.csv", index=False)
    dead = pd.DataFrame({"patient_id": names[:10], "death_date": "2019-05-05"})
    dead.to_csv(place / "d.csv", index=False)
    scores = pd.DataFrame({"patient_id": names, "scan_date": days, "protocol": "ctac_stress"})
    scores.assign(agatston=[5.0 * i for i in range(n)]).to_csv(place / "s.csv", index=False)
    sources = {"patients": "p.csv", "pet": "pet.csv", "deaths": "d.csv"}
    registries = {name: {"path": path} for name, path in sources.items()}
    study = {"name": "s", "scores": "s.csv", "registries": registries, "private_dir": "private"}
    run = place.snakemake("cohort", "--configfile", place.config(study))
    assert run.returncode == 0, said(run)[-3000:]
    analysis = tables.read_csv(place / "results/s/cohort/analysis.csv")
    assert len(analysis) == n
    assert analysis["mace"].sum() == 10
    assert CANARY not in said(run)
    for folder in ("results", ".snakemake"):
        for path in (place / folder).rglob("*"):
            assert CANARY not in path.name
            assert not path.is_file() or CANARY.encode() not in path.read_bytes(), path
    assert (place / "private/site.key").stat().st_mode & 0o077 == 0


def test_train_makes_a_model_from_annotated_scans(finished, tmp_path):
    place = new_place(tmp_path)
    shutil.copytree(finished / "results/small", place / "results/small")
    shutil.copytree(finished / ".snakemake", place / ".snakemake")
    study = demo("small", 15, 9)
    study["development"] |= {
        "split": {"validation": 0.3, "test": 0.1},
        "training": {"heart_steps": 2, "lesion_steps": 2, "batch_size": 1},
    }
    run = place.snakemake("train", "--configfile", place.config(study))
    assert run.returncode == 0, said(run)[-3000:]
    model = place / "results/small/development/model"
    plan = json.loads((model / "config.json").read_text())
    assert plan["meta"]["simulated"] is True
    assert len(tables.read_csv(model / "history_lesion.csv")) >= 1
    assert (model / "lesion.safetensors").stat().st_size > 1e6

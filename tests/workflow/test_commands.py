"""The command `calcohort`, as a user types it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from calcohort.scoring.rows import JSON_KEYS
from calcohort.simulate.dicom_writer import write_series
from calcohort.volume import Volume
from tests.workflow.conftest import CHECKOUT

pytestmark = pytest.mark.slow


def calcohort(*arguments: str, cwd: Path = CHECKOUT) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "calcohort.cli", *arguments]
    return subprocess.run(command, cwd=cwd, text=True, capture_output=True)


def cylinder() -> Volume:
    """A water phantom as physicists scan it: no heart in it."""
    y, x = np.mgrid[:256, :256]
    disc = np.where(np.hypot(y - 128, x - 128) < 100, 0, -1000).astype(np.int16)
    return Volume(np.repeat(disc[None], 40, axis=0), (1.0, 1.0, 3.0))


def test_a_scan_without_a_heart_and_junk_have_reasons_and_no_traceback(tmp_path):
    write_series(cylinder(), tmp_path / "a", patient_id="X", study_date="2015-01-01", protocol="ctac_stress")
    (tmp_path / "notes.txt").write_text("no scan")
    (tmp_path / "broken.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 64)
    run = calcohort("score", str(tmp_path), "--json")
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    whole = [row for row in found if row["protocol"] == "ctac_stress"]
    assert [row["reason"] for row in whole] == ["no_heart"]
    for row in found:
        assert list(row) == list(JSON_KEYS)
        assert row["accepted"] is False
        assert row["reason"]
    assert "Traceback" not in run.stderr


def test_a_path_that_is_not_there_is_a_usage_error(tmp_path):
    run = calcohort("score", str(tmp_path / "nowhere"))
    assert run.returncode == 2
    assert "Traceback" not in run.stderr


def test_the_template_and_the_shipped_configs_are_valid_but_for_their_files():
    for name in ("config.yaml", "paper.yaml"):
        run = calcohort("check", f"config/{name}")
        assert run.returncode == 0, run.stderr
    run = calcohort("check", "config/study.template.yaml")
    assert run.returncode == 2
    # The template keeps identifiers apart (private_dir): the key is named, the path of the study is not.
    assert "imaging.dicom: no such file or folder; mend the path" in run.stderr
    assert "path/to/dicom" not in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1


def test_check_tells_every_problem_of_the_registries_at_once(tmp_path):
    (tmp_path / "p.csv").write_text("patient_id,sex,age\n1,M,60\n1,F,61\n")
    (tmp_path / "d.csv").write_text("patient_id,day\n1,2015-01-01\n")
    (tmp_path / "s.csv").write_text("patient_id,scan_date,protocol,agatston\n1,0,ctac_stress,5\n")
    registries = {"patients": {"path": "p.csv"}, "deaths": {"path": "d.csv"}}
    study = {"name": "s", "scores": "s.csv", "registries": registries}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    run = calcohort("check", "study.yaml", cwd=tmp_path)
    assert run.returncode == 2
    assert "d.csv: no column death_date" in run.stderr
    assert "p.csv" in run.stderr
    assert "Traceback" not in run.stderr


def test_the_contradictions_of_the_published_numbers_are_found():
    run = calcohort("claims", "check", "config/paper/targets.csv")
    assert "208" in run.stdout
    assert run.returncode == 1

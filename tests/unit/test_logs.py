"""Logs of a private study cannot quote a patient, whatever fails."""

import os
import subprocess
import sys

import pytest

from calcohort.errors import InputError
from calcohort.logs import PRIVATE_LOGS, script_log

CANARY = "Zebra-4711"


@pytest.fixture
def logs(tmp_path, monkeypatch):
    monkeypatch.setenv(PRIVATE_LOGS, str(tmp_path / "private/logs"))
    return tmp_path / "results/s/logs/convert/s0.log", tmp_path / "private/logs/convert/s0.log"


def fails(log, error) -> None:
    with pytest.raises(SystemExit), script_log(log):
        raise error


def test_a_defect_leaves_its_kind_and_place_and_its_message_on_the_private_side(logs):
    log, full = logs
    fails(log, KeyError(CANARY))
    assert "KeyError" in log.read_text() and "test_logs.py:" in log.read_text()
    assert CANARY not in log.read_text()
    assert CANARY in full.read_text()


def test_an_input_error_keeps_its_line_but_no_file_name(logs):
    log, full = logs
    fails(log, InputError("no column x", where=f"/data/{CANARY}.csv", cure="add it"))
    assert log.read_text() == "no column x; add it\n"
    assert CANARY in full.read_text()
    fails(log, InputError("is empty", where="registries.deaths[2]", cure="fill it in"))
    assert log.read_text() == "registries.deaths[2]: is empty; fill it in\n"


def test_what_is_printed_or_said_by_a_child_process_is_private(logs, capfd):
    log, full = logs
    with script_log(log) as say:
        print(f"{CANARY} printed")
        subprocess.run([sys.executable, "-c", f"print('{CANARY} child')"], check=True)
        os.write(2, f"{CANARY} written".encode())
        say("3 patients added")
    assert log.read_text() == "3 patients added\n"
    assert full.read_text().count(CANARY) == 3
    assert CANARY not in "".join(capfd.readouterr())


def test_without_a_private_side_the_log_has_everything(tmp_path, monkeypatch):
    monkeypatch.delenv(PRIVATE_LOGS, raising=False)
    fails(tmp_path / "x.log", KeyError("column"))
    assert "KeyError: 'column'" in (tmp_path / "x.log").read_text()

"""Killed runs, full disks and two runs at once: nothing is lost and nothing half-made is taken for whole."""

import shutil
import signal
import subprocess
import time

import pytest

from tests.workflow import faults
from tests.workflow.conftest import new_place, said

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Place, config and content of a finished run."""
    place = new_place(tmp_path_factory.mktemp("faults"))
    config = faults.study(place)
    expected = faults.finish(place, config)
    assert len(expected) == 7
    return place, config, expected


def test_a_run_that_is_killed_is_finished_by_the_next_one(undisturbed):
    place, config, expected = undisturbed
    assert faults.struck_rounds(place, config, expected, range(10), ("workflow", "worker")) >= 5


def test_a_disk_that_fills_while_a_run_writes_costs_no_more_than_another_run(undisturbed, tmp_path):
    _, _, expected = undisturbed
    place = new_place(tmp_path)
    config = faults.study(place)
    try:
        with faults.small_disk(place / "results", "20m"):
            assert faults.struck_rounds(place, config, expected, range(3), ("disk",)) >= 1
    except faults.NoDisk as error:
        pytest.skip(str(error))


def test_a_second_run_in_the_same_folder_is_refused_with_one_line(undisturbed):
    place, config, expected = undisturbed
    shutil.rmtree(place / faults.RUN)
    first = faults.start(place, config)
    lock = place / faults.RUN / ".run.lock"
    while not (lock.exists() and lock.stat().st_size) and first.poll() is None:
        time.sleep(0.05)
    # Held still, so that it cannot have ended before the second one asks.
    first.send_signal(signal.SIGSTOP)
    try:
        second = place.snakemake("statistics_cox", "--configfile", config)
    finally:
        first.send_signal(signal.SIGCONT)
    assert second.returncode != 0
    assert "another run is at work here" in said(second)
    assert "Traceback" not in said(second)
    assert first.wait(timeout=300) == 0
    assert faults.content(place) == expected


@pytest.mark.parametrize("kilobytes", [8, 24])
def test_a_full_disk_ends_the_run_and_the_next_one_finishes(undisturbed, tmp_path, kilobytes):
    _, _, expected = undisturbed
    place = new_place(tmp_path)
    config = faults.study(place)
    disk = place / "results"
    try:
        with faults.small_disk(disk, f"{kilobytes}k"):
            run = place.snakemake(*faults.TARGETS, "--configfile", config)
            assert run.returncode != 0
            subprocess.run(["mount", "-o", "remount,size=50m", disk], check=True)
            assert faults.finish(place, config) == expected
    except faults.NoDisk as error:
        pytest.skip(str(error))

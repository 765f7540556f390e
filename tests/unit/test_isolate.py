"""One bad item costs itself and nothing else."""

import errno
import os
import signal
import time

import pytest

from calcohort.isolate import Lost, one_by_one


def work(item):
    if item == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if item == "bomb":
        return len(bytearray(4 * 10**9))
    if item == "hang":
        time.sleep(60)
    if item == "full disk":
        raise OSError(errno.ENOSPC, "No space left on device")
    if item == "defect":
        raise KeyError("voxels")
    return item.upper()


def run(items, seconds=20.0):
    return list(one_by_one(work, items, memory_mb=500, seconds=seconds))


@pytest.mark.parametrize(
    ("poison", "reason"),
    [("crash", "crashed"), ("bomb", "out_of_memory"), ("defect", "failed")],
)
def test_a_poisonous_item_is_lost_alone_and_with_a_reason(poison, reason):
    assert run(["a", poison, "b", poison, "c"]) == ["A", Lost(reason), "B", Lost(reason), "C"]


def test_a_worker_that_somebody_else_killed_costs_no_item(tmp_path):
    struck = tmp_path / "struck"

    def killed_once(item):
        if item == "b" and not struck.exists():
            struck.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return item.upper()

    assert list(one_by_one(killed_once, "abc", memory_mb=500, seconds=20)) == ["A", "B", "C"]
    assert struck.exists()


def test_a_disk_that_stood_still_costs_no_item(tmp_path):
    stood = tmp_path / "stood"

    def slow_once(item):
        if not stood.exists():
            stood.touch()
            time.sleep(60)
        return item.upper()

    assert list(one_by_one(slow_once, "a", memory_mb=500, seconds=1)) == ["A"]


def test_a_full_disk_is_no_fault_of_the_item():
    with pytest.raises(OSError, match="No space left"):
        run(["a", "full disk"])


def test_what_never_ends_is_cut_off():
    assert run(["a", "hang", "b"], seconds=2) == ["A", Lost("timed_out"), "B"]


def test_the_process_is_gone_when_the_caller_stops_early():
    results = one_by_one(lambda item: os.getpid(), ["a", "b"], memory_mb=500, seconds=20)
    worker = next(results)
    results.close()
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)

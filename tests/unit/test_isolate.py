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

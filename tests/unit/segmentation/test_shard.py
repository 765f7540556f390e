"""A shard's scans side by side: what fails costs itself, a small GPU costs time, a full disk ends the job."""

import time
from dataclasses import dataclass

import pytest
import torch

from calcohort.segmentation import NoHeart
from calcohort.segmentation.shard import Clock, Frugal, segment_all


@dataclass(frozen=True)
class Found:
    where: str
    warnings: tuple[str, ...] = ()


class SmallGpu:
    """Has memory for a number of slices at a time."""

    def __init__(self, slices: int):
        self.piece, self.slices = 96, slices

    def __call__(self, volume):
        if self.piece > self.slices:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return Found("gpu")


class Cpu:
    piece = 96

    def __call__(self, volume):
        return Found("cpu")


@pytest.mark.parametrize(
    ("slices", "found"),
    [
        (96, Found("gpu")),
        (50, Found("gpu", ("smaller_batch",))),
        (10, Found("cpu", ("cpu_fallback",))),
    ],
)
def test_a_gpu_without_memory_halves_its_batch_then_leaves_it_to_the_cpu(slices, found):
    segment = Frugal(lambda device: Cpu() if device == "cpu" else SmallGpu(slices), "cuda")
    assert [segment("scan"), segment("scan")] == [found, found]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("Tried to allocate 2.00 GiB"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    ],
)
def test_a_gpu_that_others_fill_leaves_every_scan_to_the_cpu(error):
    def load(device):
        if device == "cpu":
            return Cpu()
        raise error

    segment = Frugal(load, "cuda")
    assert [segment("scan"), segment("scan")] == [Found("cpu", ("cpu_fallback",))] * 2


def test_what_is_wrong_with_a_model_is_no_lack_of_memory():
    def load(device):
        raise RuntimeError("Error(s) in loading state_dict")

    with pytest.raises(RuntimeError, match="state_dict"):
        Frugal(load, "cuda")


def run(segment, write=lambda *_: None, read=lambda key: (key, f"hash {key}")):
    return [(o.key, o.reason, o.note) for o in segment_all("abcd", read, segment, write)]


def test_a_poisonous_scan_is_lost_alone(capsys):
    def segment(volume):
        if volume == "b":
            raise ValueError("a shape that no network takes")
        if volume == "c":
            raise NoHeart
        return Found(volume)

    written = []
    outcomes = run(segment, lambda key, *_: written.append(key))
    reasons = [None, "scoring_failed", "no_heart", None]
    assert outcomes == [(key, why, f"hash {key}") for key, why in zip("abcd", reasons, strict=True)]
    assert written == ["a", "d"]
    assert "ValueError" in capsys.readouterr().err


def test_what_cannot_be_read_or_cut_out_is_lost_alone():
    def read(key):
        if key == "a":
            raise MemoryError
        return key, None

    def write(key, *_):
        if key == "d":
            raise ValueError("an empty box")

    reasons = ["scoring_failed", None, None, "scoring_failed"]
    assert run(Found, write, read) == [(key, why, None) for key, why in zip("abcd", reasons, strict=True)]


@pytest.mark.parametrize("stage", ["read", "write"])
def test_a_full_disk_ends_the_job(stage):
    def fails(*_):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        run(Found, **{stage: fails})


@pytest.mark.parametrize("beside", [0.05, 0.08])
def test_reading_and_writing_do_not_keep_the_networks_waiting(beside):
    def slowly(seconds, result=None):
        time.sleep(seconds)
        return result

    clock, keys = Clock(), [str(n) for n in range(24)]
    outcomes = segment_all(
        keys,
        lambda key: slowly(beside, (key, None)),
        lambda volume: slowly(0.05, Found(volume)),
        lambda *_: slowly(beside),
        clock,
    )
    assert [outcome.key for outcome in outcomes] == keys
    assert clock.busy >= 0.8 * clock.total

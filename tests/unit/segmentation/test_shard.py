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


def on_cpu():
    return lambda volume: Found("cpu")


@pytest.mark.parametrize(
    ("slices", "found"),
    [
        (96, Found("gpu")),
        (50, Found("gpu", ("smaller_batch",))),
        (10, Found("cpu", ("cpu_fallback",))),
    ],
)
def test_a_gpu_without_memory_halves_its_batch_then_leaves_it_to_the_cpu(slices, found):
    segment = Frugal(SmallGpu(slices), on_cpu)
    assert [segment("scan"), segment("scan")] == [found, found]


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


def test_a_full_disk_ends_the_job():
    def write(key, *_):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        run(Found, write)


def test_reading_and_writing_do_not_keep_the_networks_waiting():
    def slowly(result=None):
        time.sleep(0.05)
        return result

    clock = Clock()
    outcomes = segment_all(
        "abcdefgh",
        lambda key: slowly((key, None)),
        lambda volume: slowly(Found(volume)),
        lambda *_: slowly(),
        clock,
    )
    assert len(list(outcomes)) == 8
    assert clock.busy > 0.6 * clock.total

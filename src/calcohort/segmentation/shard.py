"""The scans of a shard: one is read, one is in the networks and one is written at the same time."""

import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any

import torch

from calcohort.segmentation.heart import NoHeart
from calcohort.segmentation.infer import OVERLAP, Segmentation, Segmenter
from calcohort.volume import Volume

# Scans that are read before the networks ask for them, and that may wait to be written.
AHEAD = 2


class Frugal:
    """A segmenter for a GPU of any size: where memory is short it takes fewer slices at a time, then the CPU.

    Parameters
    ----------
    segmenter : Segmenter
    on_cpu : callable
        Makes the segmenter that takes over; called once, when it is needed.
    """

    def __init__(self, segmenter: Segmenter, on_cpu: Callable[[], Segmenter]):
        self._segmenter, self._on_cpu, self._slices = segmenter, on_cpu, segmenter.piece

    def __call__(self, volume: Volume) -> Segmentation:
        """Segment one scan, with a warning where that took a way round.

        Raises
        ------
        NoHeart
            If the scan shows none.
        """
        self._segmenter.piece, warnings = self._slices, ()
        while True:
            try:
                found = self._segmenter(volume)
                break
            except torch.OutOfMemoryError:
                torch.cuda.empty_cache()
            # A piece keeps what is left of it without its overlaps.
            if self._segmenter.piece // 2 <= 2 * OVERLAP:
                found, warnings = self._cpu(volume), ("cpu_fallback",)
                break
            self._segmenter.piece //= 2
            warnings = ("smaller_batch",)
        return replace(found, warnings=(*found.warnings, *warnings))

    @cached_property
    def _cpu(self) -> Segmenter:
        return self._on_cpu()


@dataclass(frozen=True)
class Outcome:
    """What became of a scan: its reason where it has no segmentation, and what `read` said of it."""

    key: str
    reason: str | None
    note: Any


@dataclass
class Clock:
    """Seconds that the networks worked, and that all took."""

    busy: float = 0.0
    total: float = 0.0


def segment_all(
    keys: Iterable[str],
    read: Callable[[str], tuple[Volume, Any]],
    segment: Callable[[Volume], Segmentation],
    write: Callable[[str, Volume, Segmentation], None],
    clock: Clock | None = None,
) -> Iterator[Outcome]:
    """Read, segment and write scans side by side; one that fails costs itself only.

    Parameters
    ----------
    read : callable
        Volume of a scan, and a note that its outcome carries.
    segment, write : callable
        What the networks do, in the calling thread, and what is done with it.
    clock : Clock, optional
        Filled in on the way.

    Raises
    ------
    OSError, InputError
        As `read` or `write` raised them: a full disk is no fault of the scan.
    """
    clock, started = clock or Clock(), time.monotonic()
    keys, reading, writing = iter(keys), deque[tuple[str, Future]](), deque[Future]()
    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
        reading.extend((key, reader.submit(read, key)) for key in islice(keys, AHEAD))
        while reading:
            key, future = reading.popleft()
            reading.extend((after, reader.submit(read, after)) for after in islice(keys, 1))
            volume, note = future.result()
            begun = time.monotonic()
            found, reason = _segmented(segment, volume)
            clock.busy += time.monotonic() - begun
            if found is not None:
                writing.append(writer.submit(write, key, volume, found))
            while len(writing) > AHEAD:
                writing.popleft().result()
            yield Outcome(key, reason, note)
        for future in writing:
            future.result()
    clock.total = time.monotonic() - started


def _segmented(segment: Callable, volume: Volume) -> tuple[Segmentation | None, str | None]:
    try:
        return segment(volume), None
    except NoHeart as missing:
        return None, missing.reason
    except Exception:
        traceback.print_exc()
        return None, "scoring_failed"

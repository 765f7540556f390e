"""The scans of a shard: some are read, one is in the networks and some are written at the same time."""

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

from calcohort.errors import InputError
from calcohort.segmentation.heart import NoHeart
from calcohort.segmentation.infer import OVERLAP, Segmentation, Segmenter
from calcohort.volume import Volume

# Scans that are read at a time before the networks ask for them, and that are written at a time.
AHEAD = 2


class Frugal:
    """A segmenter for a GPU of any size: where memory is short it takes fewer slices at a time, then the CPU.

    Parameters
    ----------
    load : callable
        Makes the segmenter of a device; called for "cpu" when the GPU has failed.
    device : str
        Where to begin.
    """

    def __init__(self, load: Callable[[str], Segmenter], device: str):
        self._load = load
        try:
            self._first = load(device)
        except RuntimeError as error:
            if not _short_of_memory(error):
                raise
            # Others fill the GPU: not even the weights have room.
            self._first = None
        self._slices = self._first.piece if self._first else 0

    def __call__(self, volume: Volume) -> Segmentation:
        """Segment one scan, with a warning where that took a way round.

        Raises
        ------
        NoHeart
            If the scan shows none.
        """
        slices, warnings = self._slices, ()
        # A piece keeps what is left of it without its overlaps.
        while slices > 2 * OVERLAP:
            self._first.piece = slices
            try:
                found = self._first(volume)
                return replace(found, warnings=(*found.warnings, *warnings))
            except RuntimeError as error:
                if not _short_of_memory(error):
                    raise
            torch.cuda.empty_cache()
            slices, warnings = slices // 2, ("smaller_batch",)
        found = self._cpu(volume)
        return replace(found, warnings=(*found.warnings, "cpu_fallback"))

    @cached_property
    def _cpu(self) -> Segmenter:
        return self._load("cpu")


def _short_of_memory(error: RuntimeError) -> bool:
    """Whether a GPU, or a library on it, had no memory left; not all of them say so by a class of its own."""
    words = ("CUDA out of memory", "CUDA error: out of memory", "ALLOC_FAILED")
    return isinstance(error, torch.OutOfMemoryError) or any(word in str(error) for word in words)


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
    keys, reading, writing = iter(keys), deque[tuple[str, Future]](), deque[tuple[Outcome, Future | None]]()
    with ThreadPoolExecutor(AHEAD) as reader, ThreadPoolExecutor(AHEAD) as writer:
        reading.extend((key, reader.submit(read, key)) for key in islice(keys, AHEAD))
        while reading:
            key, future = reading.popleft()
            reading.extend((after, reader.submit(read, after)) for after in islice(keys, 1))
            scan, reason = _guarded(future.result)
            volume, note = scan or (None, None)
            found, begun = None, time.monotonic()
            if scan is not None:
                found, reason = _guarded(lambda volume=volume: segment(volume))
            clock.busy += time.monotonic() - begun
            saved = None if found is None else writer.submit(write, key, volume, found)
            writing.append((Outcome(key, reason, note), saved))
            while len(writing) > AHEAD:
                yield _written(*writing.popleft())
        for outcome, saved in writing:
            yield _written(outcome, saved)
    clock.total = time.monotonic() - started


def _written(outcome: Outcome, saved: Future | None) -> Outcome:
    reason = _guarded(saved.result)[1] if saved else None
    return replace(outcome, reason=reason) if reason else outcome


def _guarded(work: Callable[[], Any]) -> tuple[Any, str | None]:
    """Result of work on a scan, or the reason why the scan is lost; a full disk is no fault of the scan."""
    try:
        return work(), None
    except NoHeart as missing:
        return None, missing.reason
    except (OSError, InputError):
        raise
    except Exception:
        traceback.print_exc()
        return None, "scoring_failed"

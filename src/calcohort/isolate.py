"""Work on items one by one in a process of its own: what crashes, fills memory or hangs loses one item."""

import multiprocessing
import os
import resource
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from calcohort.errors import InputError
from calcohort.onerun import end_with

# Forked, so that `work` need not be picklable and the script that runs is not imported again.
_CONTEXT = multiprocessing.get_context("fork")
# Somebody else may have killed the process, and a disk may stand still: these are asked once more.
_TWICE = ("crashed", "timed_out")


@dataclass(frozen=True)
class Lost:
    """An item without a result; `reason` is crashed, out_of_memory, timed_out or failed."""

    reason: str


def one_by_one(
    work: Callable[[Any], Any], items: Iterable[Any], *, memory_mb: float, seconds: float
) -> Iterator[Any]:
    """`work(item)` of each item in turn, or :class:`Lost`.

    An item whose process dies, or that takes too long, is tried once more in a process of its own.

    Parameters
    ----------
    work : callable
        Its results travel back through a pipe: keep them small.
    memory_mb : float
        Megabytes that it may take beyond what this process has.
    seconds : float
        Longest time for one item, each time.

    Raises
    ------
    OSError, InputError
        As `work` raised them: a full disk is no fault of the item.
    """
    worker = None

    def ask(item: Any) -> Any:
        nonlocal worker
        worker = worker or _Worker(work, memory_mb)
        result = worker.ask(item, seconds)
        if isinstance(result, Lost):
            # What a failure has left behind in a process is not known.
            worker.stop()
            worker = None
        return result

    try:
        for item in items:
            result = ask(item)
            if isinstance(result, Lost) and result.reason in _TWICE:
                result = ask(item)
            if isinstance(result, Exception):
                raise result
            yield result
    finally:
        if worker:
            worker.stop()


class _Worker:
    def __init__(self, work: Callable, memory_mb: float):
        self._pipe, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(
            target=_serve, args=(theirs, work, memory_mb, os.getpid()), daemon=True
        )
        self._process.start()
        # Only the worker holds its end: when it dies, the pipe ends.
        theirs.close()

    def ask(self, item: Any, seconds: float) -> Any:
        try:
            self._pipe.send(item)
            return self._pipe.recv() if self._pipe.poll(seconds) else Lost("timed_out")
        except (EOFError, OSError):
            return Lost("crashed")

    def stop(self) -> None:
        self._pipe.close()
        self._process.kill()
        self._process.join()


def _serve(pipe: Connection, work: Callable, memory_mb: float, parent: int) -> None:
    end_with(parent)
    limit = _address_space() + int(memory_mb * 1e6)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    while True:
        try:
            item = pipe.recv()
        except EOFError:
            return
        pipe.send(_result(work, item))


def _result(work: Callable, item: Any) -> Any:
    try:
        return work(item)
    except MemoryError:
        return Lost("out_of_memory")
    except (OSError, InputError) as error:
        return error
    except Exception:
        traceback.print_exc()
        return Lost("failed")


def _address_space() -> int:
    """Bytes of address space that this process has; 0 where nothing tells, as on macOS."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return 0
    return pages * resource.getpagesize()

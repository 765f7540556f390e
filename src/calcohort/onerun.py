"""One run at a time in a results folder, and no job that outlives its run."""

import contextlib
import errno
import fcntl
import os
import select
import threading
from pathlib import Path
from typing import TextIO

from calcohort.errors import InputError

LOCK = ".run.lock"
# Number of the process that the jobs of a run belong to.
RUN = "CALCOHORT_RUN"

_claims: list[TextIO] = []


def claim(results: str | Path) -> None:
    """Take a results folder for this run, until the process ends.

    The lock is the kernel's: a run that was killed leaves nothing behind that would keep the next one out.

    Raises
    ------
    InputError
        If another run holds it.
    """
    Path(results).mkdir(parents=True, exist_ok=True)
    lock = open(Path(results) / LOCK, "a")  # noqa: SIM115
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN):
            lock.close()
            cure = "wait for it to end, or give this study a name of its own"
            raise InputError("another run is at work here", where=str(results), cure=cure) from None
        # A file system without locks cannot tell; two runs there are the user's care.
    # Who holds it, for whoever looks: only once it is held, and not at the price of the run on a full disk.
    with contextlib.suppress(OSError):
        lock.truncate(0)
        os.write(lock.fileno(), f"{os.getpid()}\n".encode())
    _claims.append(lock)


def end_with(process: int) -> None:
    """End this process at once when another one is gone, so that no orphan writes beside the next run."""
    try:
        handle = os.pidfd_open(process)
    except (AttributeError, OSError):
        # Not Linux, or another process namespace.
        return

    def wait() -> None:
        select.select([handle], [], [])
        os._exit(1)

    threading.Thread(target=wait, name="end with the run", daemon=True).start()


def end_with_run() -> None:
    """:func:`end_with` the process that environment variable CALCOHORT_RUN names, where it is set."""
    number = os.environ.get(RUN, "")
    if number.isdigit():
        end_with(int(number))

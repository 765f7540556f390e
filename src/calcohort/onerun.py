"""One run at a time in a results folder, and no job that outlives its run."""

import contextlib
import errno
import fcntl
import os
import select
import shutil
import subprocess
import threading
from pathlib import Path
from typing import TextIO

from calcohort.errors import InputError

LOCK = ".run.lock"
# Names the process that the jobs of a run belong to.
RUN = "CALCOHORT_RUN"
_SLURM_ANSWERS_S = 30

_claims: list[TextIO] = []


def claim(results: str | Path) -> None:
    """Take a results folder for this run, until the process ends.

    The lock is the kernel's: a run that was killed leaves nothing behind that would keep the next one out.

    Raises
    ------
    InputError
        If another run holds it, or nothing can be written there.
    """
    try:
        Path(results).mkdir(parents=True, exist_ok=True)
        lock = open(Path(results) / LOCK, "a")  # noqa: SIM115
    except OSError as error:
        cure = "give the run a folder that it may write to, with room on its disk"
        raise InputError(f"cannot be written ({error.strerror})", where=str(results), cure=cure) from None
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


def name_in_queue(study: str, run: str) -> str:
    """Name of all jobs of a run in Slurm's queue."""
    return f"calcohort.{study}.{run}"


def no_earlier_jobs(study: str, folder: str | Path = ".") -> None:
    """Make sure that Slurm, where there is one, has no job left of a run of `study` that began in `folder`.

    A run that was killed cancels nothing: its jobs would write beside those of this one.

    Raises
    ------
    InputError
        If it has; the cure is the command that ends them.
    """
    command = ["squeue", "--me", "--noheader", "--format=%j %Z"]
    if shutil.which(command[0]) is None:
        return
    try:
        asked = subprocess.run(command, text=True, capture_output=True, timeout=_SLURM_ANSWERS_S, check=True)
    except (OSError, subprocess.SubprocessError):
        # Installed, but no cluster of ours.
        return
    here = os.path.realpath(folder)
    jobs = (line.partition(" ") for line in asked.stdout.splitlines())
    runs = {name for name, _, place in jobs if os.path.realpath(place.strip()) == here}
    left = sorted(name for name in runs if name.startswith(name_in_queue(study, "")))
    if left:
        raise InputError(
            "jobs of an earlier run are still in Slurm's queue",
            cure=f"wait for them, or end them: scancel --me --name={','.join(left)}",
        )


def end_with(process: int) -> None:
    """End this process at once when another one is gone, so that no orphan writes beside the next run."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        # Gone before this one was ready.
        os._exit(1)
    except (AttributeError, OSError):
        # Not Linux.
        return

    def wait() -> None:
        select.select([handle], [], [])
        os._exit(1)

    threading.Thread(target=wait, name="end with the run", daemon=True).start()


def this_run() -> str:
    """What CALCOHORT_RUN tells the jobs of this process: its number, and where that number counts."""
    return f"{os.getpid()} {_numbered_by()}"


def end_with_run() -> None:
    """:func:`end_with` the process that environment variable CALCOHORT_RUN names, where it is set.

    In a container with process numbers of its own nothing can be told of the run.
    """
    number, _, numbered_by = os.environ.get(RUN, "").partition(" ")
    if number.isdigit() and numbered_by == _numbered_by():
        end_with(int(number))


def _numbered_by() -> str:
    """The namespace in which the numbers of processes count."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""

"""Runs that are killed, or whose disk fills, at chosen moments, and what the next run makes of them."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from random import Random

import pandas as pd
import psutil

from tests.workflow.conftest import Place, environment

# Enough jobs to be killed between, before and within; none of them takes long.
TARGETS = ("statistics_km", "statistics_followup", "statistics_agreement", "statistics_npv", "baseline")
RUN = "results/faults"
BYTES = ("statistics",)


class NoDisk(Exception):
    """This machine mounts no small disk."""


def study(place: Place, patients: int = 60) -> str:
    """An analysis table and its config file."""
    random = Random(7)
    rows = [
        {
            "patient_id": f"p{n}",
            "cac_dl": random.choice([0, 0, 30, 200, 900]),
            "mace": int(random.random() < 0.3),
        }
        | {"followup_days": random.randint(30, 2500), "sex": random.choice(["male", "female"])}
        for n in range(patients)
    ]
    pd.DataFrame(rows).to_csv(place / "analysis.csv", index=False)
    settings = {"bootstrap_replicates": 20}
    return place.config({"name": "faults", "analysis": "analysis.csv", "statistics": settings})


def content(place: Place) -> dict[str, str]:
    """Digest of every file that a finished run has left, unfinished ones of killed writers included."""
    root = place / RUN
    files = [path for part in BYTES for path in (root / part).rglob("*") if path.is_file()]
    return {str(path.relative_to(root)): sha256(path.read_bytes()).hexdigest() for path in files}


def start(place: Place, config: str) -> subprocess.Popen:
    """A run that goes on in the background."""
    command = [sys.executable, "-m", "snakemake", *TARGETS, "--cores", "2", "--configfile", config]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, cwd=place.folder, env=environment(), **silent)


def finish(place: Place, config: str) -> dict[str, str]:
    """What is there after an undisturbed run."""
    run = place.snakemake(*TARGETS, "--configfile", config)
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    return content(place)


def workers(run: subprocess.Popen) -> list[psutil.Process]:
    """Scripts that a run has started."""
    found = []
    # Any of them may end between one look and the next.
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(run.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if any(".snakemake/scripts" in word for word in child.cmdline()):
                    found.append(child)
    return found


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A disk of its own at `folder`.

    Raises
    ------
    NoDisk
        Where none can be mounted.
    """
    folder.mkdir(exist_ok=True)
    options = ["-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(["mount", *options], capture_output=True).returncode:
        raise NoDisk("mounting a small disk (tmpfs) needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with contextlib.suppress(OSError), open(path, "wb", buffering=0) as handle:
        while True:
            handle.write(bytes(65536))


def strike(kind: str, random: Random, place: Place, run: subprocess.Popen) -> None:
    """Kill the workflow or one of its workers, or fill the disk."""
    if kind == "disk":
        fill(place / "results/filler")
        return
    alive = workers(run) if kind == "worker" else []
    with contextlib.suppress(psutil.NoSuchProcess):
        (random.choice(alive) if alive else run).send_signal(signal.SIGKILL)


def struck_rounds(place: Place, config: str, expected: dict, seeds: range, kinds: Sequence[str]) -> int:
    """For each seed strike a run at a moment of its own and finish it; the number that missed their end.

    A moment is told by the outputs that are there, and a little later: a busy machine does not shift it.
    """
    struck = 0
    for seed in seeds:
        random = Random(seed)
        kind, there, later = kinds[seed % len(kinds)], random.randrange(len(expected)), random.uniform(0, 1.5)
        shutil.rmtree(place / RUN, ignore_errors=True)
        run = start(place, config)
        while run.poll() is None and len(list((place / RUN).glob("statistics/*.csv"))) < there:
            time.sleep(0.05)
        time.sleep(later)
        strike(kind, random, place, run)
        run.wait(timeout=300)
        struck += run.returncode != 0
        (place / "results/filler").unlink(missing_ok=True)
        assert finish(place, config) == expected, f"seed {seed}, {kind}"
        assert not list(Path(place / RUN).rglob("*.part*")), f"seed {seed}, {kind}"
    return struck

"""Runs that are killed at chosen moments, and what the next run makes of them."""

import contextlib
import shutil
import signal
import subprocess
import sys
import time
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


def killed_rounds(place: Place, config: str, expected: dict, seconds: float, seeds: range) -> int:
    """Kill the workflow, or one of its workers, once for each seed, and finish; the number of early kills.

    A fifth of a run is spent on the plan: most moments lie after it.
    """
    struck = 0
    for seed in seeds:
        random = Random(seed)
        shutil.rmtree(place / RUN, ignore_errors=True)
        run = start(place, config)
        time.sleep(seconds * random.uniform(0.2, 0.8))
        alive = [] if random.random() < 0.5 or run.poll() is not None else workers(run)
        victims = [random.choice(alive)] if alive else [run]
        for victim in victims:
            with contextlib.suppress(psutil.NoSuchProcess):
                victim.send_signal(signal.SIGKILL)
        run.wait(timeout=300)
        struck += run.returncode != 0
        assert finish(place, config) == expected, f"seed {seed}"
        assert not list(Path(place / RUN).rglob("*.part*")), f"seed {seed}"
    return struck

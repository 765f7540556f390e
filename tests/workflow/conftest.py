"""Runs of the workflow for real, each in a folder of its own that sees this checkout."""

import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
PARTS = ("Snakefile", "rules", "workflow", "src", "config", "envs", "models", "profiles")


@dataclass(frozen=True)
class Place:
    """A working directory in which `snakemake` finds the checkout's workflow."""

    folder: Path

    def snakemake(self, *arguments: str, **options) -> subprocess.CompletedProcess:
        """Run Snakemake here; its output is kept as text."""
        # Snakemake's own words name every job; what users see is short.
        command = [sys.executable, "-m", "snakemake", "--cores", "2", "--printshellcmds", *arguments]
        return subprocess.run(
            command, cwd=self.folder, text=True, capture_output=True, env=environment(), **options
        )

    def config(self, study: dict, name: str = "study.yaml") -> str:
        """Write a config file and return its name."""
        (self.folder / name).write_text(yaml.safe_dump(study, sort_keys=False), encoding="utf-8")
        return name

    def __truediv__(self, path: str) -> Path:
        return self.folder / path


def new_place(folder: Path) -> Place:
    """An empty working directory with links to the checkout."""
    for part in PARTS:
        (folder / part).symlink_to(CHECKOUT / part)
    return Place(folder)


def demo(name: str, patients: int, scans: int) -> dict:
    """The demo's config at another size."""
    text = (CHECKOUT / "config" / "config.yaml").read_text(encoding="utf-8")
    study = yaml.safe_load(text.replace("results/demo/", f"results/{name}/"))
    study |= {"name": name, "statistics": {"bootstrap_replicates": 50}}
    study["simulate"]["external"] = {"patients": patients, "batch_size": 5}
    study["simulate"]["development"] = {"scans": scans}
    study["imaging"]["shard_size"] = 8
    return study


def said(run: subprocess.CompletedProcess) -> str:
    """All that a run printed."""
    return run.stdout + run.stderr


def jobs_of(run: subprocess.CompletedProcess) -> Counter:
    """How many jobs of each rule a run did or planned."""
    return Counter(re.findall(r"^(?:local)?(?:rule|checkpoint) (\w+):", said(run), re.MULTILINE))


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}


@pytest.fixture
def place(tmp_path) -> Place:
    """A working directory for one test."""
    return new_place(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Place:
    """A small demo that ran to its end: 15 patients, 9 development scans."""
    place = new_place(tmp_path_factory.mktemp("finished"))
    run = place.snakemake("--configfile", place.config(demo("small", 15, 9)))
    assert run.returncode == 0, said(run)[-5000:]
    return place

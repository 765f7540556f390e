"""Who, what, where and when of a run: git state, versions, machine, config, hashes."""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import calcohort
from calcohort.audit.checksums import CHECKSUMS, sha256
from calcohort.machine import memory_mb


def provenance(
    run_dir: str | Path,
    config: dict,
    *,
    repo_dir: str | Path = ".",
    model_dir: str | Path | None = None,
    started: float | None = None,
) -> dict:
    """Everything needed to say how the outputs came about.

    Parameters
    ----------
    run_dir : path
        results/NAME; the digest of its checksum list ties this record to the outputs.
    config : dict
        The config as used, defaults filled in.
    repo_dir : path
        The checkout that ran.
    model_dir : path, optional
        Folder of the weights; hashed with its model card.
    started : float, optional
        Unix time at which the run began.
    """
    checksums = Path(run_dir) / CHECKSUMS
    now = datetime.now(UTC)
    times = {"finished": now.isoformat(timespec="seconds")}
    if started is not None:
        times["started"] = datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds")
    return {
        "calcohort": calcohort.__version__,
        "checksums_sha256": sha256(checksums) if checksums.is_file() else None,
        "git": git_state(repo_dir),
        "times": times,
        "machine": machine(),
        "python": sys.version.split()[0],
        "snakemake": versions(["snakemake"]).get("snakemake"),
        "versions": versions(),
        "model": model(model_dir),
        "config": config,
    }


def git_state(repo_dir: str | Path) -> dict:
    """Commit, branch and whether tracked files differ from it; None where there is no git checkout."""
    commit = _git(repo_dir, "rev-parse", "HEAD")
    if commit is None:
        return {"commit": None, "branch": None, "dirty": None}
    status = _git(repo_dir, "status", "--porcelain", "--untracked-files=no")
    return {
        "commit": commit,
        "branch": _git(repo_dir, "rev-parse", "--abbrev-ref", "HEAD"),
        "dirty": bool(status),
    }


def versions(names: list[str] | None = None) -> dict[str, str]:
    """Installed version of each package: of `names`, or of everything calcohort depends on directly."""
    if names is None:
        names = [_name_of(requirement) for requirement in metadata.requires("calcohort") or []]
    found = {}
    for name in sorted(set(names)):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def machine() -> dict:
    """Processor, cores, memory, system and accelerator-relevant facts; no host or user name."""
    return {
        "system": platform.system(),
        "release": platform.release(),
        "architecture": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": _memory_gib(),
    }


def model(model_dir: str | Path | None) -> dict | None:
    """SHA-256 of every file of the model folder, its card among them."""
    if model_dir is None or not Path(model_dir).is_dir():
        return None
    root = Path(model_dir)
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): sha256(path) for path in files}


def _git(repo_dir: str | Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(repo_dir), *arguments], capture_output=True, text=True, check=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _name_of(requirement: str) -> str:
    for position, character in enumerate(requirement):
        if not (character.isalnum() or character in "-_."):
            return requirement[:position]
    return requirement


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _memory_gib() -> float | None:
    memory = memory_mb()
    return None if memory is None else round(memory * 1e6 / 2**30, 1)

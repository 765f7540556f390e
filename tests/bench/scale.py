"""What Snakemake itself costs, by the number of scans: planning a study whose headers were read before."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import yaml
from matplotlib.figure import Figure

from calcohort import tables
from calcohort.imaging.shards import assign
from tests.bench.measure import ROOT, Options, Row

PARTS = ("Snakefile", "rules", "workflow", "src", "config", "envs", "models", "profiles")
# Scans of a study and of a shard: larger studies have larger shards, see docs/scale.md.
SIZES = ((1_000, 64), (10_000, 64), (100_000, 256), (1_000_000, 512))
# Most that a plan may take, in seconds and MiB; jobs have no limit.
LIMITS = (60, 2048, 0)
# Made before the table of scans, in this order; a dry-run looks at their times alone.
BEFORE = (
    *("private/registries/patients.parquet", "private/registries/pet.parquet"),
    *(f"private/index/{name}.parquet" for name in ("files", "series", "contents")),
    "private/index/tree.json",
)
MEMBERS = "private/index/members.parquet"


def faked_study(folder: Path, scans: int, shard_size: int) -> str:
    """A study whose registries and headers have been read and whose scans are in shards; its config file."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for part in PARTS:
        (folder / part).symlink_to(ROOT / part)
    (folder / "dicom").mkdir()
    for name, columns in (("patients", "patient_id,sex,age"), ("pet", "patient_id,scan_date")):
        (folder / f"{name}.csv").write_text(columns + "\n")
    registries = {name: {"path": f"{name}.csv"} for name in ("patients", "pet")}
    imaging = {"dicom": "dicom", "shard_size": shard_size}
    study = {"name": "faked", "imaging": imaging, "registries": registries}
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    run = folder / "results/faked"
    for path in BEFORE:
        (run / path).parent.mkdir(parents=True, exist_ok=True)
        (run / path).touch()
    series = [hashlib.sha256(str(n).encode()).hexdigest()[:16] for n in range(scans)]
    shards = assign(series, shard_size)
    table = pd.DataFrame({"shard": list(shards.values()), "series": list(shards)})
    table["patient_id"], table["protocol"], table["scan_date"] = table["series"], "ctac_stress", 0
    table["rule"], table["choice"] = "imaging.protocols line 3: CTAC at stress", "only series"
    table["content"], table["source"], table["kvp"] = table["series"], "dicom", 100.0
    tables.write_csv(table.sort_values(["shard", "series"]), run / "imaging/scans.csv")
    for name in ("imaging/choices.csv", "imaging/rejected.csv", MEMBERS):
        (run / name).touch()
    return "study.yaml"


def dry_run(folder: Path, config: str) -> tuple[float, float, float, int]:
    """Seconds, processor seconds, peak memory in MiB and number of jobs of ``snakemake -n``."""
    command = [sys.executable, "-m", "snakemake", "-n", "--quiet", "rules", "--configfile", config]
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    words = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - started
    totals = [line.split()[1] for line in words.splitlines() if line.startswith("total")]
    if status or not totals:
        raise RuntimeError(words[-2000:])
    return elapsed, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, int(totals[0])


def planning(options: Options) -> list[Row]:
    """`snakemake -n` of studies of 1,000 to 1,000,000 scans; the growth is drawn beside bench.csv."""
    rows, measured = [], []
    for scans, shard_size in SIZES:
        folder = options.work / f"scale-{scans}"
        seconds, cpu, memory, jobs = dry_run(folder, faked_study(folder, scans, shard_size))
        measured.append((scans, cpu, memory, jobs))
        what = f"dry-run, {scans:,} scans in shards of {shard_size}"
        rows += [
            Row(what, seconds, "s"),
            Row(what, cpu, "CPU s"),
            Row(f"{what}: memory", memory, "MiB"),
            Row(f"{what}: jobs", jobs, ""),
        ]
    draw(measured, options.work.parent / "scale.png")
    return rows


def draw(measured: Sequence[tuple[int, float, float, int]], path: Path) -> None:
    """Processor seconds and memory, with their limits, and jobs by the number of scans."""
    scans, *columns = zip(*measured, strict=True)
    figure = Figure(figsize=(9, 3), layout="constrained")
    panels = zip(figure.subplots(1, 3), columns, ("CPU, s", "Memory, MiB", "Jobs"), LIMITS, strict=True)
    for axes, values, name, limit in panels:
        axes.plot(scans, values, "o-", color="#33658a")
        axes.set(xlabel="Scans", title=name, xscale="log", ylim=(0, 1.15 * max(*values, limit)))
        if limit:
            axes.axhline(limit, color="#b23a48", linestyle="--")
        for x, value in zip(scans, values, strict=True):
            place = {"textcoords": "offset points", "xytext": (0, 6), "ha": "center", "fontsize": 8}
            axes.annotate(f"{value:,.0f}", (x, value), **place)
        axes.margins(x=0.12)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


MEASUREMENTS = [planning]

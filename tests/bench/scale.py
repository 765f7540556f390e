"""What Snakemake itself costs, by the number of scans: planning a study whose headers were read before."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import yaml

from calcohort import tables
from calcohort.imaging.shards import assign
from tests.bench.measure import ROOT, Options, Row

PARTS = ("Snakefile", "rules", "workflow", "src", "config", "envs", "models", "profiles")
# Scans of a study and of a shard: larger studies have larger shards, see docs/scale.md.
SIZES = ((1_000, 64), (10_000, 64), (100_000, 256), (1_000_000, 256))
# Made before the table of scans, in this order; a dry-run looks at their times alone.
BEFORE = (
    *("private/registries/patients.parquet", "private/registries/pet.parquet"),
    *(f"private/index/{name}.parquet" for name in ("files", "series", "contents")),
)


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
    table["content"] = table["series"]
    tables.write_csv(table.sort_values(["shard", "series"]), run / "imaging/scans.csv")
    for name in ("choices", "rejected"):
        (run / f"imaging/{name}.csv").touch()
    return "study.yaml"


def dry_run(folder: Path, config: str) -> tuple[float, float, int]:
    """Seconds, peak memory in MiB and number of jobs of ``snakemake -n``."""
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
    return elapsed, usage.ru_maxrss / 1024, int(totals[0])


def planning(options: Options) -> list[Row]:
    """`snakemake -n` of studies of 1,000 to 1,000,000 scans."""
    rows = []
    for scans, shard_size in SIZES:
        folder = options.work / f"scale-{scans}"
        seconds, memory, jobs = dry_run(folder, faked_study(folder, scans, shard_size))
        what = f"dry-run, {scans:,} scans in shards of {shard_size}"
        rows += [
            Row(what, seconds, "s"),
            Row(f"{what}: memory", memory, "MiB"),
            Row(f"{what}: jobs", jobs, ""),
        ]
    return rows


MEASUREMENTS = [planning]

"""What takes how long: one table on the terminal, and as CSV with machine and date (make bench)."""

import argparse
import platform
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import pandas as pd
import torch

from calcohort import tables
from calcohort.audit.provenance import machine
from calcohort.dicom import load_series
from calcohort.phantom import acquire, draw_anatomy
from calcohort.scoring.agatston import score
from calcohort.segmentation import Segmenter
from calcohort.segmentation.vote import CORONARY
from calcohort.simulate.dicom_writer import write_series
from calcohort.statistics.run import FAMILIES

SLICES = 50
STUDY = Path("results/paper/cohort")


def scan_times(folder: Path, repeats: int) -> dict[str, float]:
    """Median seconds of one CTAC scan of 50 slices of 512 x 512: reading, segmenting, scoring."""
    volume = acquire(draw_anatomy(77, burden=">400"), "ctac_stress", 1).volume
    volume = volume.crop((0, min(SLICES, volume.shape_zyx[0]), 0, 512, 0, 512))
    write_series(volume, folder, patient_id="bench", study_date="2015-01-01", protocol="ctac_stress")
    segmenter = Segmenter.load("models/clstm-fast", "cpu")
    segmenter(volume)
    read, segment, agatston = [], [], []
    for _ in range(repeats):
        times = [time.perf_counter()]
        loaded = load_series(folder).volume
        times.append(time.perf_counter())
        labels = segmenter(loaded).labels
        times.append(time.perf_counter())
        score(loaded, labels == CORONARY)
        times.append(time.perf_counter())
        for kept, start, stop in zip((read, segment, agatston), times, times[1:], strict=False):
            kept.append(stop - start)
    names = ("read DICOM", "segment", "score")
    return {
        f"{name}, {volume.shape_zyx[0]} slices of 512x512": median(kept)
        for name, kept in zip(names, (read, segment, agatston), strict=True)
    }


def statistics_time() -> dict[str, float]:
    """Seconds of the whole statistics stage for the paper-sized study, where it was run."""
    if not (STUDY / "analysis.csv").exists():
        return {}
    analysis, endpoints = (tables.read_csv(STUDY / f"{name}.csv") for name in ("analysis", "endpoints"))
    started = time.perf_counter()
    for family in FAMILIES.values():
        family(analysis, endpoints, {"bootstrap_replicates": 2000})
    return {f"statistics stage, {len(analysis)} patients, 2000 replicates": time.perf_counter() - started}


def rerun_time() -> dict[str, float]:
    """Seconds until a finished demo says that there is nothing to do."""
    if not Path("results/demo/report.html").exists():
        return {}
    started = time.perf_counter()
    run = subprocess.run([sys.executable, "-m", "snakemake"], capture_output=True, text=True)
    seconds = time.perf_counter() - started
    done = "Nothing to be done" in run.stdout + run.stderr
    return {"second run of the demo, nothing to do": seconds} if done else {}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("bench"))
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    measured = scan_times(options.out / "dicom", options.repeats) | rerun_time() | statistics_time()
    table = pd.DataFrame({"what": measured.keys(), "seconds": [round(s, 3) for s in measured.values()]})
    table["threads"] = torch.get_num_threads()
    table["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    table["machine"] = machine().get("processor") or platform.machine()
    table["date"] = datetime.now(UTC).date().isoformat()
    print(table.to_string(index=False))
    tables.write_csv(table, options.out / "bench.csv")


if __name__ == "__main__":
    main()

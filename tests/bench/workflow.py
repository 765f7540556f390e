"""What Snakemake itself costs: nothing to do, one scan more, the jobs of a shard beside their work."""

import resource
import shutil
import time
from collections import Counter

import yaml

from calcohort import tables
from tests.bench.measure import Options, Row
from tests.bench.scale import MEMBERS, faked_study
from tests.workflow.conftest import Place, demo, jobs_of, new_place, said

SHARD = 64
PATIENTS = 20
OF_SHARDS = ("convert", "segment", "score")


def overhead(options: Options) -> list[Row]:
    """All that the three jobs of a full shard cost but reading, networks and scoring.

    Every scan of the shard is a file of text: each job starts, loads what it needs and writes its tables.
    """
    place = Place(options.work / "overhead")
    config = faked_study(place.folder, SHARD, SHARD)
    (place / "dicom/text").write_text("no scan")
    scans = tables.read_csv(place / "results/faked/imaging/scans.csv")
    tables.write_parquet(scans.assign(root=0, path="text"), place / "results/faked" / MEMBERS)
    target = ("results/faked/scores/shards/s.csv", "--cores", "1", "--configfile", config)
    planned, _ = _cpu_and_seconds(place, "-n", *target)
    cpu, elapsed = _cpu_and_seconds(place, *target)
    what = f"overhead of a scan in a full shard of {SHARD}"
    return [
        Row(f"{what}, beside the plan", 1000 * (cpu - planned) / SHARD, "CPU ms"),
        Row("jobs of a shard of text files, with the plan", elapsed, "s"),
    ]


def one_scan_more(options: Options) -> list[Row]:
    """A study from scans to report, run; nothing to do; one scan added: jobs and seconds."""
    folder = options.work / "one-scan"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "made").mkdir(parents=True)
    made, study = new_place(folder / "made"), demo("made", PATIENTS, 0)
    del study["development"], study["simulate"]["development"]
    # The registries are written from the scans' planted calcium, so that the scans are there as well.
    _run(made, "results/made/simulate/external/registries/pet.csv", study=study)
    source = made / "results/made/simulate"
    text = yaml.safe_dump({key: value for key, value in study.items() if key != "simulate"})
    study = yaml.safe_load(text.replace("results/made/simulate", str(source)))
    scan = sorted((source / "external/dicom").glob("*/*/ctac_stress"))[0]
    shutil.move(scan, folder / "later")
    (folder / "study").mkdir()
    place, rows = new_place(folder / "study"), []
    for what in ("first run", "nothing to do", "one scan added"):
        if what == "one scan added":
            shutil.move(folder / "later", scan)
        jobs, seconds = _run(place, study=study)
        what = f"study of {PATIENTS} patients, {what}"
        rows += [Row(what, seconds, "s"), Row(f"{what}: jobs", jobs.total(), "")]
        rows.append(Row(f"{what}: jobs of shards", sum(jobs[name] for name in OF_SHARDS), ""))
    return rows


def _run(place: Place, *arguments: str, study: dict) -> tuple[Counter, float]:
    """Jobs of each rule, and seconds."""
    config, started = place.config(study), time.perf_counter()
    run = place.snakemake(*arguments, "--configfile", config)
    if run.returncode:
        raise RuntimeError(said(run)[-3000:])
    return jobs_of(run), time.perf_counter() - started


def _cpu_and_seconds(place: Place, *arguments: str) -> tuple[float, float]:
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    run = place.snakemake(*arguments)
    if run.returncode:
        raise RuntimeError(said(run)[-3000:])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return cpu, time.perf_counter() - started


MEASUREMENTS = [overhead, one_scan_more]

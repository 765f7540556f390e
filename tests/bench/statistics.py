"""The statistics stage at three sizes, the bootstraps alone, and Cox, Kaplan-Meier and log-rank beside R."""

import shutil
import subprocess

import numpy as np

from calcohort.seeds import rng
from calcohort.simulate.cohort import analysis_table
from calcohort.statistics.cox import set_model
from calcohort.statistics.nri import binary_from_counts, nri_rows
from calcohort.statistics.populations import AnalysisSet, Settings, population, prepare
from calcohort.statistics.survival import kaplan_meier, logrank
from tests.bench.measure import Options, Row, in_process, in_turn, median_seconds

STUDY_SIZE = 4331
SIZES = (STUDY_SIZE, 100_000, 1_000_000)
REPLICATES = 2000
STAGE = """
from calcohort.seeds import rng
from calcohort.simulate.cohort import analysis_table
from calcohort.statistics.run import FAMILIES
def make(n):
    return analysis_table(rng("bench", 1), n)
def work(n, replicates):
    table, times = make(n), {}
    for name, family in FAMILIES.items():
        begun = time.process_time()
        family(table, None, {"bootstrap_replicates": replicates})
        times[name] = time.process_time() - begun
    return [sum(times.values()), max(times, key=times.get), max(times.values())]
"""
BESIDE_R = """
library(survival); d <- read.csv("cohort.csv"); d$t <- d$days / 365.25; d$f <- factor(d$cat)
time <- function(f) { f(); median(sapply(1:%d, function(i) system.time(f())[["elapsed"]])) }
cat(time(function() coxph(Surv(t, mace) ~ f + mfr + sds, d)),
    time(function() survfit(Surv(t, mace) ~ f, d, conf.type = "log-log")),
    time(function() survdiff(Surv(t, mace) ~ f, d)))
"""


def whole_stage(options: Options) -> list[Row]:
    """All families, one after the other, each size in a process of its own: CPU seconds after import, memory.

    On one core; wall-clock time is the same where nobody else uses it.
    """
    rows = []
    for n in SIZES:
        _, mebibytes, (seconds, slowest, its) = in_process(STAGE, n, REPLICATES)
        what = f"whole stage, {n:,} patients, {REPLICATES:,} replicates"
        rows += [
            Row(what, seconds, "CPU s"),
            Row(f"{what}: slowest family ({slowest})", its, "CPU s"),
            Row(f"{what}: peak memory", mebibytes, "MiB"),
        ]
    return rows


def bootstraps(options: Options) -> list[Row]:
    """Binary NRI from counts at a million patients; KM and IPW NRI at the study's size."""
    shares = rng("bench", 2).dirichlet(np.ones(6))

    def binary() -> None:
        counts = rng("bench", 3).multinomial(1_000_000, shares, size=10_000)
        binary_from_counts(counts.astype(float))

    table = prepare(analysis_table(rng("bench", 4), STUDY_SIZE))
    # All of them, as if each had both scores.
    table["standard"] = np.where(table["standard"] >= 0, table["standard"], table["dl_ctac"])
    arrays = tuple(table[name].to_numpy() for name in ("years", "event", "dl_ctac", "standard"))
    settings = Settings(bootstrap_replicates=REPLICATES)
    key = {"population": "paired", "endpoint": "mace"}
    return [
        Row(
            "binary NRI, 10,000 replicates, 1,000,000 patients", median_seconds(binary, options.repeats), "s"
        ),
        Row(
            f"NRI by KM, IPW and counts, {REPLICATES:,} replicates, {STUDY_SIZE:,} patients",
            median_seconds(lambda: nri_rows(*arrays, settings, key), options.repeats),
            "s",
        ),
    ]


def beside_r(options: Options) -> list[Row]:
    """The adjusted Cox model, Kaplan-Meier curves and log-rank test, ours and R's in one run."""
    rows = []
    for n in (STUDY_SIZE, 100_000):
        frame = prepare(analysis_table(rng("bench", 5), n))
        part = AnalysisSet("all", "dl_ctac", population(frame, "all"))
        calls = {
            "Cox, adjusted": lambda part=part: set_model(part, "adjusted"),
            "Kaplan-Meier, four curves": lambda part=part: [
                kaplan_meier(part.years[part.category == k], part.event[part.category == k]) for k in range(4)
            ],
            "log-rank": lambda part=part: logrank(part.years, part.event, part.category),
        }
        ours = in_turn(calls, options.repeats)
        r = _r_seconds(part, options)
        for k, (name, seconds) in enumerate(ours.items()):
            rows.append(Row(f"{name}, {n:,} patients", seconds * 1000, "ms", options.repeats))
            if r:
                rows.append(Row(f"{name}, {n:,} patients, R", r[k] * 1000, "ms", options.repeats))
    return rows


def _r_seconds(part: AnalysisSet, options: Options) -> list[float]:
    """Seconds of R's coxph, survfit and survdiff; none where R or its survival is not installed."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        return []
    options.work.mkdir(parents=True, exist_ok=True)
    table = part.frame[["followup_days", "mace", "mfr", "sds"]].rename(columns={"followup_days": "days"})
    table.assign(cat=part.category).to_csv(options.work / "cohort.csv", index=False)
    done = subprocess.run(
        [rscript, "-e", BESIDE_R % options.repeats], cwd=options.work, capture_output=True, text=True
    )
    return [float(value) for value in done.stdout.split()] if done.returncode == 0 else []


MEASUREMENTS = [whole_stage, bootstraps, beside_r]

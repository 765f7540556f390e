"""The statistics stage on the paper-sized study, where that was run."""

from pathlib import Path

from calcohort import tables
from calcohort.statistics.run import FAMILIES
from tests.bench.measure import Options, Row, seconds

STUDY = Path("results/paper/cohort")
REPLICATES = 2000


def whole_stage(options: Options) -> list[Row]:
    """All families of statistics, one after the other."""
    if not (STUDY / "analysis.csv").exists():
        return []
    analysis, endpoints = (tables.read_csv(STUDY / f"{name}.csv") for name in ("analysis", "endpoints"))

    def run() -> None:
        for family in FAMILIES.values():
            family(analysis, endpoints, {"bootstrap_replicates": REPLICATES})

    return [Row(f"whole stage, {len(analysis)} patients, {REPLICATES} replicates", seconds(run), "s")]


MEASUREMENTS = [whole_stage]

"""Do the intervals cover, and do the tests keep their size? (make validate)

Cohorts shaped like the study's are simulated and analysed one after the other; the truth is the same
statistic in ten million simulated patients. Everything is seeded; what was computed is kept by chunks, so
that a run that was cut off goes on where it was. Summaries go to docs/validation/, and the page
docs/validation.md is written from them.
"""

import argparse
import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import pandas as pd  # noqa: E402

from calcohort.seeds import rng  # noqa: E402
from calcohort.simulate.cohort import analysis_table  # noqa: E402
from calcohort.statistics.populations import Settings, prepare  # noqa: E402
from tests.validation.estimates import GROUPS, Group, Patients  # noqa: E402
from tests.validation.summary import summarise  # noqa: E402

STUDY_SIZE = 4331
CHUNK = 25
TRUTH_PARTS, TRUTH_SIZE = 40, 250_000
# Two thousand replicates each, and forty models, take their time: of the cohorts, the first two fifths.
SHARE = {"resampled": 0.4, "exchangeable": 0.4, "shapes": 0.4}
# Later than every horizon.
LONG_DAYS = 2192


def cohort(group: Group, key: tuple, n: int, settings: Settings) -> tuple[Patients, Patients]:
    """The patients of the draw named `key` as they are followed, and all of them followed for six years."""
    table = analysis_table(rng("validation", group.law, *key), n, group.law)
    seen = Patients(prepare(table), settings)
    if group.whole is None:
        return seen, seen
    early = table["event_days"] <= LONG_DAYS
    table = table.assign(
        followup_days=table["event_days"].clip(upper=LONG_DAYS),
        mace=early.astype(int),
        event_type=table["event_kind"].where(early, None),
    )
    return seen, Patients(prepare(table), settings)


def analysed(name: str, first: int) -> pd.DataFrame:
    """Rows of a chunk of cohorts, numbered from `first`."""
    group, made = GROUPS[name], []
    for number in range(first, first + CHUNK):
        settings = Settings(seed=number, optimism_replicates=1)
        seen, _ = cohort(group, ("cohort", number), STUDY_SIZE, settings)
        made += [{"cohort": number, **row} for row in group.rows(seen, seen)]
    return pd.DataFrame(made)


def truth(name: str, part: int) -> pd.DataFrame:
    """The same statistics of one part of the ten million; those that respect censoring without any."""
    settings = Settings(bootstrap_replicates=1, optimism_replicates=0)
    rows = GROUPS[name].rows(*cohort(GROUPS[name], ("truth", part), TRUTH_SIZE, settings))
    return pd.DataFrame(rows)[["statistic", "detail", "estimate"]].assign(part=part)


def pieces(cohorts: int, parts: int) -> list[tuple]:
    """Everything that is to be computed: file, function and arguments; cohorts and truth get on together."""
    work, chunks = [], -(-cohorts // CHUNK)
    for k in range(chunks):
        first = k * CHUNK
        work += [
            (f"{name}.{first:05d}.csv", analysed, name, first)
            for name in GROUPS
            if first < cohorts * SHARE.get(name, 1)
        ]
        work += [
            (f"{name}.truth.{part:03d}.csv", truth, name, part)
            for part in range(k * parts // chunks, (k + 1) * parts // chunks)
            for name, group in GROUPS.items()
            if group.law == "study"
        ]
    return work


def main() -> None:
    """Compute what is missing, then write the summaries and the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cohorts", type=int, default=1000, help="a multiple of 25")
    parser.add_argument("--parts", type=int, default=TRUTH_PARTS, help="parts of 250,000 patients")
    parser.add_argument(
        "--work", type=Path, default=ROOT / "bench" / "validation", help="where chunks are kept"
    )
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="where the page goes")
    parser.add_argument("--summarise", action="store_true", help="from the chunks there are, compute nothing")
    parser.add_argument("--only", choices=list(GROUPS), help="one group; what is known of the others stays")
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    # Resampling an empty group divides by nothing; the notes of the rows say so.
    warnings.simplefilter("error")
    for file, function, name, number in [] if asked.summarise else pieces(asked.cohorts, asked.parts):
        path = asked.work / file
        if path.exists() or asked.only not in (None, name):
            continue
        function(name, number).to_csv(path.with_suffix(".part"), index=False)
        path.with_suffix(".part").rename(path)
        print(path.name, flush=True)
    summarise(asked.work, asked.docs, keep=asked.only is not None)


if __name__ == "__main__":
    main()

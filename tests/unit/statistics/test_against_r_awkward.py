"""R as the judge of awkward cohorts, of the paper-shaped study and of the demo, every statistic at once."""

import shutil
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from calcohort.cohort.analysis import build
from calcohort.cohort.settings import CohortSettings
from calcohort.simulate.cohort import paper_cohort

from . import awkward
from .conftest import simulated
from .ours import numbers

STORED = Path(__file__).parents[2] / "oracles" / "awkward"
DEMO = Path(__file__).parents[3] / "results" / "demo" / "cohort" / "analysis.csv"
# Something in them has no estimate, where R prints a huge one, 0 or nothing.
EMPTY_ALLOWED = (
    "heavy_censoring",
    "small",
    "tiny",
    "one_event",
    "empty_category",
    "category_without_events",
    "two_categories",
    "offset_covariate",
    "equal_scores",
    "separated",
    "events_at_the_end",
    "demo",
)
NAMES = (*awkward.cohorts(simulated), "paper", "demo")


def cohorts() -> dict[str, pd.DataFrame]:
    scores, registries = paper_cohort(1)
    study = build(registries, scores, CohortSettings.from_config({"sensitivity": []})).analysis
    made = awkward.cohorts(simulated) | {"paper": study.reset_index(drop=True)}
    if DEMO.exists():
        made["demo"] = pd.read_csv(DEMO)
    return made


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """Cohorts, and by cohort and quantity what R gives."""
    rscript = shutil.which("Rscript")
    if (
        rscript is None
        or subprocess.run([rscript, "-e", "library(survival)"], capture_output=True).returncode
    ):
        pytest.skip("Rscript with package survival is not installed (Debian: r-base-core, r-cran-survival)")
    folder, made = tmp_path_factory.mktemp("judge"), cohorts()
    for name, frame in made.items():
        awkward.for_r(frame).to_csv(folder / f"cohort_{name}.csv", index=False, na_rep="NA")
    script = Path(__file__).with_name("judge.R")
    done = subprocess.run([rscript, script], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return made, answers_of(done.stdout)


def answers_of(text: str) -> dict[str, dict[str, np.ndarray]]:
    """What judge.R printed, by cohort and quantity."""
    answers = {}
    for line in text.splitlines():
        name, quantity, *values = line.split()
        numbers = [np.nan if value in ("NA", "NaN") else float(value) for value in values]
        answers.setdefault(name, {})[quantity] = np.array(numbers)
    return answers


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_number_is_rs(judged, name):
    made, answers = judged
    if name not in made:
        pytest.skip("the demo was not run here")
    compare(name, made[name], answers[name])


@pytest.mark.parametrize("name", ["small", "tiny", "two_times"])
def test_every_number_is_what_r_gave(name):
    stored = answers_of((STORED / "expected.txt").read_text())
    compare(name, pd.read_csv(STORED / f"{name}.csv"), stored[name])


def compare(name: str, frame: pd.DataFrame, r: dict[str, np.ndarray]) -> None:
    """Every quantity that calcohort has a number for is R's; warnings are errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = dict(numbers(frame))
    compared = 0
    for quantity, values in ours.items():
        if quantity not in r or (quantity, name) == ("kruskal", "two_categories"):
            # R stops, or tests two groups by another test than ours.
            continue
        theirs = np.sort(r[quantity]) if quantity == "risk5" else r[quantity]
        values = np.asarray(values, dtype=float)
        if quantity == "fisher_pair" and theirs[0] < 1e-4 <= values[0]:
            continue  # Monte Carlo, labelled so.
        assert values.shape == theirs.shape, quantity
        known = np.isfinite(values)
        np.testing.assert_allclose(values[known], theirs[known], rtol=1e-7, atol=1e-8, err_msg=quantity)
        if name not in EMPTY_ALLOWED:
            assert (known | ~np.isfinite(theirs)).all(), quantity
        compared += known.sum()
    assert compared > 100

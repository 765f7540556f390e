"""Oracle cases computed with R, and a small simulated analysis table."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ORACLES = Path(__file__).parents[2] / "oracles"


class Oracle:
    """One folder of tests/oracles: its inputs and what R gives."""

    def __init__(self, name: str):
        self.folder = ORACLES / name
        self.expected = json.loads((self.folder / "expected.json").read_text())

    def read(self, file: str, **options) -> pd.DataFrame:
        return pd.read_csv(self.folder / file, **options)


@pytest.fixture(scope="session")
def oracle():
    return Oracle


def mini_analysis() -> pd.DataFrame:
    """cohort_mini_a as an analysis table."""
    cohort = pd.read_csv(ORACLES / "cohort_mini_a" / "cohort.csv")
    types = {
        "late_revasc": "late_revascularization",
        "mi": "myocardial_infarction",
        "ua": "unstable_angina",
        "death": "death",
    }
    return pd.DataFrame(
        {
            "patient_id": cohort["id"],
            "age": cohort["age"],
            "sex": np.where(cohort["male"] == 1, "male", "female"),
            "history_of_cad": cohort["prior_cad"],
            "mfr": cohort["mfr"],
            "sds": cohort["sds"],
            "cac_standard": cohort["cac_score"].where(cohort["has_scan"] == 1),
            "cac_dl": cohort["dl_score"],
            "followup_days": cohort["time_days"],
            "mace": cohort["event"],
            "event_type": cohort["first_event_type"].map(types),
        }
    )


@pytest.fixture(scope="session")
def mini():
    return mini_analysis()


def simulated(n: int, seed: int = 1) -> pd.DataFrame:
    """Analysis table of `n` simulated patients with every column that statistics read."""
    draw = np.random.default_rng(seed)
    cad = draw.random(n) < 0.33
    paired = draw.random(n) < np.where(cad, 0.16, 0.87)
    latent = np.where(
        cad, draw.choice(4, n, p=[0.03, 0.12, 0.2, 0.65]), draw.choice(4, n, p=[0.3, 0.23, 0.2, 0.27])
    )
    seen = np.clip(latent + draw.choice([-1, 0, 1], n, p=[0.22, 0.66, 0.12]), 0, 3)

    def score(category):
        low, high = np.array([0, 1, 101, 401]), np.array([0, 100, 400, 3000])
        return low[category] + draw.random(n) * (high - low)[category]

    mfr, sds = draw.lognormal(0.885, 0.35, n).round(2), draw.poisson(1.5, n).astype(float)
    risk = np.exp(0.25 * latent + 0.1 * seen - 0.41 * (mfr - 2.36) + 0.03 * sds)
    event_time = 34.5 * (draw.exponential(size=n) / risk) ** (1 / 0.95)
    censoring = np.clip(0.75 + 6.05 * draw.weibull(1.85, n), 0.3, 11)
    mace = (event_time <= censoring).astype(int)
    names = ["death", "late_revascularization", "myocardial_infarction", "unstable_angina"]
    kind = np.where(mace == 1, draw.choice(names, n, p=[0.7, 0.16, 0.08, 0.06]), None)
    return pd.DataFrame(
        {
            "patient_id": np.arange(n),
            "age": draw.normal(70, 10, n).round(),
            "sex": np.where(draw.random(n) < 0.58, "male", "female"),
            "bmi": draw.normal(28, 5, n).round(1),
            "diabetes": (draw.random(n) < 0.33).astype(int),
            "history_of_cad": cad.astype(int),
            "mfr": np.where(draw.random(n) < 0.01, np.nan, mfr),
            "sds": sds,
            "cac_standard": np.where(paired, score(latent), np.nan),
            "cac_dl": score(seen),
            "followup_days": np.ceil(np.minimum(event_time, censoring) * 365.25).astype(int),
            "mace": mace,
            "event_type": kind,
            "death": (kind == "death").astype(int),
        }
    )


@pytest.fixture(scope="session")
def simulate():
    return simulated


@pytest.fixture(scope="session")
def cohort():
    return simulated(400)


QUICK = {"seed": 1, "bootstrap_replicates": 50, "optimism_replicates": 3}


@pytest.fixture(scope="session")
def quick():
    return QUICK

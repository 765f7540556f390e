"""Draws that every simulated cohort shares: persons, perfusion, calcium scores, and time to a first event."""

from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd
import yaml

STRATA = ("scan_nocad", "scan_cad", "noscan_nocad", "noscan_cad")
EVENT_TYPES = ("death", "late_revascularization", "myocardial_infarction", "unstable_angina")
DAYS_PER_YEAR = 365.25
CATEGORY_LIMITS = (0.0, 100.0, 400.0)


@cache
def calibration() -> dict:
    """Parameters of calibration.yaml."""
    return yaml.safe_load(
        files("calcohort.simulate").joinpath("calibration.yaml").read_text(encoding="utf-8")
    )


def quotas(weights, n: int) -> np.ndarray:
    """Share `n` among the weights in whole numbers (largest remainders)."""
    exact = np.asarray(weights, float) / np.sum(weights) * n
    counts = np.floor(exact).astype(int)
    order = np.argsort(counts - exact, kind="stable")
    counts[order[: n - counts.sum()]] += 1
    return counts


def exactly(share: float, n: int, random: np.random.Generator) -> np.ndarray:
    """Truth values of which the share is met as well as `n` allows, in random order."""
    flags = np.arange(n) < round(share * n)
    return random.permutation(flags)


def demographics(random: np.random.Generator, scan: np.ndarray, prior_cad: np.ndarray) -> pd.DataFrame:
    """Age, sex, BMI, risk factors and history, by whether there is a gated scan and prior CAD.

    Parameters
    ----------
    scan, prior_cad : ndarray of bool, shape (n,)
    """
    law, n = calibration()["demographics"], len(scan)

    def pick(key: str) -> np.ndarray:
        return np.where(scan, law["scan"][key], law["noscan"][key])

    table = pd.DataFrame({"age": np.clip(np.round(random.normal(pick("age"), law["age_sd"])), 25, 100)})
    table["age"] = table["age"].astype(int)
    table["sex"] = np.where(random.random(n) < pick("male"), "male", "female")
    table["bmi"] = np.round(pick("bmi") * np.exp(pick("bmi_log_sd") * random.normal(size=n)), 1).clip(14, 70)
    for name in ("hypercholesterolemia", "smoking", "hypertension", "diabetes"):
        table[name] = (random.random(n) < pick(name)).astype(int)
    return table.join(history(random, prior_cad, pick("pci_given_cad"), pick("cabg_given_cad")))


def history(random: np.random.Generator, prior_cad, pci_given_cad, cabg_given_cad) -> pd.DataFrame:
    """Prior PCI, CABG and infarction; prior CAD without the first two is an infarction."""
    n = len(prior_cad)
    pci = prior_cad & (random.random(n) < pci_given_cad)
    cabg = prior_cad & (random.random(n) < cabg_given_cad)
    mi_share = calibration()["demographics"]["mi_given_revascularization"]
    mi = prior_cad & ((~pci & ~cabg) | (random.random(n) < mi_share))
    return pd.DataFrame({"prior_pci": pci, "prior_cabg": cabg, "prior_mi": mi}).astype(int)


def perfusion(random: np.random.Generator, scan, prior_cad, dl_category) -> pd.DataFrame:
    """Myocardial flow reserve and summed difference score.

    Parameters
    ----------
    dl_category : ndarray of int, shape (n,)
        Category of the CTAC scan, 0 to 3.
    """
    law, n = calibration()["mfr"], len(scan)
    mean = law["mu"] + law["prior_cad"] * prior_cad + law["no_scan"] * ~scan
    mean = mean + np.take(law["dl_category"], dl_category)
    spread = np.where(scan, law["sd"]["scan"], law["sd"]["noscan"])
    mfr = np.round(np.exp(mean + spread * random.normal(size=n)), 2)
    law = calibration()["sds"]
    none = np.where(scan, law["p0"]["scan"], law["p0"]["noscan"]) + np.take(law["dl_category"], dl_category)
    points = 1 + random.poisson(random.gamma(law["shape"], law["mean"] / law["shape"], n))
    sds = np.where(random.random(n) < none, 0, np.minimum(points, 68))
    return pd.DataFrame({"mfr": mfr.clip(0.4, 12), "sds": sds})


def scores_in_category(random: np.random.Generator, category, latent) -> np.ndarray:
    """Agatston scores inside their category.

    Parameters
    ----------
    category : ndarray of int, shape (n,)
    latent : ndarray, shape (n,)
        Standard normal: where inside the category the score lies.
    """
    from scipy.stats import norm

    law, place = calibration()["scores"], norm.cdf(latent)
    low, high = np.array([1, 1, 100, 400])[category], np.array([1, 100, 400, 400])[category]
    score = low * (high / low) ** place
    top = 400 * np.exp(law["top_sd"] * norm.ppf(0.5 + place / 2))
    score = np.where(category == 3, np.minimum(top, law["cap"]), score)
    return np.where(category == 0, 0.0, score)


def log_hazard(
    standard_category, dl_category, prior_cad, scan, mfr, sds, law: dict | None = None
) -> np.ndarray:
    """Linear predictor of the time to MACE; effects of both scores add; calibrated unless `law` is given."""
    law = law or calibration()["hazard"]
    return (
        np.take(law["standard_category"], standard_category)
        + np.take(law["dl_category"], dl_category)
        + law["prior_cad"] * prior_cad
        + law["no_scan"] * ~scan
        + law["mfr"] * (mfr - law["mfr_center"])
        + law["sds"] * sds
    )


def first_events(random: np.random.Generator, predictor) -> tuple[np.ndarray, np.ndarray]:
    """Days to the first MACE and its type, nobody being censored."""
    law, n = calibration()["hazard"], len(predictor)
    years = law["scale"] * (random.exponential(size=n) / np.exp(predictor)) ** (1 / law["shape"])
    days = np.maximum(np.round(years * DAYS_PER_YEAR), 1)
    shares = calibration()["first_event"]
    kind = random.choice(EVENT_TYPES, size=n, p=[shares[name] for name in EVENT_TYPES])
    return days, np.where((kind == "late_revascularization") & (days <= 90), "death", kind)


def observed_years(random: np.random.Generator, n: int) -> np.ndarray:
    """Years from the scan to the end of follow-up."""
    law = calibration()["censoring"]
    years = np.maximum(law["shift"] + law["scale"] * random.weibull(law["shape"], n), law["min"])
    redrawn = random.uniform(law["max"] - 3, law["max"], n)
    return np.where(years > law["max"], redrawn, years)

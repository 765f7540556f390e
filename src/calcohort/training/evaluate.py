"""Scores of test scans against their reference, and the choice of the threshold after the network."""

import numpy as np
import pandas as pd

from calcohort.categories import CATEGORIES, categorise


def agreement(reference, estimate) -> dict[str, float]:
    """How well scores agree with their reference.

    Parameters
    ----------
    reference, estimate : array-like of float, shape (n,)
        Agatston scores.

    Returns
    -------
    dict
        kappa (linearly weighted, four categories), accuracy, within_one, sensitivity and specificity of a
        score above zero, false_positive_agatston (median of scans whose reference is zero), bias and mean
        absolute difference; nan where undefined.
    """
    reference, estimate = np.asarray(reference, dtype=float), np.asarray(estimate, dtype=float)
    truth, found = (np.asarray(categorise(scores).codes, dtype=int) for scores in (reference, estimate))
    positive = truth > 0
    return {
        "n": float(len(reference)),
        "kappa": linear_kappa(truth, found),
        "accuracy": _mean(truth == found),
        "within_one": _mean(np.abs(truth - found) <= 1),
        "sensitivity": _mean(found[positive] > 0),
        "specificity": _mean(found[~positive] == 0),
        "false_positive_agatston": float(np.median(estimate[~positive]))
        if (~positive).any()
        else float("nan"),
        "bias": _mean(estimate - reference),
        "mean_absolute_difference": _mean(np.abs(estimate - reference)),
    }


def compare(scans: pd.DataFrame) -> pd.DataFrame:
    """Agreement of all scans, of each scan type and of each site.

    Parameters
    ----------
    scans : DataFrame
        site, scan_type, agatston_expert, agatston_dl.

    Returns
    -------
    DataFrame
        population (internal, internal_TYPE, internal_site_SITE) and the columns of :func:`agreement`.
    """
    groups = {"internal": scans}
    groups |= {f"internal_{kind}": part for kind, part in scans.groupby("scan_type", sort=True)}
    groups |= {f"internal_site_{site}": part for site, part in scans.groupby("site", sort=True)}
    rows = [
        {"population": name} | agreement(part["agatston_expert"], part["agatston_dl"])
        for name, part in groups.items()
    ]
    return pd.DataFrame(rows)


def linear_kappa(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Cohen's kappa with linear weights over the four categories; nan when both are constant."""
    size = len(CATEGORIES)
    if len(reference) == 0:
        return float("nan")
    table = np.zeros((size, size))
    np.add.at(table, (reference, estimate), 1 / len(reference))
    cost = np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
    expected = (cost * np.outer(table.sum(axis=1), table.sum(axis=0))).sum()
    return float(1 - (cost * table).sum() / expected) if expected > 0 else float("nan")


def choose_threshold(reference: np.ndarray, estimates: dict[float, np.ndarray]) -> float:
    """The threshold of greatest kappa, then of the smallest mean error on the log scale."""

    def merit(threshold: float):
        found = agreement(reference, estimates[threshold])
        error = np.mean(np.abs(np.log1p(estimates[threshold]) - np.log1p(reference)))
        return round(found["kappa"], 3) if np.isfinite(found["kappa"]) else -1.0, -error

    return max(sorted(estimates), key=merit)


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else float("nan")

"""Scores of test scans against their reference, and the choice of the threshold after the network."""

from collections.abc import Mapping

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
        score above zero, false_positive_agatston (median of scans whose reference is zero), bias and limits
        of agreement (Bland and Altman 1986), mean absolute difference, icc (two-way random effects, absolute
        agreement, single rating: Shrout and Fleiss 1979, case 2); nan where undefined.
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
        **_limits(estimate - reference),
        "mean_absolute_difference": _mean(np.abs(estimate - reference)),
        "icc": intraclass_correlation(reference, estimate),
    }


def compare(scans: pd.DataFrame, prevalence: np.ndarray | None = None) -> pd.DataFrame:
    """Agreement of all scans, of each scan type and of each site.

    Parameters
    ----------
    scans : DataFrame
        site, scan_type, agatston_expert, agatston_dl.
    prevalence : ndarray, shape (4,), optional
        Natural shares of the categories: adds the column kappa_natural, since kappa depends on the margins.

    Returns
    -------
    DataFrame
        population (internal, internal_TYPE, internal_site_SITE) and the columns of :func:`agreement`.
    """
    groups = {"internal": scans}
    groups |= {f"internal_{kind}": part for kind, part in scans.groupby("scan_type", sort=True)}
    groups |= {f"internal_site_{site}": part for site, part in scans.groupby("site", sort=True)}
    rows = []
    for name, part in groups.items():
        row = {"population": name} | agreement(part["agatston_expert"], part["agatston_dl"])
        if prevalence is not None:
            truth, found = (categorise(part[f"agatston_{who}"]).codes for who in ("expert", "dl"))
            row["kappa_natural"] = linear_kappa(np.asarray(truth), np.asarray(found), prevalence)
        rows.append(row)
    return pd.DataFrame(rows)


def linear_kappa(reference: np.ndarray, estimate: np.ndarray, prevalence: np.ndarray | None = None) -> float:
    """Cohen's kappa with linear weights over the four categories; nan when both are constant.

    Parameters
    ----------
    reference, estimate : ndarray of int, shape (n,)
        Positions of the categories.
    prevalence : ndarray, shape (4,), optional
        Shares that the reference's categories are weighted to; nan when a category that has some is absent.
    """
    size = len(CATEGORIES)
    if len(reference) == 0:
        return float("nan")
    table = np.zeros((size, size))
    np.add.at(table, (reference, estimate), 1 / len(reference))
    if prevalence is not None:
        rows = table.sum(axis=1)
        if np.any((rows == 0) & (np.asarray(prevalence) > 0)):
            return float("nan")
        table *= (np.asarray(prevalence) / np.where(rows > 0, rows, 1))[:, None]
    cost = np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
    expected = (cost * np.outer(table.sum(axis=1), table.sum(axis=0))).sum()
    return float(1 - (cost * table).sum() / expected) if expected > 0 else float("nan")


def kappa_interval(reference, estimate, replicates: int = 1000, seed: int = 1) -> tuple[float, float]:
    """95 % interval of the linear kappa of two scores by the percentile bootstrap over scans."""
    truth, found = (np.asarray(categorise(np.asarray(s, dtype=float)).codes) for s in (reference, estimate))
    draws = np.random.default_rng(seed).integers(0, len(truth), (replicates, len(truth)))
    kappas = [linear_kappa(truth[draw], found[draw]) for draw in draws]
    defined = [value for value in kappas if np.isfinite(value)] or [float("nan")]
    return tuple(float(v) for v in np.percentile(defined, [2.5, 97.5]))


def intraclass_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """ICC(2,1) of two ratings of n subjects; nan for fewer than two subjects or without any spread."""
    n = len(first)
    if n < 2:
        return float("nan")
    ratings = np.stack([first, second], axis=1)
    grand, rows, columns = ratings.mean(), ratings.mean(axis=1), ratings.mean(axis=0)
    between = 2 * ((rows - grand) ** 2).sum() / (n - 1)
    raters = n * ((columns - grand) ** 2).sum()
    rest = ((ratings - rows[:, None] - columns + grand) ** 2).sum() / (n - 1)
    spread = between + rest + 2 * (raters - rest) / n
    return float((between - rest) / spread) if spread > 0 else float("nan")


def choose_threshold(reference: np.ndarray, estimates: Mapping):
    """The threshold (or thresholds, the key of `estimates`) whose scores have the greatest kappa, then the
    smallest mean error on the log scale; the first of equals."""

    def merit(threshold):
        found = agreement(reference, estimates[threshold])
        error = np.mean(np.abs(np.log1p(estimates[threshold]) - np.log1p(reference)))
        return round(found["kappa"], 3) if np.isfinite(found["kappa"]) else -1.0, -error

    return max(estimates, key=merit)


def _limits(differences: np.ndarray) -> dict[str, float]:
    """Bland and Altman's limits of agreement: 1.96 standard deviations on either side of the mean."""
    half = 1.96 * float(np.std(differences, ddof=1)) if len(differences) > 1 else float("nan")
    middle = _mean(differences)
    return {"limit_low": middle - half, "limit_high": middle + half}


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else float("nan")

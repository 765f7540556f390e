"""Tests between groups for the tables of characteristics, as R does them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
from fisher import exact
from scipy import stats

from calcohort.errors import InputError
from calcohort.seeds import rng
from calcohort.statistics.checks import alongside, numbers
from calcohort.statistics.checks import counts as checked_counts

WILCOXON = "Wilcoxon rank-sum test"
KRUSKAL = "Kruskal-Wallis test"
FISHER = "Fisher's exact test"
MONTE_CARLO_TABLES = 9999
# FEXACT's table of integers, small first: it gives up at once, rather than after minutes, where it needs more
# than the last (some seconds).
_WORKSPACES = (1_000_000, 20_000_000)


def wilcoxon(first: np.ndarray, second: np.ndarray) -> dict:
    """Wilcoxon's rank-sum test as R's wilcox.test: exact below 50 a group without ties, else normal with
    continuity correction. statistic is R's W of the first group; p is empty with a note where nothing varies.

    Parameters
    ----------
    first, second : arrays, shapes (n,) and (m,)

    Raises
    ------
    InputError
        If a group is empty or a value is missing.
    """
    first, second = _groups([first, second])
    pooled = np.concatenate([first, second])
    exactly = max(len(first), len(second)) < 50 and len(np.unique(pooled)) == len(pooled)
    if np.ptp(pooled) == 0:
        return {
            "statistic": len(first) * len(second) / 2,
            "p": np.nan,
            "test": WILCOXON,
            "note": "constant",
        }
    result = stats.mannwhitneyu(first, second, method="exact" if exactly else "asymptotic")
    name = f"{WILCOXON}, exact" if exactly else WILCOXON
    return {"statistic": float(result.statistic), "p": float(result.pvalue), "test": name, "note": None}


def kruskal(groups: list[np.ndarray]) -> dict:
    """Kruskal-Wallis test of arrays (n_k,), as R's kruskal.test; empty with a note where nothing varies.

    Raises
    ------
    InputError
        If there are fewer than two groups, one is empty, or a value is missing.
    """
    groups = _groups(groups)
    if np.ptp(np.concatenate(groups)) == 0:
        return {"statistic": np.nan, "p": np.nan, "test": KRUSKAL, "note": "constant"}
    result = stats.kruskal(*groups)
    return {
        "statistic": float(result.statistic),
        "p": float(result.pvalue),
        "test": KRUSKAL,
        "note": None,
    }


def _groups(groups: list) -> list[np.ndarray]:
    groups = [alongside(np.asarray(part, dtype=float), len(part), "groups") for part in groups]
    if len(groups) < 2 or min(map(len, groups)) == 0:
        raise InputError("fewer than two groups that hold anybody", where="rank test")
    return groups


def fisher_test(counts: np.ndarray, seed: int = 1) -> dict:
    """Fisher's exact test of an r x c table: all tables no more probable than this one, as R's fisher.test.

    Where the exact algorithm (FEXACT, by fisher-rxc) cannot do it, a seeded Monte Carlo of 9,999 tables with
    the same margins, and `test` says so.

    Parameters
    ----------
    counts : int array, shape (r, c)

    Raises
    ------
    InputError
        If a cell is not a count.
    """
    counts = checked_counts(counts)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if min(counts.shape, default=0) < 2:
        return {"statistic": np.nan, "p": np.nan, "test": FISHER, "note": "one row or column only"}
    if counts.shape == (2, 2):
        return {
            "statistic": np.nan,
            "p": float(stats.fisher_exact(counts)[1]),
            "test": FISHER,
            "note": None,
        }
    p = -1.0
    for workspace in _WORKSPACES:
        if p < 0.0:
            with _quiet():
                p = exact(counts.tolist(), workspace)
    if p >= 0.0:
        return {"statistic": np.nan, "p": min(float(p), 1.0), "test": FISHER, "note": None}
    method = stats.MonteCarloMethod(n_resamples=MONTE_CARLO_TABLES, rng=rng("fisher", seed))
    p = float(stats.fisher_exact(counts, method=method).pvalue)
    note = f"Monte Carlo, {MONTE_CARLO_TABLES} tables, seed {seed}"
    return {"statistic": np.nan, "p": p, "test": f"{FISHER} by Monte Carlo", "note": note}


@contextmanager
def _quiet() -> Iterator[None]:
    # The compiled algorithm prints its error beside the code that it returns.
    kept = {number: os.dup(number) for number in (1, 2)}
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        for number in kept:
            os.dup2(nothing, number)
        yield
    finally:
        for number, copy in kept.items():
            os.dup2(copy, number)
            os.close(copy)
        os.close(nothing)


def compare(values: pd.Series, group: pd.Series, kind: str = "continuous", seed: int = 1) -> dict:
    """Test whether `values` differ between groups: statistic, p, test, note.

    continuous: Wilcoxon for two groups, Kruskal-Wallis for more; categorical: Fisher. Missing values are left
    out; groups without any are not compared; p is empty with a note where nothing can be compared.

    Parameters
    ----------
    values, group : Series or arrays, shape (n,)
    kind : str
        continuous or categorical.

    Raises
    ------
    InputError
        If the kind is none of these, the lengths differ, or continuous values are no numbers.
    """
    if kind not in ("continuous", "categorical"):
        raise InputError(f"no kind {kind!r}", where="comparison", cure="continuous or categorical")
    values, group = np.asarray(values), np.asarray(group)
    if values.shape != group.shape:
        raise InputError(
            f"{values.shape} values and {group.shape} groups", where="comparison", cure="pair them"
        )
    if kind == "continuous":
        values = numbers(values, "values")
    table = pd.DataFrame({"value": values, "group": group}).dropna()
    if table["group"].nunique() < 2:
        return {"statistic": np.nan, "p": np.nan, "test": "none", "note": "one group"}
    if kind == "categorical":
        return fisher_test(pd.crosstab(table["value"], table["group"]).to_numpy(), seed)
    parts = [part.to_numpy(dtype=float) for _, part in table.groupby("group", sort=True)["value"]]
    return wilcoxon(*parts) if len(parts) == 2 else kruskal(parts)

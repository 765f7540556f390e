"""Agreement of two categorical scores of the same patients or scans: kappa, matrices, ordinal concordance."""

import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
from statsmodels.stats.inter_rater import cohens_kappa

from calcohort.categories import CATEGORIES, categorise
from calcohort.errors import InputError
from calcohort.statistics.checks import counts as checked_counts
from calcohort.statistics.checks import ranked
from calcohort.statistics.concordance import Z95

WEIGHTS = ("none", "linear", "quadratic")
# The root of what rounding leaves of a variance of 0; no study is large enough for an error so small.
_ROUNDING = 1e-7
# Names of the held-out part of the development scans.
TESTING = ("test", "testing", "internal_testing")


def matrix(reference: np.ndarray, rating: np.ndarray) -> np.ndarray:
    """Counts (4, 4) over all four categories, rows = reference; empty categories stay.

    Raises
    ------
    InputError
        If an index is none of a category, or the arrays differ in length.
    """
    reference = ranked(reference, len(rating), "reference")
    rating = ranked(rating, len(reference), "rating")
    if not np.isin([*reference, *rating], range(len(CATEGORIES))).all():
        raise InputError(
            "an index is none of a category", where="categories", cure="leave out missing scores"
        )
    counts = np.zeros((len(CATEGORIES), len(CATEGORIES)), dtype=int)
    np.add.at(counts, (reference, rating), 1)
    return counts


def kappa(counts: np.ndarray, weights: str) -> dict:
    """Cohen's kappa of a square table (k, k), by statsmodels.

    The interval uses the standard error of Fleiss, Cohen and Everitt (1969). observed and expected are
    (weighted) shares of agreement; linear weights are 1 - |i - j| / (k - 1), quadratic ones
    1 - (i - j)^2 / (k - 1)^2.

    Parameters
    ----------
    weights : str
        none, linear or quadratic.

    Returns
    -------
    dict
        kappa, se, ci_low, ci_high, observed, expected, n, note; empty where agreement by chance is certain.

    Raises
    ------
    InputError
        If the table is not square, a cell is not a count, or there are no such weights.
    """
    if weights not in WEIGHTS:
        raise InputError(f"no weights {weights!r}", where="kappa", cure=f"use one of {', '.join(WEIGHTS)}")
    counts = checked_counts(counts, square=True)
    n = int(counts.sum())
    if n == 0:
        return {"n": 0, "note": "nobody"}
    size = len(counts)
    distance = np.abs(np.subtract.outer(np.arange(size), np.arange(size))) / (size - 1)
    agreement = {"none": distance == 0, "linear": 1 - distance, "quadratic": 1 - distance**2}[weights]
    share = counts / n
    observed = float((agreement * share).sum())
    expected = float((agreement * np.outer(share.sum(axis=1), share.sum(axis=0))).sum())
    row = {"observed": observed, "expected": expected, "n": n}
    if 1.0 - expected < 1e-12:
        return {**row, "note": "one category only"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        wt = None if weights == "none" else weights
        result = cohens_kappa(counts, wt=wt)
        row["kappa"] = float(result.kappa)
        se = float(result.std_kappa)
    if not np.isfinite(se) or se < _ROUNDING:
        return {**row, "note": "no interval: agreement does not vary"}
    return {**row, "se": se, "ci_low": row["kappa"] - Z95 * se, "ci_high": row["kappa"] + Z95 * se}


def agreement_rows(counts: np.ndarray, key: dict) -> list[dict]:
    """Rows of agreement.csv for one table of counts."""
    return [{**key, "weights": weights, **kappa(counts, weights)} for weights in WEIGHTS]


def matrix_rows(counts: np.ndarray, key: dict) -> list[dict]:
    """Rows of concordance_matrix.csv: all sixteen cells, zeros included."""
    return [
        {**key, "row_category": CATEGORIES[i], "column_category": CATEGORIES[j], "count": int(counts[i, j])}
        for i in range(len(CATEGORIES))
        for j in range(len(CATEGORIES))
    ]


def external_pairs(members: pd.DataFrame) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Comparisons of a paired population: name, reference categories, rated categories (rows vs columns)."""
    for name, column in (
        ("standard vs dl_ctac", "cac_dl"),
        ("standard vs dl_ctac_rest_preferred", "cac_dl_rest_preferred"),
        ("standard vs dl_gated", "cac_dl_gated"),
    ):
        if column in members and members[column].notna().any():
            both = members[column].notna().to_numpy()
            yield name, members["standard"].to_numpy()[both], _codes(members[column][both])


def is_tested(scans: pd.DataFrame) -> pd.Series:
    """Which development scans are the internal test: those marked `tested`, else the test split, else all.

    A model that saw none of the scans is tested on all of them, whatever their split.
    """
    if "tested" in scans:
        return scans["tested"].astype(bool)
    if "split" in scans:
        return scans["split"].astype(str).str.lower().isin(TESTING)
    return pd.Series(True, index=scans.index)


def internal_pairs(scans: pd.DataFrame | None) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Populations of the internal testing set: name, the reader's categories, the network's categories.

    Parameters
    ----------
    scans : DataFrame or None
        development/scans.csv: tested or split, site, scan_type, agatston_expert, agatston_dl.

    Raises
    ------
    InputError
        If a score column holds something that is not a score.
    """
    if scans is None or not {"agatston_expert", "agatston_dl"} <= set(scans):
        return
    tested = scans[is_tested(scans)]
    tested = tested[tested["agatston_expert"].notna() & tested["agatston_dl"].notna()]
    parts = {"internal": np.ones(len(tested), dtype=bool)}
    if "scan_type" in tested:
        gated = tested["scan_type"].astype(str).str.contains("gated").to_numpy()
        parts |= {"internal_ctac": ~gated, "internal_gated": gated}
    if "site" in tested:
        sites = tested["site"].astype(str)
        parts |= {
            f"internal_site_{_site(site)}": (sites == site).to_numpy() for site in sorted(sites.unique())
        }
    for name, part in parts.items():
        if part.any():
            rows = tested[part]
            yield name, _codes(rows["agatston_expert"]), _codes(rows["agatston_dl"])


def _site(name: str) -> str:
    return name.removeprefix("site_").removeprefix("site").strip("_ ") or name


def _codes(scores: pd.Series) -> np.ndarray:
    try:
        return categorise(scores.astype(float)).codes.astype(int)
    except ValueError as error:
        raise InputError(
            str(error), where=f"column {scores.name}", cure="leave a missing score empty"
        ) from None

"""Columns of every statistics file, in order, and the one way to make such a table."""

from collections.abc import Iterable

import pandas as pd

_SET = ("population", "endpoint")
_SCORED = (*_SET, "score")
_INTERVAL = ("estimate", "ci_low", "ci_high")
_RATIO = ("estimate", "log_hr", "se", "ci_low", "ci_high", "z", "p", "n", "n_events", "note")

COLUMNS: dict[str, tuple[str, ...]] = {
    "km": (
        *_SCORED,
        "category",
        "time_years",
        "n_at_risk",
        "n_events",
        "n_censored",
        "survival",
        "ci_low",
        "ci_high",
    ),
    "logrank": (*_SCORED, "comparison", "statistic", "df", "p", "p_holm", "note"),
    "cox": (*_SCORED, "model", "term", *_RATIO),
    "added_value": (
        *_SCORED,
        "lrt_statistic",
        "df",
        "p",
        "c_base",
        "c_full",
        "c_difference",
        "ci_low",
        "ci_high",
        "n",
        "n_events",
        "c_base_corrected",
        "c_full_corrected",
        "c_difference_corrected",
        "replicates",
        "seed",
        "note",
    ),
    "c_comparison": (
        *_SET,
        "c_dl_ctac",
        "c_standard",
        "difference",
        "ci_low",
        "ci_high",
        "p",
        "n",
        "n_events",
        "note",
    ),
    "proportional_hazards": (*_SCORED, "model", "term", "statistic", "df", "p", "method", "note"),
    "schoenfeld": (*_SCORED, "model", "term", "time_years", *_INTERVAL, "log_hr", "n_events"),
    "rmst": (
        *_SCORED,
        "category",
        "horizon_years",
        *_INTERVAL,
        "difference",
        "difference_ci_low",
        "difference_ci_high",
        "n",
        "n_events",
        "note",
    ),
    "split_hazard_ratios": (*_SCORED, "model", "period", "term", *_RATIO),
    "nri": (
        *_SET,
        "method",
        "horizon_years",
        "component",
        *_INTERVAL,
        "n",
        "n_events",
        "replicates",
        "seed",
        "note",
    ),
    "npv": (*_SCORED, "method", "horizon_years", *_INTERVAL, "n_negative", "n", "note"),
    "npv_comparison": (
        *_SET,
        "method",
        "horizon_years",
        "difference",
        "ci_low",
        "ci_high",
        "statistic",
        "df",
        "p",
        "n",
        "replicates",
        "seed",
        "note",
    ),
    "agreement": (
        *_SET,
        "comparison",
        "weights",
        "kappa",
        "se",
        "ci_low",
        "ci_high",
        "observed",
        "expected",
        "n",
        "note",
    ),
    "concordance_matrix": (*_SET, "comparison", "row_category", "column_category", "count"),
    "concordance_index": (*_SCORED, "kind", *_INTERVAL, "n", "note"),
    "competing_risks": (
        *_SCORED,
        "category",
        "cause",
        "time_years",
        "cumulative_incidence",
        "ci_low",
        "ci_high",
    ),
    "competing_risks_cox": (*_SCORED, "cause", "model", "term", *_RATIO),
    "followup": (
        *_SET,
        "median_years",
        "q1_years",
        "q3_years",
        "reverse_km_median_years",
        "n",
        "n_events",
    ),
    "event_types": (*_SET, "event_type", "count", "proportion", "n"),
    "decision_curve": (*_SET, "model", "horizon_years", "threshold", "net_benefit", "n", "note"),
    "calibration": (
        *_SCORED,
        "model",
        "horizon_years",
        "group",
        "n",
        "predicted",
        "observed",
        "ci_low",
        "ci_high",
        "note",
    ),
    "subgroups": (*_SCORED, "subgroup", "level", "term", *_RATIO[:-1], "p_interaction", "note"),
    "splines": (*_SCORED, "cac", "estimate", "log_hr", "ci_low", "ci_high", "note"),
    "spline_tests": (*_SCORED, "test", "statistic", "df", "p", "n", "n_events", "note"),
    "noninferiority": (
        *_SET,
        "measure",
        "horizon_years",
        "difference",
        "ci_low",
        "ci_high",
        "margin",
        "noninferior",
        "similar",
        "n",
        "note",
    ),
}


def table(name: str, rows: Iterable[dict]) -> pd.DataFrame:
    """Table of the file `name` from rows as dicts; what a row leaves out is empty; no rows: a header only.

    Raises
    ------
    ValueError
        If a row holds a column that the file does not have.
    """
    rows = list(rows)
    unknown = {key for row in rows for key in row} - set(COLUMNS[name])
    if unknown:
        raise ValueError(f"{name} has no column {', '.join(sorted(unknown))}")
    return pd.DataFrame(rows, columns=list(COLUMNS[name]))


def notes(*parts: str) -> str | None:
    """Join what there is to say about a row, in order and once; None when there is nothing."""
    return "; ".join(dict.fromkeys(part for part in parts if part)) or None

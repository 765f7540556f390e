"""Kaplan-Meier curves and log-rank tests."""

import warnings
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from lifelines import KaplanMeierFitter
from lifelines.statistics import logrank_test, multivariate_logrank_test

from calcohort.categories import CATEGORIES
from calcohort.errors import InputError
from calcohort.statistics.checks import alongside, ever_at_risk, survival_data
from calcohort.statistics.populations import AnalysisSet
from calcohort.statistics.tidy import notes


@dataclass(frozen=True)
class Curve:
    """Kaplan-Meier estimate at 0 and at every observed time; all arrays have shape (times,).

    n_at_risk counts those with time >= t. The interval is log-log with Greenwood's variance, as R's
    survfit(conf.type="log-log"): empty where the survival is 1 or 0 (but 1 to 1 at the start).
    """

    time: np.ndarray
    n_at_risk: np.ndarray
    n_events: np.ndarray
    n_censored: np.ndarray
    survival: np.ndarray
    ci_low: np.ndarray
    ci_high: np.ndarray

    def at(self, horizon: float) -> tuple[float, float, float]:
        """Survival and its interval at `horizon`; empty after the last observed time."""
        if horizon > self.time[-1]:
            return np.nan, np.nan, np.nan
        k = np.searchsorted(self.time, horizon, side="right") - 1
        return self.survival[k], self.ci_low[k], self.ci_high[k]

    def quantile(self, q: float) -> float:
        """First time with S(t) <= 1 - q; where S equals 1 - q on an interval, its middle, as R does."""
        limit = 1.0 - q
        reached = np.flatnonzero(self.survival <= limit + 1e-8)
        if not len(reached):
            return np.nan
        first = reached[0]
        if abs(self.survival[first] - limit) > 1e-8:
            return float(self.time[first])
        below = np.flatnonzero(self.survival < limit - 1e-8)
        # A curve that stays at the limit to its end is met where it first gets there.
        return float((self.time[first] + self.time[below[0]]) / 2) if len(below) else float(self.time[first])


def kaplan_meier(time: np.ndarray, event: np.ndarray) -> Curve:
    """Kaplan-Meier estimate of the times (n,), in their own unit, by lifelines.

    Raises
    ------
    InputError
        If there is nobody, a time is negative or missing, or an event is neither 0 nor 1.
    """
    time, event = survival_data(time, event)
    if not len(time):
        raise InputError("nobody", where="Kaplan-Meier", cure="ask for it where there is somebody")
    with warnings.catch_warnings():
        # The logarithm of a survival of 0 or 1: both ends are set below.
        warnings.simplefilter("ignore", RuntimeWarning)
        fitted = KaplanMeierFitter().fit(time, event)
    counts = fitted.event_table
    survival = fitted.survival_function_.iloc[:, 0].to_numpy()
    interval = fitted.confidence_interval_survival_function_.to_numpy()
    low, high = interval[:, 0].copy(), interval[:, 1].copy()
    undefined = (survival == 1.0) | (survival == 0.0)
    low[undefined] = high[undefined] = np.nan
    if survival[0] == 1.0:
        low[0] = high[0] = 1.0
    at_risk = counts["at_risk"].to_numpy().astype(int)
    died, censored = (counts[name].to_numpy().astype(int) for name in ("observed", "censored"))
    return Curve(counts.index.to_numpy(dtype=float), at_risk, died, censored, survival, low, high)


def km_rows(analysis_set: AnalysisSet, endpoint: str) -> list[dict]:
    """Rows of km.csv: a curve a category; an empty category has one row at 0 with nobody at risk."""
    rows = []
    for code, label in enumerate(CATEGORIES):
        member = analysis_set.category == code
        key = {
            "population": analysis_set.population,
            "endpoint": endpoint,
            "score": analysis_set.score,
            "category": label,
        }
        if not member.any():
            rows.append({**key, "time_years": 0.0, "n_at_risk": 0, "n_events": 0, "n_censored": 0})
            continue
        curve = kaplan_meier(analysis_set.years[member], analysis_set.event[member])
        columns = {
            "time_years": curve.time,
            "n_at_risk": curve.n_at_risk,
            "n_events": curve.n_events,
            "n_censored": curve.n_censored,
            "survival": curve.survival,
            "ci_low": curve.ci_low,
            "ci_high": curve.ci_high,
        }
        rows += [
            {**key, **dict(zip(columns, values, strict=True))}
            for values in zip(*(column.tolist() for column in columns.values()), strict=True)
        ]
    return rows


def logrank(time: np.ndarray, event: np.ndarray, group: np.ndarray) -> tuple[float, float, float, str | None]:
    """Log-rank test (hypergeometric variance, survdiff(rho=0)): statistic, df, p, note.

    A group whose members all left before the first event is compared with nobody: as in R it takes no degree
    of freedom, and the note says so. Empty with a note where there is one group only, or no event.

    Parameters
    ----------
    time, event, group : arrays, shape (n,)

    Raises
    ------
    InputError
        If the arrays are not survival data, or a group is missing.
    """
    time, event = survival_data(time, event)
    group = alongside(group, len(time), "groups")
    present = np.unique(group)
    if len(present) < 2:
        return np.nan, np.nan, np.nan, "one group"
    if not np.any(event):
        return np.nan, np.nan, np.nan, "no events"
    compared = np.unique(group[ever_at_risk(time, event)])
    if len(compared) < 2:
        return np.nan, np.nan, np.nan, "no comparable times"
    note = None if len(compared) == len(present) else "a group without time at risk"
    member = np.isin(group, compared)
    time, event, group, present = time[member], event[member], group[member], compared
    with warnings.catch_warnings():
        # Where no event happens to one of several at risk the variance is 0, which is answered below.
        warnings.simplefilter("ignore")
        if len(present) == 2:
            first = group == present[0]
            result = logrank_test(time[first], time[~first], event[first], event[~first])
        else:
            result = multivariate_logrank_test(time, group, event)
    if not np.isfinite(result.test_statistic):
        return np.nan, np.nan, np.nan, "no comparable times"
    return float(result.test_statistic), len(present) - 1, float(result.p_value), note


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's adjusted p-values (1979), as R's p.adjust; statsmodels' takes 90 ms to collect garbage."""
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return adjusted


def logrank_rows(analysis_set: AnalysisSet, endpoint: str) -> list[dict]:
    """Rows of logrank.csv: all categories at once, then each pair on its own two groups, raw and Holm."""
    time, event, category = analysis_set.years, analysis_set.event, analysis_set.category
    key = {"population": analysis_set.population, "endpoint": endpoint, "score": analysis_set.score}
    empty = [label for code, label in enumerate(CATEGORIES) if not np.any(category == code)]
    statistic, df, p, note = logrank(time, event, category)
    note = notes(note, f"empty category {', '.join(empty)}" if empty else "")
    rows = [{**key, "comparison": "overall", "statistic": statistic, "df": df, "p": p, "note": note}]
    pairs = []
    for a, b in combinations(range(len(CATEGORIES)), 2):
        two = (category == a) | (category == b)
        statistic, df, p, note = logrank(time[two], event[two], category[two])
        comparison = f"{CATEGORIES[a]} vs {CATEGORIES[b]}"
        pairs.append(
            {**key, "comparison": comparison, "statistic": statistic, "df": df, "p": p, "note": note}
        )
    tested = [row for row in pairs if np.isfinite(row["p"])]
    if tested:
        adjusted = holm(np.array([row["p"] for row in tested]))
        for row, p_holm in zip(tested, adjusted, strict=True):
            row["p_holm"] = float(p_holm)
    return rows + pairs

"""Death as a competing risk of a non-fatal event: cumulative incidence and cause-specific Cox models."""

from dataclasses import replace

import numpy as np
import pandas as pd
from sksurv.nonparametric import cumulative_incidence_competing_risks

from calcohort.categories import CATEGORIES
from calcohort.errors import InputError
from calcohort.statistics.checks import survival_data
from calcohort.statistics.cox import Z95, cox_rows
from calcohort.statistics.populations import AnalysisSet
from calcohort.statistics.survival import kaplan_meier

# In the order of their codes 1 and 2; 0 is censored.
CAUSES = ("nonfatal", "death")


def causes(frame: pd.DataFrame) -> np.ndarray | None:
    """First event of each patient (n,): 0 none, 1 non-fatal, 2 death; None where the types are not known."""
    if "event_type" not in frame or _untyped(frame):
        return None
    fatal = (frame["event_type"] == "death").to_numpy()
    return np.where(frame["event"] == 1, np.where(fatal, 2, 1), 0)


def _untyped(frame: pd.DataFrame) -> int:
    """How many have an event whose type is not known."""
    return int(frame.loc[frame["event"] == 1, "event_type"].isna().sum())


def cumulative_incidence(time: np.ndarray, cause: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Aalen-Johansen estimate by scikit-survival: times (k,), incidence (2, k), log-log intervals (2, 2, k).

    Times are 0 and those at which an event happened (0 once, where one happened then). The log-log intervals
    use the variance of cmprsk's cuminc; they are empty where the incidence is 0 or 1.

    Parameters
    ----------
    time : array, shape (n,)
    cause : int array, shape (n,)
        0 censored, 1 or 2 the first event.

    Raises
    ------
    InputError
        If a time is negative or missing, or a cause is another.
    """
    time = survival_data(time, np.zeros(len(cause)))[0]
    cause = np.asarray(cause)
    if not np.isin(cause, (0, 1, 2)).all():
        raise InputError("a cause is neither 0, 1 nor 2", where="competing risks")
    times = np.unique(time[cause > 0])
    incidence = np.zeros((2, len(times) + 1))
    present = [code for code in (1, 2) if (cause == code).any()]
    if len(present) == 2:
        at, estimate = cumulative_incidence_competing_risks(cause, time)
        incidence[:, 1:] = estimate[1:, np.searchsorted(at, times)]
    for code in present if len(present) == 1 else ():
        # Without a competing event the estimate is the complement of Kaplan-Meier, which scikit-survival's
        # estimator refuses.
        curve = kaplan_meier(time, cause > 0)
        incidence[code - 1, 1:] = 1.0 - curve.survival[np.searchsorted(curve.time, times)]
    bounds = np.full((2, 2, len(times) + 1), np.nan)
    with np.errstate(all="ignore"):
        power = Z95 * np.sqrt(variance(time, cause)) / (incidence[:, 1:] * np.log(incidence[:, 1:]))
        bounds[:, :, 1:] = np.stack([incidence[:, 1:] ** np.exp(sign * power) for sign in (-1, 1)], axis=1)
    known = (
        np.isfinite(bounds).all(axis=1, keepdims=True) & (incidence > 0)[:, None] & (incidence < 1)[:, None]
    )
    times, bounds = np.concatenate([[0.0], times]), np.where(known, bounds, np.nan)
    begin = int(len(times) > 1 and times[1] == 0.0)
    return times[begin:], incidence[:, begin:], bounds[:, :, begin:]


def variance(time: np.ndarray, cause: np.ndarray) -> np.ndarray:
    """Variance of both cumulative incidences at each distinct event time, shape (2, k).

    Aalen (1978) with hypergeometric ties, as cmprsk's cuminc (Gray): scikit-survival's takes memory by the
    square of the times, and differs from it where there are ties.
    """
    times = np.unique(time[cause > 0])
    at_risk = len(time) - np.searchsorted(np.sort(time), times)
    died = np.stack(
        [np.bincount(np.searchsorted(times, time[cause == k]), minlength=len(times)) for k in (1, 2)]
    )
    after = np.cumprod(1.0 - died.sum(axis=0) / at_risk)
    before = np.concatenate([[1.0], after[:-1]])
    incidence = np.cumsum(before * died / at_risk, axis=1)
    ties = 1.0 - (died - 1) / np.maximum(at_risk - 1, 1)
    weight = np.where(died > 0, before**2 * ties * died / at_risk**2, 0.0)
    inverse = np.divide(1.0, after, out=np.zeros_like(after), where=after > 0)
    found = np.empty_like(incidence)
    for k in (0, 1):
        f, sums = incidence[k], np.zeros((3, len(times)))
        for own, w in ((1.0, weight[k]), (0.0, weight[1 - k])):
            # Nothing beyond the last time at which anybody is left.
            w = w if own else np.where(after > 0, w, 0.0)
            reach = own + f * inverse
            sums += np.cumsum([reach**2 * w, reach * inverse * w, inverse**2 * w], axis=1)
        found[k] = sums[0] - 2 * f * sums[1] + f**2 * sums[2]
    return found.clip(0)


def competing_risks_rows(analysis_set: AnalysisSet, endpoint: str) -> list[dict]:
    """Rows of competing_risks.csv for the set: both causes in each category that has anybody.

    None where the type of some event is not known: competing_risks_cox.csv says so.
    """
    cause = causes(analysis_set.frame)
    if cause is None:
        return []
    rows = []
    for code, label in enumerate(CATEGORIES):
        member = analysis_set.category == code
        if not member.any():
            continue
        times, incidence, bounds = cumulative_incidence(analysis_set.years[member], cause[member])
        for k, name in enumerate(CAUSES):
            key = {
                "population": analysis_set.population,
                "endpoint": endpoint,
                "score": analysis_set.score,
                "category": label,
                "cause": name,
            }
            rows += [
                {**key, "time_years": t, "cumulative_incidence": f, "ci_low": low, "ci_high": high}
                for t, f, low, high in zip(
                    times.tolist(), incidence[k].tolist(), *bounds[k].tolist(), strict=True
                )
            ]
    return rows


def cause_specific_rows(analysis_set: AnalysisSet, endpoint: str) -> list[dict]:
    """Rows of competing_risks_cox.csv: Cox models in which the other cause censors.

    One row that says why where the type of some event is not known; none where the study has no types.
    """
    if "event_type" not in analysis_set.frame:
        return []
    cause = causes(analysis_set.frame)
    if cause is None:
        key = {"population": analysis_set.population, "endpoint": endpoint, "score": analysis_set.score}
        return [key | {"note": f"type of event unknown: {_untyped(analysis_set.frame)}"}]
    rows = []
    for code, name in enumerate(CAUSES, start=1):
        only = replace(analysis_set, frame=analysis_set.frame.assign(event=(cause == code).astype(int)))
        rows += [{**row, "cause": name} for row in cox_rows(only, endpoint)]
    return rows

"""Scaled Schoenfeld residuals, smoothed over time: how a coefficient changes during follow-up."""

import numpy as np

from calcohort.statistics.cox import Z95, Model, set_models
from calcohort.statistics.partial_likelihood import PartialLikelihood
from calcohort.statistics.populations import AnalysisSet
from calcohort.statistics.proportional_hazards import km_transform
from calcohort.statistics.splines import basis

POINTS = 40
# A spline of four degrees of freedom says nothing about fewer events.
LEAST_EVENTS = 20
_KNOTS = (0.0, 1 / 3, 2 / 3, 1.0)


def scaled_residuals(
    x: np.ndarray, time: np.ndarray, event: np.ndarray, beta: np.ndarray, covariance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Time of each event, shape (d,), and beta + d V r, shape (d, p) (Grambsch and Therneau 1994).

    Parameters
    ----------
    x : array, shape (n, p)
    time, event : arrays, shape (n,)
    beta, covariance : arrays, shapes (p,) and (p, p)
        Maximum of the partial likelihood (Efron) and its inverse information.
    """
    likelihood = PartialLikelihood(x - x.mean(axis=0), time, event)
    moments = likelihood.moments(beta)
    residuals = moments.observed - moments.expected
    times = np.unique(time[event == 1])[likelihood.of_time]
    return times, beta + len(residuals) * residuals @ covariance


def smooth(at: np.ndarray, values: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Natural cubic spline of four degrees of freedom through values (d, p), at `points` (m,).

    Returns
    -------
    fitted : array, shape (m, p)
    leverage : array, shape (m,)
        Variance of each fitted point for residuals of variance 1.
    """
    knots = np.quantile(at, _KNOTS)
    columns, wanted = (np.column_stack([np.ones(len(v)), basis(v, knots)]) for v in (at, points))
    inverse = np.linalg.pinv(columns.T @ columns)
    return wanted @ inverse @ columns.T @ values, np.einsum("ij,jk,ik->i", wanted, inverse, wanted)


def schoenfeld_rows(analysis_set: AnalysisSet, endpoint: str) -> list[dict]:
    """Rows of schoenfeld.csv: log hazard ratio of each fitted term along time, on the scale of Kaplan-Meier.

    As R's plot.cox.zph (df 4, transform "km"), with 1.96 standard errors; a model that has no maximum, or
    fewer than `LEAST_EVENTS` events, has no rows.
    """
    rows = []
    for key, model in set_models(analysis_set, endpoint):
        if model.fit is not None and not model.separated and model.n_events >= LEAST_EVENTS:
            rows += [{**key, **row} for row in _curves(model)]
    return rows


def _curves(model: Model) -> list[dict]:
    time, event = model.design.time, model.design.event
    covariance = model.fit.covariance
    times, residuals = scaled_residuals(model.fitted_x, time, event, model.fit.beta, covariance)
    distinct, transform = np.unique(time[event == 1]), km_transform(time, event)
    at = np.interp(times, distinct, transform)
    if len(np.unique(np.quantile(at, _KNOTS))) < len(_KNOTS):
        return []
    points = np.linspace(at.min(), at.max(), POINTS)
    fitted, leverage = smooth(at, residuals, points)
    rows = []
    for column, term in enumerate(model.fitted_terms):
        if term in model.reasons:
            continue
        spread = Z95 * np.sqrt(len(times) * covariance[column, column] * leverage)
        for number, year in enumerate(np.interp(points, transform, distinct)):
            value = fitted[number, column]
            ends = {"ci_low": value - spread[number], "ci_high": value + spread[number]}
            rows.append(
                {"term": term, "time_years": year, "estimate": value, **ends}
                | {"log_hr": model.fit.beta[column], "n_events": model.n_events}
            )
    return rows

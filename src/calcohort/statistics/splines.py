"""The score as a continuous marker: log(CAC + 1) with a restricted cubic spline in a Cox model."""

import numpy as np
from scipy.stats import chi2

from calcohort.statistics.cox import EVENTS_PER_PARAMETER, LARGEST_LOG, Z95
from calcohort.statistics.partial_likelihood import maximise
from calcohort.statistics.populations import SCORES, AnalysisSet
from calcohort.statistics.tidy import notes

PERCENTILES = (0.05, 0.35, 0.65, 0.95)
POINTS = 60


def knots(score: np.ndarray) -> np.ndarray:
    """Four knots of log(score + 1): 5, 35, 65 and 95 % quantiles of the scores above 0 (Harrell 2001)."""
    return np.quantile(np.log1p(score[score > 0]), PERCENTILES, method="averaged_inverted_cdf")


def basis(x: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Restricted cubic spline of x (n,) with knots `at` (k,): columns (n, k - 1), the first one x itself.

    Linear outside the outer knots (Harrell 2001, eq. 2.25), scaled by their distance.
    """

    def cube(knot):
        return np.clip(x - knot, 0, None) ** 3

    last, before = at[-1], at[-2]
    span = last - before
    bent = [
        (cube(k) - cube(before) * (last - k) / span + cube(last) * (before - k) / span) / (last - at[0]) ** 2
        for k in at[:-2]
    ]
    return np.column_stack([x, *bent])


def spline_tables(analysis_set: AnalysisSet, endpoint: str) -> tuple[list[dict], list[dict]]:
    """Rows of splines.csv (hazard ratio against a score of 0 along the score) and of spline_tests.csv."""
    score = analysis_set.frame[SCORES[analysis_set.score]].to_numpy(dtype=float)
    time, event = analysis_set.years, analysis_set.event
    key = {"population": analysis_set.population, "endpoint": endpoint, "score": analysis_set.score}
    counts = {"n": len(score), "n_events": int(event.sum())}
    sparse = "sparse" if counts["n_events"] < EVENTS_PER_PARAMETER * (len(PERCENTILES) - 1) else ""

    def nothing(why: str) -> tuple[list[dict], list[dict]]:
        tests = [
            {**key, **counts, "test": test, "note": notes(why, sparse)} for test in ("overall", "nonlinear")
        ]
        return [{**key, "note": why}], tests

    if not event.any():
        return nothing("no events")
    if (score > 0).sum() < len(PERCENTILES):
        return nothing("too few scores above 0")
    at = knots(score)
    if len(np.unique(at)) < len(at):
        return nothing("too few different scores")
    x = basis(np.log1p(score), at)
    try:
        curved, linear = maximise(x, time, event), maximise(x[:, :1], time, event)
    except np.linalg.LinAlgError:
        return nothing("collinear")
    if curved.diverging.any() or linear.diverging.any():
        return nothing("separation")
    grid = np.expm1(np.linspace(0, np.log1p(np.quantile(score, 0.99)), POINTS))
    shape = basis(np.log1p(grid), at) - basis(np.zeros(1), at)
    log_hr = shape @ curved.beta
    se = np.sqrt(np.einsum("ij,jk,ik->i", shape, curved.covariance, shape).clip(0))
    if np.max(np.abs(log_hr) + Z95 * se) > LARGEST_LOG:
        return nothing("separation")
    rows = [
        {
            **key,
            "cac": float(cac),
            "estimate": float(np.exp(b)),
            "log_hr": float(b),
            "ci_low": float(np.exp(b - Z95 * s)),
            "ci_high": float(np.exp(b + Z95 * s)),
            "note": notes(sparse),
        }
        for cac, b, s in zip(grid, log_hr, se, strict=True)
    ]
    lowest = float(score.min())
    far = f"nobody below {lowest:g}: the curve is extended to 0" if lowest > np.expm1(at[0]) else ""
    for row in rows:
        row["note"] = notes(row["note"], far)
    df = x.shape[1]
    gains = {
        "overall": (2 * (curved.loglik - curved.loglik_null), df),
        "nonlinear": (2 * (curved.loglik - linear.loglik), df - 1),
    }
    tests = [
        {
            **key,
            **counts,
            "test": test,
            "statistic": max(gain, 0.0),
            "df": freedom,
            "p": chi2.sf(max(gain, 0.0), freedom),
            "note": notes(sparse),
        }
        for test, (gain, freedom) in gains.items()
    ]
    return rows, tests

"""Test of proportional hazards: the score test of R's cox.zph (survival >= 3.0).

No Python library has it: lifelines' proportional_hazard_test is the approximation that R gave up in 2019.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from calcohort.statistics.cox import Model, set_models
from calcohort.statistics.partial_likelihood import PartialLikelihood
from calcohort.statistics.populations import AnalysisSet
from calcohort.statistics.tidy import notes

METHOD = "score test as cox.zph of R's survival >= 3.0, Kaplan-Meier transform"


@dataclass(frozen=True)
class ScoreTest:
    """Chi-squared statistics of each term (p,), one degree of freedom each, and of all of them together."""

    terms: np.ndarray
    overall: float


def km_transform(time: np.ndarray, event: np.ndarray) -> np.ndarray:
    """1 - S(t-) at each distinct event time, S by Kaplan-Meier on everybody."""
    times, deaths = np.unique(time[event == 1], return_counts=True)
    at_risk = len(time) - np.searchsorted(np.sort(time), times)
    survival = np.cumprod(1.0 - deaths / at_risk)
    return 1.0 - np.concatenate([[1.0], survival[:-1]])


def score_test(x: np.ndarray, time: np.ndarray, event: np.ndarray, beta: np.ndarray) -> ScoreTest:
    """Score test of a coefficient beta + theta g(t) at theta = 0 (Grambsch and Therneau 1994, without their
    approximation of a constant variance).

    Parameters
    ----------
    x : array, shape (n, p)
    time, event : arrays, shape (n,)
    beta : array, shape (p,)
        Maximum of the partial likelihood (Efron).
    """
    likelihood = PartialLikelihood(x - x.mean(axis=0), time, event)
    moments = likelihood.moments(beta)
    transform = km_transform(time, event)
    g = (transform - (transform * likelihood.ties).sum() / likelihood.ties.sum())[likelihood.of_time]
    score = (g[:, None] * (moments.observed - moments.expected)).sum(axis=0)
    plain = moments.information
    cross, square = moments.weighted_information(g), moments.weighted_information(g**2)
    variance = square - cross.T @ np.linalg.solve(plain, cross)
    return ScoreTest(score**2 / np.diag(variance), float(score @ np.linalg.solve(variance, score)))


def model_test(model: Model) -> ScoreTest | None:
    """Score test of a model's fitted terms; None where it has no maximum or no freedom in time."""
    if model.fit is None or model.separated or len(np.unique(model.design.time[model.design.event == 1])) < 2:
        return None
    try:
        result = score_test(model.fitted_x, model.design.time, model.design.event, model.fit.beta)
    except np.linalg.LinAlgError:
        return None
    return result if np.isfinite(result.overall) and np.all(np.isfinite(result.terms)) else None


def proportional_hazards_rows(analysis_set: AnalysisSet, endpoint: str) -> list[dict]:
    """Rows of proportional_hazards.csv: each term and GLOBAL, for both models of the set.

    A term without an estimate is not tested; without a reference category no category is, but all of them
    together are.
    """
    rows = []
    for key, model in set_models(analysis_set, endpoint):
        result, reasons = model_test(model), model.reasons
        tested = {} if result is None else dict(zip(model.fitted_terms, result.terms.tolist(), strict=True))
        for term in model.design.terms:
            row = {**key, "term": term, "method": METHOD}
            if term in tested and term not in reasons:
                rows.append({**row, **_chi2(tested[term], 1), "note": model.note})
            else:
                rows.append({**row, "note": notes("not tested", reasons.get(term), model.note)})
        row = {**key, "term": "GLOBAL", "method": METHOD}
        why = (
            notes("not tested", *reasons.values()) if result is None else notes(*reasons.values(), model.note)
        )
        rows.append(row | ({} if result is None else _chi2(result.overall, len(tested))) | {"note": why})
    return rows


def _chi2(statistic: float, df: int) -> dict:
    return {"statistic": statistic, "df": df, "p": chi2.sf(statistic, df)}

"""What to say where hazards are not proportional: restricted mean survival, and hazard ratios by period."""

import numpy as np
from scipy.stats import chi2

from calcohort.categories import CATEGORIES
from calcohort.errors import InputError
from calcohort.statistics.cox import Z95, Design, fit, reference_present, set_models, term_rows
from calcohort.statistics.populations import AnalysisSet, Settings
from calcohort.statistics.proportional_hazards import model_test
from calcohort.statistics.survival import kaplan_meier

LEVEL = 0.05


def violated_models(analysis_set: AnalysisSet) -> list[str]:
    """Models of the set whose global test rejects proportional hazards at 5 %."""
    found = []
    for key, model in set_models(analysis_set, endpoint=""):
        result = model_test(model)
        if result is not None and chi2.sf(result.overall, len(result.terms)) < LEVEL:
            found.append(key["model"])
    return found


def restricted_mean(time: np.ndarray, event: np.ndarray, horizon: float) -> tuple[float, float]:
    """Mean survival time within `horizon` and its standard error, in the unit of `time`.

    Area under the Kaplan-Meier curve; variance = sum over event times t of (area from t to the horizon)^2
    d / (n (n - d)) (Greenwood; Royston and Parmar 2013). Empty where nobody was followed to the horizon,
    unless the curve has come to 0 before.

    Raises
    ------
    InputError
        If the arrays are not survival data, or the horizon is not after the start.
    """
    if not horizon > 0:
        raise InputError(f"horizon {horizon}", where="restricted mean", cure="give a time above 0")
    curve = kaplan_meier(time, event)
    if curve.time[-1] < horizon and curve.survival[-1] > 0:
        return np.nan, np.nan
    inside = curve.time < horizon
    edges = np.append(curve.time[inside], horizon)
    areas = curve.survival[inside] * np.diff(edges)
    died, at_risk = curve.n_events[inside], curve.n_at_risk[inside]
    beyond = areas.sum() - np.concatenate([[0.0], np.cumsum(areas)[:-1]])
    left = at_risk - died
    # Once nobody is left the area beyond is 0.
    variance = beyond**2 * died / np.where(left > 0, at_risk * left, 1)
    return float(areas.sum()), float(np.sqrt(variance.sum()))


def rmst_rows(analysis_set: AnalysisSet, endpoint: str, settings: Settings) -> list[dict]:
    """Rows of rmst.csv, where a model of the set violates proportional hazards; none where none does."""
    if not violated_models(analysis_set):
        return []
    return restricted_means(analysis_set, endpoint, settings.primary_horizon_years)


def restricted_means(analysis_set: AnalysisSet, endpoint: str, horizon: float) -> list[dict]:
    """Years free of the event within `horizon` years in each category, with normal intervals.

    difference: category minus category 0. Where no event happened the standard error would be 0: no interval.
    """
    rows, reference = [], (np.nan, np.nan)
    for code, label in enumerate(CATEGORIES):
        member = analysis_set.category == code
        row = {
            "population": analysis_set.population,
            "endpoint": endpoint,
            "score": analysis_set.score,
            "category": label,
            "horizon_years": horizon,
            "n": int(member.sum()),
            "n_events": int(analysis_set.event[member].sum()),
        }
        mean, se = np.nan, np.nan
        if member.any():
            mean, se = restricted_mean(analysis_set.years[member], analysis_set.event[member], horizon)
        if not np.isfinite(mean):
            row["note"] = "follow-up ends before" if member.any() else "empty category"
        elif se > 0:
            row |= {"estimate": mean, "ci_low": mean - Z95 * se, "ci_high": mean + Z95 * se}
        else:
            row |= {"estimate": mean, "note": "no interval: no event"}
            se = np.nan
        if code == 0:
            reference = mean, se
        elif np.isfinite(mean - reference[0]):
            difference, error = mean - reference[0], np.hypot(se, reference[1])
            row |= {
                "difference": difference,
                "difference_ci_low": difference - Z95 * error,
                "difference_ci_high": difference + Z95 * error,
            }
        rows.append(row)
    return rows


def split_rows(analysis_set: AnalysisSet, endpoint: str, settings: Settings) -> list[dict]:
    """Rows of split_hazard_ratios.csv: each model that violates proportional hazards, split in time."""
    return split_ratios(analysis_set, endpoint, violated_models(analysis_set), settings.split_years)


def split_ratios(analysis_set: AnalysisSet, endpoint: str, models: list[str], split: float) -> list[dict]:
    """Hazard ratios of the named models before and after `split` years.

    Before: everybody, censored at the split. After: those still at risk then.
    """
    rows = []
    for key, model in set_models(analysis_set, endpoint):
        if key["model"] not in models:
            continue
        given = model.design
        early = given.event * (given.time <= split)
        late = given.time > split
        periods = {
            f"0-{split:g} years": Design(given.x, given.terms, np.minimum(given.time, split), early),
            f">{split:g} years": Design(given.x[late], given.terms, given.time[late], given.event[late]),
        }
        for period, part in periods.items():
            of_period = {**key, "period": period}
            if not len(part.time):
                rows += [{**of_period, "term": term, "n": 0, "note": "nobody at risk"} for term in part.terms]
                continue
            rows += [{**of_period, **row} for row in term_rows(fit(part, reference_present(part)))]
    return rows

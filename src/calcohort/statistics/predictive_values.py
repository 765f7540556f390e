"""Negative predictive value of a score of zero: crude, by Kaplan-Meier, and compared between scores."""

import numpy as np
from scipy.stats import chi2, norm
from statsmodels.stats.proportion import proportion_confint

from calcohort.seeds import rng
from calcohort.statistics.checks import survival_data, yes_or_no
from calcohort.statistics.populations import AnalysisSet, Settings
from calcohort.statistics.resampling import WeightedKaplanMeier, patient_weights, percentile_interval
from calcohort.statistics.survival import kaplan_meier
from calcohort.statistics.tidy import notes

Z95 = float(norm.ppf(0.975))
CRUDE_NOTE = "early-censored patients count as event-free"


def npv_rows(analysis_set: AnalysisSet, endpoint: str, settings: Settings) -> list[dict]:
    """Rows of npv.csv: crude share without an event (Wilson) and Kaplan-Meier at each horizon, score zero."""
    negative = analysis_set.category == 0
    time, event = analysis_set.years[negative], analysis_set.event[negative]
    count = int(negative.sum())
    key = {
        "population": analysis_set.population,
        "endpoint": endpoint,
        "score": analysis_set.score,
        "n_negative": count,
        "n": len(negative),
    }
    if not count:
        empty = [("crude", np.nan), *(("km", float(h)) for h in settings.horizons_years)]
        return [{**key, "method": m, "horizon_years": h, "note": "nobody has a score of 0"} for m, h in empty]
    free = int(count - event.sum())
    low, high = proportion_confint(free, count, method="wilson")
    rows = [
        {
            **key,
            "method": "crude",
            "estimate": free / count,
            "ci_low": low,
            "ci_high": high,
            "note": CRUDE_NOTE,
        }
    ]
    curve = kaplan_meier(time, event)
    for horizon in settings.horizons_years:
        estimate, low, high = curve.at(horizon)
        note = None
        if not np.isfinite(estimate):
            note = "follow-up ends before"
        elif estimate in (0.0, 1.0):
            # Greenwood's variance is 0 there, which says nothing about how sure the estimate is.
            low = high = np.nan
            note = "no interval: no event" if estimate == 1.0 else "no interval: nobody left"
        rows.append(
            {
                **key,
                "method": "km",
                "horizon_years": float(horizon),
                "estimate": estimate,
                "ci_low": low,
                "ci_high": high,
                "note": note,
            }
        )
    return rows


def leisenring(event: np.ndarray, first_negative: np.ndarray, second_negative: np.ndarray) -> float:
    """Generalized score statistic for two paired NPVs (Leisenring, Alonzo, Pepe 2000), chi-squared with 1 df.

    Closed form of the GEE score test on the negatives, clustered by patient, with independence as the working
    correlation. Empty where there is no negative or nothing varies.

    Parameters
    ----------
    event, first_negative, second_negative : arrays of 0 and 1, shape (n,)

    Raises
    ------
    InputError
        If the arrays do not go together, or an event is neither 0 nor 1.
    """
    only_first, only_second, both = _cells(event, first_negative, second_negative)
    records = np.array([only_first, only_second, 2 * both])
    total = records.sum()
    if total == 0:
        return np.nan
    share = (only_second + both).sum() / total
    healthy = records[:, 1].sum() / total
    # Index 1 counts those without an event, index 0 those with one.
    squares = both * (1 - 2 * share) ** 2 + only_second * (1 - share) ** 2 + only_first * share**2
    top = both[1] * (1 - 2 * share) + only_second[1] * (1 - share) - only_first[1] * share
    top -= healthy * (both * (1 - 2 * share) + only_second * (1 - share) - only_first * share).sum()
    bottom = (1 - healthy) ** 2 * squares[1] + healthy**2 * squares[0]
    return float(top**2 / bottom) if bottom > 0 else np.nan


def kosinski(event: np.ndarray, first_negative: np.ndarray, second_negative: np.ndarray) -> float:
    """Weighted generalized score statistic for two paired NPVs (Kosinski 2013), chi-squared with 1 df.

    Arguments, empty results and errors as for leisenring().
    """
    only_first, only_second, both = _cells(event, first_negative, second_negative)
    n_first, n_second = (only_first + both).sum(), (only_second + both).sum()
    if n_first == 0 or n_second == 0:
        return np.nan
    total = n_first + n_second
    npv_first, npv_second = (only_first + both)[1] / n_first, (only_second + both)[1] / n_second
    pooled = (npv_first * n_first + npv_second * n_second) / total
    shared = (both[0] * pooled**2 + both[1] * (1 - pooled) ** 2) / total
    variance = (pooled * (1 - pooled) - 2 * shared) * (1 / n_first + 1 / n_second)
    return float((npv_second - npv_first) ** 2 / variance) if variance > 1e-15 else np.nan


def _cells(event, first, second) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts (with an event, without) of: only the first negative, only the second, both."""
    event = survival_data(np.zeros(len(event)), event)[1]
    first, second = (yes_or_no(who, len(event), "negatives") for who in (first, second))
    return tuple(
        np.array([(who & (event == 1)).sum(), (who & (event == 0)).sum()], dtype=float)
        for who in (first & ~second, second & ~first, first & second)
    )


def difference_interval(event, first_negative, second_negative) -> tuple[float, float, float]:
    """NPV of the second minus NPV of the first, with its Wald interval.

    The variance is the sum of the squared influences of the patients (sandwich estimate for paired data).
    """
    free = 1 - np.asarray(event)
    influence, npv = np.zeros(len(free)), []
    for sign, who in ((-1, first_negative), (1, second_negative)):
        who = np.asarray(who, dtype=bool)
        npv.append(free[who].mean() if who.any() else np.nan)
        influence[who] += sign * (free[who] - npv[-1]) / max(who.sum(), 1)
    difference, se = npv[1] - npv[0], np.sqrt((influence**2).sum())
    return difference, difference - Z95 * se, difference + Z95 * se


def km_difference(time, event, first_negative, second_negative, horizons, weights) -> np.ndarray:
    """KM survival among the second's negatives minus that among the first's, shape (replicates, horizons)."""
    survival = []
    for who in (np.flatnonzero(first_negative), np.flatnonzero(second_negative)):
        alive = WeightedKaplanMeier(time[who], event[who]).at(weights[:, who], horizons)
        survival.append(np.where(weights[:, who].sum(axis=1, keepdims=True) > 0, alive, np.nan))
    return survival[1] - survival[0]


def npv_comparison_rows(time, event, dl_ctac, standard, settings: Settings, key: dict) -> list[dict]:
    """Rows of npv_comparison.csv, standard - dl_ctac on paired patients.

    leisenring and kosinski compare crude NPVs by their statistics; km compares NPVs that respect censoring by
    a bootstrap over patients: percentile interval, and a Wald statistic with the bootstrap's standard error.
    """
    dl, expert = dl_ctac == 0, standard == 0
    common = {**key, "n": len(time)}
    either = not (dl.any() and expert.any())
    rows = []
    for method, statistic_of in (("leisenring", leisenring), ("kosinski", kosinski)):
        row = {**common, "method": method}
        if either:
            rows.append({**row, "note": "a score has nobody at 0"})
            continue
        difference, low, high = difference_interval(event, dl, expert)
        statistic = statistic_of(event, dl, expert)
        row["difference"] = difference
        if not np.isfinite(statistic):
            rows.append({**row, "note": notes(CRUDE_NOTE, "no interval: no variation")})
            continue
        row |= {"ci_low": low, "ci_high": high, "statistic": statistic, "df": 1, "p": chi2.sf(statistic, 1)}
        rows.append({**row, "note": CRUDE_NOTE})
    horizons = np.array(settings.horizons_years, dtype=float)
    if either:
        return rows + [
            {**common, "method": "km", "horizon_years": h, "note": "a score has nobody at 0"}
            for h in horizons
        ]
    estimate = km_difference(time, event, dl, expert, horizons, np.ones((1, len(time))))[0]
    stream = rng("statistics", settings.seed, "npv_comparison", *key.values())
    replicates = np.concatenate(
        [
            km_difference(time, event, dl, expert, horizons, weights)
            for weights in patient_weights(len(time), settings.bootstrap_replicates, stream)
        ]
    )
    for h, horizon in enumerate(horizons):
        row = {**common, "method": "km", "horizon_years": float(horizon), "seed": settings.seed}
        if horizon > min(time[dl].max(), time[expert].max()):
            rows.append({**row, "note": "follow-up ends before"})
            continue
        rows.append({**row, **_bootstrap_columns(estimate[h], replicates[:, h])})
    return rows


def _bootstrap_columns(estimate: float, replicates: np.ndarray) -> dict:
    low, high, usable = percentile_interval(replicates)
    columns = {"difference": estimate, "replicates": usable}
    se = float(np.std(replicates[np.isfinite(replicates)], ddof=1)) if usable > 1 else 0.0
    if se == 0.0:
        return {**columns, "note": "no interval: no variation"}
    statistic = (estimate / se) ** 2
    return {
        **columns,
        "ci_low": low,
        "ci_high": high,
        "statistic": statistic,
        "df": 1,
        "p": chi2.sf(statistic, 1),
    }

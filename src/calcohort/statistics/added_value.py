"""What a calcium score adds to flow reserve and ischaemia: likelihood-ratio test and gain in C."""

import numpy as np
from scipy.stats import chi2

from calcohort.seeds import rng
from calcohort.statistics.concordance import c_statistic, concordance, interval
from calcohort.statistics.cox import ADJUSTMENT, EVENTS_PER_PARAMETER, Model, design, fit, set_model
from calcohort.statistics.partial_likelihood import maximise
from calcohort.statistics.populations import AnalysisSet, Settings
from calcohort.statistics.tidy import notes

# Optimism falls as 1 / n, so that a large cohort needs fewer replicates of the same work.
_PATIENTS_TO_REFIT = 400_000
_FEWEST_REPLICATES = 10


def _gain(model: Model, sample: np.ndarray) -> float:
    """Optimism of one replicate: how much more refitting on `sample` (positions) gains there than outside.

    The refitted model's C in the sample minus its C in the original patients, and from it the same difference
    of the original model, whose expectation is 0: a control variate that takes out most of the noise.
    """
    given, x = model.design, model.fitted_x
    time, event = given.time[sample], given.event[sample]
    if not event.any() or np.any(np.ptp(x[sample], axis=0) == 0):
        return np.nan
    try:
        # Two of Newton's steps from the original maximum: their error is far below the Monte Carlo error.
        refitted = maximise(x[sample], time, event, start=model.fit.beta, steps=2).beta
    except np.linalg.LinAlgError:
        return np.nan
    inside = [c_statistic(time, event, x[sample] @ beta) for beta in (refitted, model.fit.beta)]
    outside = [c_statistic(given.time, given.event, x @ beta) for beta in (refitted, model.fit.beta)]
    return (inside[0] - outside[0]) - (inside[1] - outside[1])


def optimism(
    base: Model, full: Model, replicates: int, generator: np.random.Generator
) -> tuple[float, float, int]:
    """Mean optimism of C of both models (Harrell 1996), and the number of replicates that gave one.

    Each replicate refits both on patients drawn with replacement.
    """
    n = len(full.design.time)
    order = np.argsort(full.design.time, kind="stable")
    gains = []
    for _ in range(min(replicates, max(_FEWEST_REPLICATES, _PATIENTS_TO_REFIT // n))):
        sample = order[np.sort(generator.integers(0, n, n))]
        gains.append([_gain(model, sample) for model in (base, full)])
    gains = np.array(gains).reshape(-1, 2)
    usable = np.isfinite(gains).all(axis=1)
    if not usable.any():
        return np.nan, np.nan, 0
    return *gains[usable].mean(axis=0), int(usable.sum())


def added_value_row(analysis_set: AnalysisSet, endpoint: str, settings: Settings) -> dict | None:
    """Row of added_value.csv: base = MFR and SDS, full = the three category terms besides.

    Both on the same complete cases; an empty category takes one degree of freedom with it. The interval of
    the apparent difference is by the infinitesimal jackknife with both predictors held fixed, as R's
    concordance. None where a covariate is absent.
    """
    full = set_model(analysis_set, "adjusted")
    given = design(analysis_set, ADJUSTMENT, categories=False)
    if full is None or given is None:
        return None
    base = fit(given)
    row = {
        "population": analysis_set.population,
        "endpoint": endpoint,
        "score": analysis_set.score,
        "n": len(full.design.time),
        "n_events": full.n_events,
        "note": notes(*dict.fromkeys(full.reasons.values()), full.note),
    }
    lost = notes(base.unusable, full.unusable)
    df = len(full.fitted_terms) - len(base.fitted_terms)
    if lost or not df:
        return row | {"note": notes(row["note"], lost, "" if df else "one category")}
    statistic = max(2.0 * (full.fit.loglik - base.fit.loglik), 0.0)
    time, event = full.design.time, full.design.event
    c_base, c_full = (concordance(time, event, model.predictor) for model in (base, full))
    se = float(np.sqrt(((c_full.influence - c_base.influence) ** 2).sum()))
    difference = c_full.estimate - c_base.estimate
    generator = rng("statistics", settings.seed, "added_value", analysis_set.population, endpoint)
    # A model without a maximum is not refitted.
    replicates = 0 if full.separated else settings.optimism_replicates
    too_good_base, too_good_full, usable = optimism(base, full, replicates, generator)
    return row | {
        "lrt_statistic": statistic,
        "df": df,
        "p": chi2.sf(statistic, df),
        "c_base": c_base.estimate,
        "c_full": c_full.estimate,
        "c_difference": difference,
        **interval(difference, se),
        "c_base_corrected": c_base.estimate - too_good_base,
        "c_full_corrected": c_full.estimate - too_good_full,
        "c_difference_corrected": difference - (too_good_full - too_good_base),
        "replicates": usable,
        "seed": settings.seed,
        "note": notes(
            row["note"], "" if full.n_events >= EVENTS_PER_PARAMETER else "C rests on fewer than ten events"
        ),
    }

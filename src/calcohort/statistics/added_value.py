"""What a calcium score adds to flow reserve and ischaemia: likelihood-ratio test and gain in C."""

import numpy as np
from scipy.stats import chi2

from calcohort.seeds import rng
from calcohort.statistics.concordance import ComparablePairs, concordance, interval
from calcohort.statistics.cox import ADJUSTMENT, EVENTS_PER_PARAMETER, Model, design, fit, set_model
from calcohort.statistics.partial_likelihood import maximise
from calcohort.statistics.populations import AnalysisSet, Settings
from calcohort.statistics.tidy import notes

# Optimism falls as 1 / n, so that a large cohort needs fewer replicates of the same work.
_PATIENTS_TO_REFIT = 400_000
_FEWEST_REPLICATES = 10


def _refitted(x: np.ndarray, time: np.ndarray, event: np.ndarray, start: np.ndarray) -> np.ndarray | None:
    """Coefficients (p,) of one replicate's patients; None where nothing can be fitted to them."""
    if not event.any() or np.any(np.ptp(x, axis=0) == 0):
        return None
    try:
        # Two of Newton's steps from the original maximum: their error is far below the Monte Carlo error.
        return maximise(x, time, event, start=start, steps=2).beta
    except np.linalg.LinAlgError:
        return None


def optimism(
    base: Model, full: Model, replicates: int, generator: np.random.Generator
) -> tuple[float, float, int]:
    """Mean optimism of C of both models (Harrell 1996), and the number of replicates that gave one.

    Each replicate refits both on patients drawn with replacement. Its optimism is the refitted model's C in
    the sample minus its C in the original patients, less the same difference of the original model, whose
    expectation is 0: a control variate that takes out most of the noise.
    """
    time, event = full.design.time, full.design.event
    n = len(time)
    everybody = ComparablePairs(time, event)
    models = [(m.fitted_x, m.fit.beta, m.predictor, everybody.c(m.predictor)) for m in (base, full)]
    order = np.argsort(time, kind="stable")
    gains = []
    for _ in range(min(replicates, max(_FEWEST_REPLICATES, _PATIENTS_TO_REFIT // n))):
        sample = order[np.sort(generator.integers(0, n, n))]
        drawn = ComparablePairs(time[sample], event[sample])
        pair = []
        for x, beta, predictor, c in models:
            refitted = _refitted(x[sample], time[sample], event[sample], beta)
            if refitted is None:
                break
            again = x @ refitted
            pair.append((drawn.c(again[sample]) - everybody.c(again)) - (drawn.c(predictor[sample]) - c))
        else:
            gains.append(pair)
    gains = np.array(gains).reshape(-1, 2)
    gains = gains[np.isfinite(gains).all(axis=1)]
    return (*gains.mean(axis=0), len(gains)) if len(gains) else (np.nan, np.nan, 0)


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

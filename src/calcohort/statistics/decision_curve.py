"""Decision curves: what acting on a predicted risk gains over treating all or nobody.

dcurves has them, but fits lifelines' Kaplan-Meier anew for each threshold, half of the whole stage's time at
the study's size. The tests hold this against it.
"""

import numpy as np
import pandas as pd

from calcohort.statistics.calibration import APPARENT, predicted_risk, unpredictable
from calcohort.statistics.cox import ADJUSTMENT, design, fit, set_model
from calcohort.statistics.populations import AnalysisSet, Settings
from calcohort.statistics.resampling import WeightedKaplanMeier
from calcohort.statistics.tidy import notes

THRESHOLDS = np.round(np.arange(0.02, 0.501, 0.02), 2)


def net_benefit(
    time: np.ndarray, event: np.ndarray, risk: np.ndarray, thresholds: np.ndarray, horizon: float
) -> np.ndarray:
    """Net benefit of treating whoever's risk reaches a threshold (Vickers 2006), shape (thresholds,).

    True positives per patient, less false ones weighted by threshold / (1 - threshold); with censoring, the
    treated's share times their Kaplan-Meier risk by `horizon` (Vickers 2008). 0 where nobody is treated;
    empty where all who are treated left before `horizon`.

    Parameters
    ----------
    time, event, risk : arrays, shape (n,)
        risk may be infinite: treated at every threshold.
    thresholds : array of risks between 0 and 1
    """
    curve, benefits = WeightedKaplanMeier(time, event), []
    for threshold in thresholds:
        treated = risk >= threshold
        if not treated.any():
            benefits.append(0.0)
        elif time[treated].max() < horizon:
            benefits.append(np.nan)
        else:
            alive = curve.at(treated[None].astype(float), np.array([horizon])).item()
            benefits.append(treated.mean() * (1 - alive - threshold / (1 - threshold) * alive))
    return np.array(benefits)


def decision_rows(population: str, members: pd.DataFrame, endpoint: str, settings: Settings) -> list[dict]:
    """Rows of decision_curve.csv, on complete cases.

    Models: treat_all, treat_none, mfr_sds, and mfr_sds with each score there is.
    """
    horizon = settings.primary_horizon_years
    if not all(column in members for column in ADJUSTMENT):
        return []
    scores = ("dl_ctac", "standard") if population.startswith("paired") else ("dl_ctac",)
    base = AnalysisSet(population, "dl_ctac", members)
    models = {"mfr_sds": fit(design(base, ADJUSTMENT, categories=False)) if len(members) else None}
    for score in scores:
        models[f"mfr_sds+{score}"] = set_model(AnalysisSet(population, score, members), "adjusted")
    key = {"population": population, "endpoint": endpoint, "horizon_years": horizon}
    reasons = {name: unpredictable(model, horizon) if model else "nobody" for name, model in models.items()}
    n = len(models["mfr_sds"].design.time)
    rows = [{**key, "model": name, "n": n, "note": why} for name, why in reasons.items() if why]
    usable = [name for name in models if not reasons[name]]
    if not usable:
        return rows
    given = models[usable[0]].design
    risks = {"treat_all": np.full(n, np.inf), "treat_none": np.full(n, -np.inf)}
    risks |= {name: predicted_risk(models[name], horizon) for name in usable}
    for name, risk in risks.items():
        benefits = net_benefit(given.time, given.event, risk, THRESHOLDS, horizon).tolist()
        apparent = APPARENT if name in usable else ""
        rows += [
            {
                **key,
                "model": name,
                "threshold": threshold,
                "net_benefit": benefit,
                "n": n,
                "note": notes(apparent, "" if np.isfinite(benefit) else "not estimable"),
            }
            for threshold, benefit in zip(THRESHOLDS.tolist(), benefits, strict=True)
        ]
    return rows

"""Calibration of the models' predicted risk."""

from collections.abc import Iterator

import numpy as np

from calcohort.categories import CATEGORIES
from calcohort.statistics.cox import Model, set_models
from calcohort.statistics.partial_likelihood import risk_at
from calcohort.statistics.populations import AnalysisSet, Settings
from calcohort.statistics.survival import kaplan_meier
from calcohort.statistics.tidy import notes

# Groups of equal size by predicted risk: tenths need some patients each.
MANY = 1000
APPARENT = "apparent: the model was fitted to these patients"


def predicted_risk(model: Model, horizon: float) -> np.ndarray:
    """Risk by `horizon` years of the model's own patients, shape (n,)."""
    given = model.design
    return risk_at(model.fitted_x, given.time, given.event, model.fit.beta, horizon)


def unpredictable(model: Model | None, horizon: float) -> str | None:
    """Why a model cannot predict; None where it can."""
    if model is None:
        return "a covariate is absent"
    if model.unusable:
        return model.unusable
    return "follow-up ends before" if model.design.time.max() < horizon else None


def _groups(model: Model, name: str, risk: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    yield "all", np.ones(len(risk), dtype=bool)
    if name == "univariable":
        code = (
            (model.design.x[:, : len(CATEGORIES) - 1] * np.arange(1, len(CATEGORIES))).sum(axis=1).astype(int)
        )
        for k, label in enumerate(CATEGORIES):
            yield label, code == k
        return
    parts = 10 if len(risk) >= MANY else 5
    edges = np.quantile(risk, np.arange(1, parts) / parts, method="averaged_inverted_cdf")
    fraction = np.searchsorted(edges, risk, side="left")
    for k in range(parts):
        yield f"{k + 1}/{parts}", fraction == k


def calibration_rows(analysis_set: AnalysisSet, endpoint: str, settings: Settings) -> list[dict]:
    """Rows of calibration.csv: mean predicted risk against observed (1 - Kaplan-Meier), apparent.

    Groups: everybody; the categories for the univariable model, tenths of predicted risk (fifths below 1,000
    patients) for the adjusted one.
    """
    horizon, rows = settings.primary_horizon_years, []
    for key, model in set_models(analysis_set, endpoint):
        key["horizon_years"] = horizon
        why = unpredictable(model, horizon)
        if why:
            rows.append({**key, "group": "all", "n": len(model.design.time), "note": why})
            continue
        risk = predicted_risk(model, horizon)
        for group, member in _groups(model, key["model"], risk):
            row = {**key, "group": group, "n": int(member.sum())}
            if not member.any():
                rows.append({**row, "note": "empty group"})
                continue
            survival, low, high = kaplan_meier(model.design.time[member], model.design.event[member]).at(
                horizon
            )
            why = "no interval: no event" if survival == 1 else ""
            if not np.isfinite(survival):
                why = "follow-up ends before"
            rows.append(
                {
                    **row,
                    "predicted": risk[member].mean(),
                    "observed": 1 - survival,
                    "ci_low": 1 - high,
                    "ci_high": 1 - low,
                    "note": notes(APPARENT, why, model.note),
                }
            )
    return rows

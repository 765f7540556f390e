"""Cohorts that a judge of the statistics would try: ties, censoring, small numbers, holes and odd scales."""

import numpy as np
import pandas as pd

from calcohort.categories import categorise


def _every(frame: pd.DataFrame, k: int) -> np.ndarray:
    return (np.arange(len(frame)) % k == 0).astype(int)


def _events(frame: pd.DataFrame, mace: np.ndarray, **more) -> pd.DataFrame:
    kind = np.where(np.arange(len(frame)) % 3 == 0, "myocardial_infarction", "death")
    return frame.assign(mace=mace, event_type=np.where(mace == 1, kind, None), **more)


def cohorts(simulate) -> dict[str, pd.DataFrame]:
    """Analysis tables by name, each different in one respect."""
    frame = simulate(420, 21)
    zero = frame["cac_dl"] == 0
    low = frame["cac_dl"].between(0.5, 100)
    whole = frame["mfr"].notna()
    draw = np.random.default_rng(3)
    return {
        "plain": simulate(800, 22),
        "ties": frame.assign(followup_days=np.ceil(frame["followup_days"] / 365) * 365),
        "two_times": frame.assign(followup_days=np.where(frame["followup_days"] > 1200, 2000, 700)),
        "heavy_censoring": _events(frame, frame["mace"].to_numpy() * _every(frame, 7)),
        "small": simulate(40, 23),
        "tiny": simulate(14, 24),
        "one_event": _events(frame, (np.arange(len(frame)) == 17).astype(int)),
        "all_events": _events(frame, np.ones(len(frame), dtype=int)),
        "empty_category": frame[~low],
        "category_without_events": frame[~(low & (frame["mace"] == 1))],
        "two_categories": frame[zero | (frame["cac_dl"] > 400)],
        "missing_covariates": frame.assign(
            mfr=frame["mfr"].where(draw.random(len(frame)) > 0.3),
            sds=frame["sds"].where(draw.random(len(frame)) > 0.2),
        ),
        "day_zero": frame.assign(followup_days=frame["followup_days"].where(frame.index % 9 > 0, 0)),
        "fractional_days": frame.assign(followup_days=frame["followup_days"] * 0.1 * 3),
        "offset_covariate": frame[whole].assign(
            mfr=frame["mfr"][whole] * 1e-5 + 1e4, sds=frame["sds"][whole] * 1e6
        ),
        "outlier": frame.assign(mfr=frame["mfr"].where(frame.index != 5, 400.0)),
        "equal_scores": frame.assign(cac_standard=frame["cac_dl"].where(frame["cac_standard"].notna())),
        "reversed_scores": frame.assign(cac_standard=(3000 - frame["cac_standard"]).clip(lower=0)),
        "separated": _separated(frame),
        "events_at_the_end": frame.assign(
            followup_days=np.where(frame["mace"] == 1, 2500, frame["followup_days"])
        ),
        "strata": pd.concat([simulate(200, 25), simulate(300, 26).assign(sds=lambda f: f["sds"] + 10)])
        .assign(patient_id=range(500))
        .reset_index(drop=True),
    }


def _separated(frame: pd.DataFrame) -> pd.DataFrame:
    """Flow reserve orders the events perfectly."""
    days = 300 + np.arange(len(frame))
    return _events(frame, (days < 420).astype(int), followup_days=days, mfr=days / 100)


def for_r(frame: pd.DataFrame) -> pd.DataFrame:
    """What judge.R reads."""
    fatal = (frame["event_type"] == "death").fillna(False).to_numpy(dtype=bool)
    return pd.DataFrame(
        {
            "days": frame["followup_days"],
            "mace": frame["mace"],
            "cat": categorise(frame["cac_dl"]).codes,
            "std": pd.Series(categorise(frame["cac_standard"]).codes, index=frame.index).replace(-1, np.nan),
            "mfr": frame["mfr"],
            "sds": frame["sds"],
            "age": frame["age"],
            "cause": np.where(frame["mace"] == 1, np.where(fatal, 2, 1), 0),
        }
    )

"""Example patients for the pictures of Figure 6 and supplementary Figure 7: chosen by rule, never by hand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from calcohort.categories import CATEGORIES, categorise
from calcohort.segmentation.store import HeartCrop
from calcohort.tables import whole_file

CONCORDANT, FALSE_NEGATIVE, FALSE_POSITIVE = "concordant", "false_negative", "false_positive"
PER_PURPOSE = {CONCORDANT: 4, FALSE_NEGATIVE: 2, FALSE_POSITIVE: 2}
CTAC_PROTOCOLS = ("ctac_stress", "ctac_rest")
CORONARY = 1
_REACH_MM = 12.0


def choose(analysis: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Patients with a gated scan and a CTAC that are shown.

    Concordant: of every category the patient with the median standard score among those whose DL-CTAC score
    falls into the same category. False negatives and positives: zero by DL-CTAC or by the standard score, and
    the largest by the other one.

    Parameters
    ----------
    analysis : DataFrame
        cohort/analysis.csv.
    scores : DataFrame
        scores/scores.csv.

    Returns
    -------
    DataFrame
        purpose, series_gated, series_ctac, cac_standard, cac_dl; at most `PER_PURPOSE` rows of each purpose.
    """
    columns = ["purpose", "series_gated", "series_ctac", "cac_standard", "cac_dl"]
    if "cac_standard" not in analysis or "series" not in scores:
        return pd.DataFrame(columns=columns)
    patients = analysis.dropna(subset=["cac_standard", "cac_dl"])
    pairs = patients.merge(_series(scores, ["cac_gated"], "series_gated"), on="patient_id")
    wanted = pairs.get("cac_dl_protocol")
    ctac = _series(scores, CTAC_PROTOCOLS, "series_ctac", wanted, pairs["patient_id"])
    pairs = pairs.merge(ctac, on="patient_id").sort_values("patient_id", ignore_index=True)
    if pairs.empty:
        return pd.DataFrame(columns=columns)
    standard, dl = categorise(pairs["cac_standard"]).codes, categorise(pairs["cac_dl"]).codes
    chosen = []
    for code in range(len(CATEGORIES) - 1, -1, -1):
        same = pairs[(standard == code) & (dl == code)].sort_values("cac_standard", kind="stable")
        if len(same):
            chosen.append(same.iloc[[len(same) // 2]].assign(purpose=CONCORDANT))
    missed = pairs[(dl == 0) & (standard > 0)].sort_values("cac_standard", ascending=False, kind="stable")
    chosen.append(missed.head(PER_PURPOSE[FALSE_NEGATIVE]).assign(purpose=FALSE_NEGATIVE))
    invented = pairs[(standard == 0) & (dl > 0)].sort_values("cac_dl", ascending=False, kind="stable")
    chosen.append(invented.head(PER_PURPOSE[FALSE_POSITIVE]).assign(purpose=FALSE_POSITIVE))
    return pd.concat(chosen, ignore_index=True)[columns]


def cut(choice: pd.DataFrame, crop_of: Callable[[str], HeartCrop | None]) -> dict[str, np.ndarray]:
    """Slices to show: where the gated scan (else the CTAC) has most coronary calcium, the other one likewise.

    Breathing moves the heart between the scans, so heights are compared relative to the heart; within
    `_REACH_MM` of that height the other scan shows its slice with most coronary calcium.

    Parameters
    ----------
    choice : DataFrame
        From `choose`.
    crop_of : callable
        Heart crop of a series, None where there is none; a pair without both is left out.

    Returns
    -------
    dict of ndarray
        purpose, cac_standard, cac_dl (n,); gated_hu_I, gated_labels_I, gated_extent_I (x0, x1, y0, y1 in LPS
        millimetres) and the same for ctac, I from 0.
    """
    stored: dict[str, np.ndarray] = {}
    facts = []
    for row in choice.itertuples(index=False):
        gated, ctac = crop_of(row.series_gated), crop_of(row.series_ctac)
        if gated is None or ctac is None:
            continue
        leading = gated if (gated.labels == CORONARY).any() else ctac
        level = _level(leading, _richest(leading, _outward(leading)))
        for kind, crop in (("gated", gated), ("ctac", ctac)):
            hu, labels, extent = _slice(crop, _richest(crop, _near(crop, level)))
            stored |= {
                f"{kind}_hu_{len(facts)}": hu,
                f"{kind}_labels_{len(facts)}": labels,
                f"{kind}_extent_{len(facts)}": extent,
            }
        facts.append((row.purpose, row.cac_standard, row.cac_dl))
    stored["purpose"] = np.array([fact[0] for fact in facts], dtype="U16")
    stored["cac_standard"] = np.array([fact[1] for fact in facts], dtype=float)
    stored["cac_dl"] = np.array([fact[2] for fact in facts], dtype=float)
    return stored


def save(path: str | Path, stored: dict[str, np.ndarray]) -> None:
    """Write what `cut` gave as one compressed .npz; the same slices always give the same bytes."""
    with whole_file(path) as beside:
        np.savez_compressed(beside, **stored)


def _series(scores: pd.DataFrame, protocols, name: str, wanted=None, patients=None) -> pd.DataFrame:
    usable = scores[scores["protocol"].isin(protocols)]
    if "accepted" in usable:
        usable = usable[usable["accepted"].astype(bool)]
    if wanted is not None:
        by_patient = pd.Series(wanted.to_numpy(), index=patients.to_numpy())
        usable = usable[
            usable["protocol"] == usable["patient_id"].map(by_patient[~by_patient.index.duplicated()])
        ]
    usable = usable.sort_values(["patient_id", "series"], kind="stable").drop_duplicates("patient_id")
    return usable[["patient_id", "series"]].rename(columns={"series": name})


def _heart_range(crop: HeartCrop) -> tuple[int, int]:
    inside = np.flatnonzero((crop.labels > 0).any(axis=(1, 2)))
    return (int(inside[0]), int(inside[-1])) if len(inside) else (0, len(crop.labels) - 1)


def _outward(crop: HeartCrop) -> list[int]:
    """All slices, from the middle of the heart outwards: without calcium the middle is shown."""
    low, high = _heart_range(crop)
    return sorted(range(len(crop.hu)), key=lambda number: (abs(number - (low + high) / 2), number))


def _level(crop: HeartCrop, number: int) -> float:
    """Height of a slice relative to the heart: 0 its lowest, 1 its highest slice."""
    low, high = _heart_range(crop)
    return (number - low) / max(high - low, 1)


def _near(crop: HeartCrop, level: float) -> list[int]:
    """Slices within reach of that height, the nearest first."""
    low, high = _heart_range(crop)
    middle = low + level * (high - low)
    reach = _REACH_MM / crop.spacing_xyz_mm[2]
    numbers = [n for n in range(len(crop.hu)) if abs(n - middle) <= max(reach, 0.5)]
    return sorted(numbers, key=lambda number: (abs(number - middle), number))


def _richest(crop: HeartCrop, numbers) -> int:
    """Slice with most coronary calcium of `numbers`; the first of them where there is none."""
    area = (crop.labels == CORONARY).sum(axis=(1, 2))
    return max(numbers, key=lambda number: area[number])


def _slice(crop: HeartCrop, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x_mm, y_mm, _ = crop.spacing_xyz_mm
    rows, columns = crop.hu.shape[1:]
    left, top = crop.origin_lps_mm[0] - x_mm / 2, crop.origin_lps_mm[1] - y_mm / 2
    extent = np.array([left, left + columns * x_mm, top, top + rows * y_mm])
    return crop.hu[number], crop.labels[number], extent

"""Patients shown in Figure 6 and supplementary Figures 3, 4 and 7: chosen by rule, never by hand."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from calcohort.categories import categorise
from calcohort.exhibits import places
from calcohort.exhibits.causes import cause_of_false_positive, cause_of_miss
from calcohort.exhibits.numbers import fixed
from calcohort.exhibits.places import OTHER, Place, Spot
from calcohort.segmentation.store import HeartCrop
from calcohort.tables import whole_file

FIGURES = ("figure6", "figureS3", "figureS4", "figureS7")
CTAC_PROTOCOLS = ("ctac_stress", "ctac_rest")
# Most patients whose scans are looked at: reading thousands of hearts would take longer than scoring them.
MOST_READ = 300
# A small lesion is still one that both scans can show.
_SMALL_MM3 = 10.0
_REACH_MM = 12.0
# Label of what is bright and unmarked, in pictures alone.
UNMARKED = 4

CropOf = Callable[[str], HeartCrop | None]
SpotsOf = Callable[[str], list[Spot]]


@dataclass(frozen=True)
class Side:
    """One picture: a scan, what is written below it, and whether the network's outlines are drawn."""

    series: str
    words: str
    outlined: bool = True


@dataclass(frozen=True)
class Example:
    """A panel of two pictures of one patient.

    Attributes
    ----------
    figure : str
        One of `FIGURES`.
    heading : str
        What the panel shows.
    left, right : Side or None
        None where no patient of the run shows it.
    note : str
        What else is to be said below the pictures.
    wanted : tuple of Place
        What the shown slice should have.
    """

    figure: str
    heading: str
    left: Side | None = None
    right: Side | None = None
    note: str = ""
    wanted: tuple[Place, ...] = field(default=(), repr=False)


def _is_coronary(spot: Spot) -> bool:
    return spot.label == places.CORONARY


def _is_unmarked(spot: Spot) -> bool:
    return spot.label == places.HEART


def _is_calcium_in_heart(spot: Spot) -> bool:
    return _is_coronary(spot) or _is_other_in_heart(spot)


def _is_other_in_heart(spot: Spot) -> bool:
    return spot.label == OTHER and all(0 <= place <= 1 for place in (spot.x, spot.y, spot.z))


# Of a missed lesion the second scan shows what lies at its height and was taken for something else.
_ZERO = (_is_coronary, _is_calcium_in_heart)


def patients(analysis: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Patients with a DL-CTAC score whose scans can be shown.

    Parameters
    ----------
    analysis : DataFrame
        cohort/analysis.csv.
    scores : DataFrame
        scores/scores.csv.

    Returns
    -------
    DataFrame
        patient_id, series_ctac, series_gated (empty without one), cac_standard, cac_dl, standard and dl
        (codes of their categories, -1 without one), noise_hu, has_metal, prior_pci; sorted by patient_id.
    """
    if "series" not in scores:
        return pd.DataFrame(columns=["patient_id"])
    table = analysis.dropna(subset=["cac_dl"]).copy()
    for column in ("cac_standard", "prior_pci"):
        if column not in table:
            table[column] = np.nan
    ctac = _series(
        scores, CTAC_PROTOCOLS, "series_ctac", table.set_index("patient_id").get("cac_dl_protocol")
    )
    table = table.merge(ctac, on="patient_id").merge(
        _series(scores, ["cac_gated"], "series_gated")[["patient_id", "series_gated"]],
        on="patient_id",
        how="left",
    )
    table["standard"], table["dl"] = (
        categorise(table["cac_standard"]).codes,
        categorise(table["cac_dl"]).codes,
    )
    columns = [
        "patient_id", "series_ctac", "series_gated", "cac_standard", "cac_dl",
        "standard", "dl", "noise_hu", "has_metal", "prior_pci",
    ]  # fmt: skip
    return table.sort_values("patient_id", ignore_index=True)[columns]


def choose(table: pd.DataFrame, crop_of: CropOf) -> list[Example]:
    """The panels of all figures, from the table of :func:`patients`.

    Figure 6: patients whose scores fall into one category; among them by where calcium lies in the heart
    (:mod:`calcohort.exhibits.places`). Supplementary Figure 3: the noisiest scan, metal, a history of PCI
    with a higher DL-CTAC category, the largest disagreement. Supplementary Figure 4: what is bright and was
    not scored. Supplementary Figure 7: zero by one score alone, the largest of the other.
    """
    known: dict[str, list[Spot]] = {}

    def spots_of(series: str) -> list[Spot]:
        if series not in known:
            crop = crop_of(series)
            known[series] = [] if crop is None else places.spots(crop)
        return known[series]

    if table.empty:
        return []
    pairs = table[(table["standard"] >= 0) & table["series_gated"].notna()]
    return [
        *_typical(pairs[pairs["standard"] == pairs["dl"]].head(MOST_READ), spots_of),
        *_difficult(pairs),
        *_rejected(table, spots_of),
        *_zeros(pairs, crop_of),
    ]


def cut(examples: Iterable[Example], crop_of: CropOf) -> dict[str, np.ndarray]:
    """Slices to show, the same height of the heart on both pictures.

    Breathing moves the heart between two scans, so heights are compared relative to the heart; within
    `_REACH_MM` of that height the second scan shows its slice with most of what is wanted.

    Returns
    -------
    dict of ndarray
        figure, heading, note, left_words, right_words (n,) of text, shown (n,) of bool; for each shown
        example I left_hu_I, left_labels_I, left_extent_I (x0, x1, y0, y1 in LPS mm), and right alike.
        Labels: 0 none, 1 coronary calcium, 2 other calcification, 3 heart, 4 bright and unmarked.
    """
    stored: dict[str, np.ndarray] = {}
    facts = []
    for example in examples:
        crops = {}
        for name, side in (("left", example.left), ("right", example.right)):
            crops[name] = crop_of(side.series) if side is not None else None
        shown = all(crop is not None for crop in crops.values())
        if shown:
            for name, (number, crop) in zip(crops, _levels(*crops.values(), example.wanted), strict=True):
                hu, labels, extent = _slice(crop, number, getattr(example, name).outlined)
                place = len(facts)
                stored |= {f"{name}_hu_{place}": hu, f"{name}_labels_{place}": labels}
                stored[f"{name}_extent_{place}"] = extent
        words = [side.words if side is not None else "" for side in (example.left, example.right)]
        facts.append((example.figure, example.heading, example.note, *words, shown))
    names = ("figure", "heading", "note", "left_words", "right_words", "shown")
    for place, name in enumerate(names):
        column = [fact[place] for fact in facts]
        stored[name] = np.array(column, dtype=bool) if name == "shown" else np.array(column, dtype=str)
    return stored


def save(path: str | Path, stored: dict[str, np.ndarray]) -> None:
    """Write what `cut` gave as one compressed .npz; the same slices always give the same bytes."""
    with whole_file(path) as beside:
        np.savez_compressed(beside, **stored)


def _typical(pairs: pd.DataFrame, spots_of: SpotsOf) -> list[Example]:
    def both(row, place: Place) -> float:
        return min(places.volume(spots_of(series), place) for series in (row.series_gated, row.series_ctac))

    def small_right(row) -> float:
        coronary, right = both(row, _is_coronary), both(row, places.is_right_coronary)
        alone = all(
            places.is_right_coronary(spot)
            for series in (row.series_gated, row.series_ctac)
            for spot in spots_of(series)
            if _is_coronary(spot)
        )
        return 1 / coronary if alone and row.dl == 1 and right >= _SMALL_MM3 else 0.0

    left, right, aorta, ring = (
        places.is_left_coronary,
        places.is_right_coronary,
        places.is_aortic,
        places.is_mitral,
    )
    rules = (
        (
            "LM/LAD calcium told from aortic",
            lambda row: min(both(row, left), both(row, aorta)),
            (left, aorta),
        ),
        ("RCA calcium told from aortic", lambda row: min(both(row, right), both(row, aorta)), (right, aorta)),
        ("A small RCA lesion", small_right, (right,)),
        ("Mitral calcium left out of the score", lambda row: both(row, ring), (ring,)),
    )
    examples, taken = [], []
    for heading, worth, wanted in rules:
        row = _best(pairs, worth, taken)
        examples.append(_pair("figure6", heading, row, wanted))
        taken += [row.patient_id] if row is not None else []
    return examples


def _difficult(pairs: pd.DataFrame) -> list[Example]:
    logs = np.log1p(pairs["cac_dl"]) - np.log1p(pairs["cac_standard"])
    excess = pairs["cac_dl"] - pairs["cac_standard"]
    both = (pairs["cac_dl"] > 0) & (pairs["cac_standard"] > 0)
    rules = (
        (
            "Noisiest CTAC scan of the right category",
            pairs["noise_hu"].where(pairs["standard"] == pairs["dl"]),
        ),
        ("Metal near the heart", (1 + pairs["cac_dl"]).where(pairs["has_metal"])),
        (
            "History of PCI, higher by DL: stent or calcium?",
            excess.where((pairs["prior_pci"] == 1) & (pairs["dl"] > pairs["standard"])),
        ),
        (
            "Largest disagreement, neither score 0",
            logs.abs().where(both & (pairs["standard"] != pairs["dl"])),
        ),
    )
    examples, taken = [], []
    for heading, worth in rules:
        row = _best(pairs.assign(worth=worth.fillna(0.0)), lambda row: row.worth, taken)
        note = ""
        if row is not None and heading.startswith("Noisiest"):
            note = f"Noise of the CTAC scan {fixed(row.noise_hu, 0)} HU."
        wanted = (_is_unmarked, _is_coronary) if heading.startswith("Metal") else (_is_coronary,)
        examples.append(_pair("figureS3", heading, row, wanted, note))
        taken += [row.patient_id] if row is not None else []
    return examples


def _rejected(table: pd.DataFrame, spots_of: SpotsOf) -> list[Example]:
    # Those in whom metal is to be expected are looked at first.
    expected = table.assign(first=-(table["prior_pci"] == 1).astype(int) - table["has_metal"].astype(int))
    expected = expected.sort_values(["first", "patient_id"], kind="stable").head(MOST_READ)
    none = table[(table["cac_dl"] == 0) & ~(table["cac_standard"] > 0)].head(MOST_READ)
    examples, taken = [], []
    for heading, group, place in (
        ("Bright and not marked: stent or other metal?", expected, _is_unmarked),
        ("Bright and not marked: stent or other metal?", expected, _is_unmarked),
        ("Other calcification in the heart, score 0", none, _is_other_in_heart),
        ("Other calcification in the heart, score 0", none, _is_other_in_heart),
    ):
        row = _best(group, lambda row, place=place: places.volume(spots_of(row.series_ctac), place), taken)
        if row is None:
            # One empty place says it; a second would say the same.
            if all(example.heading != heading for example in examples):
                examples.append(Example("figureS4", heading))
            continue
        taken.append(row.patient_id)
        history = " History of PCI." if row.prior_pci == 1 else ""
        standard = f" Standard score {fixed(row.cac_standard, 0)}." if row.standard >= 0 else ""
        sides = (
            Side(row.series_ctac, "CTAC", outlined=False),
            Side(row.series_ctac, f"CTAC: DL score {fixed(row.cac_dl, 0)}"),
        )
        note = (standard + history).strip()
        examples.append(Example("figureS4", heading, *sides, note=note, wanted=(place,)))
    return examples


def _zeros(pairs: pd.DataFrame, crop_of: CropOf) -> list[Example]:
    missed = pairs[(pairs["dl"] == 0) & (pairs["standard"] > 0)]
    missed = missed.sort_values("cac_standard", ascending=False, kind="stable").head(2)
    invented = pairs[(pairs["standard"] == 0) & (pairs["dl"] > 0)]
    invented = invented.sort_values("cac_dl", ascending=False, kind="stable").head(2)
    examples = []
    for row in missed.itertuples(index=False):
        cause = _cause(lambda g, c, row: cause_of_miss(g, c), row, crop_of)
        examples.append(_pair("figureS7", "False negative: DL-CTAC 0", row, _ZERO, cause))
    for row in invented.itertuples(index=False):
        cause = _cause(lambda g, c, row: cause_of_false_positive(g, c, row.noise_hu), row, crop_of)
        examples.append(_pair("figureS7", "False positive: standard 0", row, _ZERO, cause))
    return examples


def _cause(find, row, crop_of: CropOf) -> str:
    gated, ctac = crop_of(row.series_gated), crop_of(row.series_ctac)
    return "" if gated is None or ctac is None else find(gated, ctac, row)


def _best(table: pd.DataFrame, worth: Callable[..., float], taken: Sequence[str]):
    """The row of highest positive worth among patients not taken, the first of equals; None without one."""
    rows = [row for row in table.itertuples(index=False) if row.patient_id not in taken]
    worths = [worth(row) for row in rows]
    best = max(range(len(rows)), key=lambda number: worths[number], default=None)
    return rows[best] if best is not None and worths[best] > 0 else None


def _pair(figure: str, heading: str, row, wanted: tuple[Place, ...], note: str = "") -> Example:
    if row is None:
        return Example(figure, heading)
    gated = Side(row.series_gated, f"ECG-gated: standard score {fixed(row.cac_standard, 0)}")
    ctac = Side(row.series_ctac, f"CTAC: DL score {fixed(row.cac_dl, 0)}")
    return Example(figure, heading, gated, ctac, note, wanted)


def _series(scores: pd.DataFrame, protocols, name: str, wanted: pd.Series | None = None) -> pd.DataFrame:
    """One accepted series of each patient, of the protocol that the analysis took where `wanted` tells it."""
    usable = scores[scores["protocol"].isin(protocols)]
    if "accepted" in usable:
        usable = usable[usable["accepted"].astype(bool)]
    if wanted is not None:
        by_patient = wanted[~wanted.index.duplicated()]
        usable = usable[usable["protocol"] == usable["patient_id"].map(by_patient)]
    usable = usable.sort_values(["patient_id", "series"], kind="stable").drop_duplicates("patient_id")
    flags = usable["warnings"] if "warnings" in usable else pd.Series("", index=usable.index)
    has_metal = flags.fillna("").astype(str).str.split(";").map(lambda codes: "metal" in codes)
    noise = usable.get("noise_hu", np.nan)
    return usable.assign(noise_hu=noise, has_metal=has_metal)[
        ["patient_id", "series", "noise_hu", "has_metal"]
    ].rename(columns={"series": name})


def _levels(left: HeartCrop, right: HeartCrop, wanted) -> list[tuple[int, HeartCrop]]:
    """Slice number and crop of both pictures."""
    if left is right:
        number = _richest(left, _outward(left), wanted)
        return [(number, left), (number, right)]
    leading = left if _worth(left, wanted).any() else right
    level = _level(leading, _richest(leading, _outward(leading), wanted))
    return [(_richest(crop, _near(crop, level), wanted), crop) for crop in (left, right)]


def _heart_range(crop: HeartCrop) -> tuple[int, int]:
    low, high = places.heart_box(crop)
    return int(low[0]), int(high[0])


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


def _worth(crop: HeartCrop, wanted: Sequence[Place]) -> np.ndarray:
    """How much of what is wanted each slice shows: all of it together, then the first, then the rest."""
    areas = places.areas_by_slice(crop, wanted)
    return 1e6 * areas.min(axis=0) + 1e3 * areas[0] + areas.sum(axis=0)


def _richest(crop: HeartCrop, numbers: Sequence[int], wanted: Sequence[Place]) -> int:
    """Slice with most of what is wanted; the first of `numbers` where there is none."""
    worth = _worth(crop, wanted)
    return max(numbers, key=lambda number: worth[number])


def _slice(crop: HeartCrop, number: int, outlined: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x_mm, y_mm, _ = crop.spacing_xyz_mm
    rows, columns = crop.hu.shape[1:]
    left, top = crop.origin_lps_mm[0] - x_mm / 2, crop.origin_lps_mm[1] - y_mm / 2
    extent = np.array([left, left + columns * x_mm, top, top + rows * y_mm])
    labels = np.where(places.unmarked(crop)[number], UNMARKED, crop.labels[number]).astype(np.uint8)
    return crop.hu[number], labels if outlined else np.zeros_like(labels), extent

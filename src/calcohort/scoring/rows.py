"""One scan as a row: the columns of `calcohort score --json` and of scores.csv have this one definition."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from calcohort.config import default
from calcohort.scoring.agatston import score, smallest_lesion_effect
from calcohort.scoring.conventions import STANDARD, Conventions
from calcohort.scoring.quality import CALCIUM, assess

if TYPE_CHECKING:
    from calcohort.segmentation.store import HeartCrop

JSON_KEYS = (
    "source",
    "series",
    "accepted",
    "reason",
    "warnings",
    "protocol",
    "shape_zyx",
    "spacing_xyz_mm",
    "kvp",
    "agatston",
    "agatston_kvp_adjusted",
    "volume_mm3",
    "mass_mg",
    "category",
    "n_lesions",
    "heart_volume_ml",
    "seconds",
    "lesions",
)
DETAIL_COLUMNS = (
    "noise_hu",
    "blood_hu",
    "agatston_minimum_2_voxels",
    "agatston_minimum_3_voxels",
    "heart_cut_share",
)
# A scan that cuts off more of the heart is no scan of the heart.
HEART_CUT_SHARE = default("imaging", "heart_cut_share")
SCORE_COLUMNS = (
    "patient_id",
    "scan_date",
    "protocol",
    *(key for key in JSON_KEYS if key not in ("protocol", "seconds", "lesions")),
    *DETAIL_COLUMNS,
)
LESION_COLUMNS = (
    "patient_id",
    "series",
    "label",
    "z_slices",
    "max_hu",
    "agatston",
    "volume_mm3",
    "centroid_l_mm",
    "centroid_p_mm",
    "centroid_s_mm",
)
_SEPARATOR = {"warnings": ";", "shape_zyx": "x", "spacing_xyz_mm": "x"}


def score_row(
    crop: "HeartCrop",
    *,
    source: str,
    series: str,
    protocol: str = "unknown",
    kvp: float | None = None,
    warnings: Sequence[str] = (),
    conventions: Conventions = STANDARD,
    calibration: float | None = None,
    heart_cut_share: float = HEART_CUT_SHARE,
    seconds: float | None = None,
) -> dict:
    """Row of a segmented scan, with the keys `JSON_KEYS` in their order.

    A scan that cuts off more than a share of the heart is rejected (coverage).

    Parameters
    ----------
    crop : HeartCrop
    source : str
        Where the scan came from, as the user named it.
    series : str
        Key of the series, see :func:`calcohort.dicom.series_key`.
    protocol, kvp, conventions, calibration
        As for :func:`calcohort.scoring.score`.
    warnings : sequence of str
        Codes from reading the scan; those of segmentation and of image quality are added.
    heart_cut_share : float
        Largest share of the heart that may lie outside the scan.
    seconds : float, optional
        Time that the scan took.
    """
    quality = assess(crop)
    known = {"shape_zyx": [int(n) for n in crop.shape_zyx]}
    known |= {"spacing_xyz_mm": [float(mm) for mm in crop.spacing_xyz_mm], "protocol": protocol}
    known |= {"kvp": None if kvp is None else float(kvp), "seconds": seconds}
    remarks = list(dict.fromkeys((*warnings, *crop.warnings, *quality.flags)))
    if quality.cut_share > heart_cut_share:
        return rejected_row(source=source, series=series, reason="coverage", warnings=remarks, **known)
    result = score(crop.volume(), crop.labels == CALCIUM, conventions, kvp, calibration)
    row = dict.fromkeys(JSON_KEYS) | known
    row |= {"source": source, "series": series, "accepted": True, "warnings": remarks}
    row |= {
        "heart_volume_ml": crop.heart_volume_ml,
        "lesions": [_lesion(lesion, crop.offset_zyx[0]) for lesion in result.lesions],
    }
    names = ("agatston", "agatston_kvp_adjusted", "volume_mm3", "mass_mg", "category", "n_lesions")
    return row | {name: getattr(result, name) for name in names}


def rejected_row(
    *,
    source: str,
    series: str,
    reason: str,
    protocol: str = "unknown",
    shape_zyx: Sequence[int] | None = None,
    spacing_xyz_mm: Sequence[float] | None = None,
    kvp: float | None = None,
    warnings: Sequence[str] = (),
    seconds: float | None = None,
) -> dict:
    """Row of a series that has no score, with the code of its reason."""
    return dict.fromkeys(JSON_KEYS) | {
        "source": source,
        "series": series,
        "accepted": False,
        "reason": reason,
        "warnings": list(warnings),
        "protocol": protocol,
        "shape_zyx": None if shape_zyx is None else [int(n) for n in shape_zyx],
        "spacing_xyz_mm": None if spacing_xyz_mm is None else [float(mm) for mm in spacing_xyz_mm],
        "kvp": None if kvp is None else float(kvp),
        "seconds": seconds,
        "lesions": [],
    }


def details(crop: "HeartCrop", conventions: Conventions = STANDARD) -> dict[str, float | None]:
    """Measured image quality, and the score if single voxels or pairs did not count: `DETAIL_COLUMNS`."""
    quality = assess(crop)
    effect = smallest_lesion_effect(crop.volume(), crop.labels == CALCIUM, conventions, (2, 3))
    values = (quality.noise_hu, quality.blood_hu, *effect.values(), quality.cut_share)
    return dict(zip(DETAIL_COLUMNS, values, strict=True))


def scores_table(rows: Iterable[dict]) -> pd.DataFrame:
    """Rows as a table with `SCORE_COLUMNS`; lists become text, absent keys empty cells.

    Parameters
    ----------
    rows : iterable of dict
        From :func:`score_row` or :func:`rejected_row`, with `patient_id`, `scan_date` and :func:`details`.
    """
    flat = [{name: _cell(name, row.get(name)) for name in SCORE_COLUMNS} for row in rows]
    return pd.DataFrame(flat, columns=list(SCORE_COLUMNS))


def lesions_table(rows: Iterable[dict]) -> pd.DataFrame:
    """Lesions of all rows as a table with `LESION_COLUMNS`."""
    flat = []
    for row in rows:
        for lesion in row["lesions"]:
            centroid = dict(zip(LESION_COLUMNS[-3:], lesion["centroid_lps_mm"], strict=True))
            z_slices = ";".join(map(str, lesion["z_slices"]))
            patient = {"patient_id": row.get("patient_id"), "series": row["series"]}
            flat.append(patient | lesion | centroid | {"z_slices": z_slices})
    return pd.DataFrame(flat, columns=list(LESION_COLUMNS))


def _lesion(lesion, first_slice: int) -> dict:
    return {
        "label": lesion.label,
        "z_slices": [first_slice + z for z in lesion.z_slices],
        "max_hu": lesion.max_hu,
        "agatston": lesion.agatston,
        "volume_mm3": lesion.volume_mm3,
        "centroid_lps_mm": list(lesion.centroid_lps_mm),
    }


def _cell(name: str, value):
    if name in _SEPARATOR and value is not None:
        return _SEPARATOR[name].join(map(str, value))
    if isinstance(value, float) and np.isnan(value):
        return None
    return value

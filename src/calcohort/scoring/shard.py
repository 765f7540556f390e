"""The scores of a shard's scans: one that cannot be scored costs itself only."""

import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING

from calcohort.scoring.conventions import Conventions
from calcohort.scoring.effect import scan_effect
from calcohort.scoring.rows import details, rejected_row, score_row

if TYPE_CHECKING:
    from calcohort.segmentation.store import HeartCrop


def score_scan(
    crop: "HeartCrop", patient: Mapping, about: Mapping, conventions: Conventions, heart_cut_share: float
) -> tuple[dict, list[dict]]:
    """Row of a segmented scan, with its details, and its rows by convention; none where it is rejected.

    Parameters
    ----------
    crop : HeartCrop
    patient : mapping
        patient_id and scan_date.
    about : mapping
        source, series, protocol, kvp and warnings, as for :func:`calcohort.scoring.rows.score_row`.
    conventions, heart_cut_share
        As there.
    """
    try:
        row = patient | score_row(crop, conventions=conventions, heart_cut_share=heart_cut_share, **about)
        if not row["accepted"]:
            return row, []
        row |= details(crop, conventions)
        return row, scan_effect(crop, row, conventions)
    except Exception:
        traceback.print_exc()
        return patient | rejected_row(reason="scoring_failed", shape_zyx=crop.shape_zyx, **about), []

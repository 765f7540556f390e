"""How much the rules of counting move the scores of a run: every scan under each convention, and in sum."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from calcohort.categories import categorise
from calcohort.scoring.agatston import convention_effect
from calcohort.scoring.conventions import CONVENTIONS, Conventions
from calcohort.scoring.quality import CALCIUM

if TYPE_CHECKING:
    from calcohort.segmentation.store import HeartCrop

# The study's own conventions, and its score by the limits published for the scan's tube voltage.
STUDY, KVP_ADJUSTED = "study", "kvp_adjusted"
SCAN_COLUMNS = ("patient_id", "series", "protocol", "convention", "agatston", "category")
EFFECT_COLUMNS = (
    "protocol", "convention", "n", "n_with_calcium", "mean_reference", "mean", "relative_difference",
    "largest_difference", "n_higher_category", "n_lower_category",
)  # fmt: skip


def scan_effect(crop: "HeartCrop", row: Mapping, conventions: Conventions) -> list[dict]:
    """Rows of one scan: its Agatston score under the study's conventions and each of the named ones.

    Parameters
    ----------
    crop : HeartCrop
    row : mapping
        Of the scan in scores.csv, accepted: patient_id, series, protocol, agatston_kvp_adjusted.
    conventions : Conventions
        The study's.
    """
    scores = convention_effect(crop.volume(), crop.labels == CALCIUM, {STUDY: conventions} | CONVENTIONS)
    if row["agatston_kvp_adjusted"] is not None:
        scores[KVP_ADJUSTED] = row["agatston_kvp_adjusted"]
    categories = categorise(list(scores.values())).astype(str)
    about = {name: row[name] for name in ("patient_id", "series", "protocol")}
    return [
        about | {"convention": name, "agatston": agatston, "category": category}
        for (name, agatston), category in zip(scores.items(), categories, strict=True)
    ]


def scans_table(rows: Iterable[dict]) -> pd.DataFrame:
    """Rows of :func:`scan_effect` as a table with `SCAN_COLUMNS`."""
    return pd.DataFrame(list(rows), columns=list(SCAN_COLUMNS))


def effect_table(scans: pd.DataFrame) -> pd.DataFrame:
    """Effect of each convention in the scans of each protocol, against the study's own.

    Parameters
    ----------
    scans : DataFrame
        From :func:`scans_table`.

    Returns
    -------
    DataFrame
        `EFFECT_COLUMNS`: n scans, of which n_with_calcium by the study's conventions; mean_reference and mean
        score; relative_difference of their sums (missing without calcium); largest_difference of a scan;
        n_higher_category and n_lower_category, scans that change their category.
    """
    reference = scans[scans["convention"] == STUDY].set_index("series")["agatston"]
    scans = scans.assign(reference=scans["series"].map(reference))
    rows = []
    for (protocol, convention), group in scans.groupby(["protocol", "convention"], sort=False):
        difference = group["agatston"] - group["reference"]
        total = group["reference"].sum()
        step = categorise(group["agatston"]).codes - categorise(group["reference"]).codes
        values = (
            protocol, convention, len(group), int((group["reference"] > 0).sum()), group["reference"].mean(),
            group["agatston"].mean(), difference.sum() / total if total else np.nan,
            difference.loc[difference.abs().idxmax()], int((step > 0).sum()), int((step < 0).sum()),
        )  # fmt: skip
        rows.append(dict(zip(EFFECT_COLUMNS, values, strict=True)))
    table = pd.DataFrame(rows, columns=list(EFFECT_COLUMNS))
    order = {name: place for place, name in enumerate((STUDY, *CONVENTIONS, KVP_ADJUSTED))}
    rank = table["convention"].map(order)
    return (
        table.assign(rank=rank).sort_values(["protocol", "rank"]).drop(columns="rank").reset_index(drop=True)
    )

"""Annotated scans of the development cohort: read, scored by their readers, scored by a model."""

from pathlib import Path

import numpy as np
import pandas as pd

from calcohort.categories import categorise
from calcohort.check import require_columns
from calcohort.dicom import load_series, load_volume_file
from calcohort.dicom.volumes import is_volume_file
from calcohort.errors import InputError
from calcohort.scoring.agatston import score
from calcohort.scoring.annotations import OTHER, coronary, read_annotation
from calcohort.scoring.conventions import Conventions
from calcohort.segmentation.vote import CORONARY, HEART
from calcohort.segmentation.vote import OTHER as OTHER_CALCIUM
from calcohort.volume import Volume

REQUIRED = ("patient_id", "site", "scan_type", "image", "annotation")
# What leaves the private side of a development table.
PUBLIC = (
    "patient_id", "site", "scan_type", "age", "sex", "bmi", "hypercholesterolemia", "smoking", "hypertension",
    "diabetes", "prior_pci", "prior_cabg", "prior_mi", "history_of_cad", "agatston_expert",
)  # fmt: skip


def read_tables(paths: list[str]) -> pd.DataFrame:
    """The tables of annotated scans as one, checked.

    Raises
    ------
    InputError
        For a column that is missing, an empty field or a scan type that is none.
    """
    from calcohort import tables

    parts = []
    for path in paths:
        table = tables.read_csv(path, dtype={"site": "string"})
        require_columns(table, REQUIRED, str(path))
        for column in REQUIRED:
            empty = [str(row + 2) for row in table.index[table[column].isna()]]
            if empty:
                raise InputError(
                    f"column {column} is empty in row {empty[0]}", where=str(path), cure="fill it in"
                )
        strange = sorted(set(table["scan_type"]) - {"ctac", "gated"})
        if strange:
            raise InputError("scan_type must be ctac or gated", where=str(path), cure=f"recode {strange[0]}")
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def read_image(path: str, where: str) -> Volume:
    """Volume of a DICOM folder or a volume file.

    Raises
    ------
    InputError
        With the reason code, if it cannot be trusted.
    """
    if not Path(path).exists():
        raise InputError("the image is not there", where=where, cure="mend the path in column image")
    loaded = load_volume_file(path) if is_volume_file(path) else load_series(path)
    if loaded.volume is None:
        cure = "mend the scan, or leave it out of the table"
        raise InputError(f"the image cannot be used: {loaded.reason}", where=where, cure=cure)
    return loaded.volume


def expert_score(volume: Volume, annotation: str, conventions: Conventions) -> float:
    """Agatston score of what the reader called coronary."""
    return score(volume, coronary(read_annotation(annotation, volume)), conventions).agatston


def training_labels(volume: Volume, annotation: str, heart: str) -> np.ndarray:
    """Labels (uint8, z y x) as the networks learn them: 1 coronary, 2 other calcification, 3 heart.

    `heart` is a label map of the heart (anything above 0), on the scan's grid.
    """
    vessels = read_annotation(annotation, volume)
    labels = np.where(read_annotation(heart, volume) > 0, HEART, 0).astype(np.uint8)
    labels[coronary(vessels)] = CORONARY
    labels[vessels == OTHER] = OTHER_CALCIUM
    return labels


def public(scans: pd.DataFrame) -> pd.DataFrame:
    """The columns that tell nobody's identity, and each scan's category by its reader."""
    table = scans[[name for name in PUBLIC if name in scans]].copy()
    if "agatston_expert" in table:
        table["category"] = categorise(table["agatston_expert"]).astype(str)
    return table

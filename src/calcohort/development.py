"""Annotated scans of the development cohort: read, scored by their readers, scored by a model."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from calcohort.categories import categorise
from calcohort.check import require_columns
from calcohort.dicom import load_series, load_volume_file
from calcohort.dicom.volume_headers import is_volume_file
from calcohort.digest import content_digest
from calcohort.errors import InputError
from calcohort.scoring.agatston import score
from calcohort.scoring.annotations import OTHER, coronary, read_annotation
from calcohort.scoring.conventions import Conventions
from calcohort.segmentation.store import pixel_hash
from calcohort.segmentation.vote import CORONARY, HEART
from calcohort.segmentation.vote import OTHER as OTHER_CALCIUM
from calcohort.volume import Volume

REQUIRED = ("patient_id", "site", "scan_type", "image", "annotation")
# What leaves the private side of a development table.
PUBLIC = (
    "patient_id", "site", "scan_type", "age", "sex", "bmi", "hypercholesterolemia", "smoking", "hypertension",
    "diabetes", "prior_pci", "prior_cabg", "prior_mi", "history_of_cad", "agatston_expert", "scan",
    "pixels", "content",
)  # fmt: skip
# How a scan was made, as its header tells; a volume file tells the geometry alone.
IMAGING_FACTS = (
    "manufacturer", "scanner", "kvp", "mas", "rotation_time_s", "slice_thickness_mm", "increment_mm",
    "pixel_spacing_x_mm", "kernel", "ctdi_vol_mgy", "dlp_mgy_cm", "n_slices",
)  # fmt: skip


def read_tables(paths: list[str]) -> pd.DataFrame:
    """The tables of annotated scans as one, checked; `place` names each row for errors.

    Raises
    ------
    InputError
        For what is not a table, a column that is missing, an empty field or a scan type that is none.
    """
    from calcohort import tables

    parts = []
    for number, path in enumerate(paths):
        with tables.refused_unless_csv(str(path)):
            table = tables.read_csv(path, dtype={"site": "string"})
        key = f"development.scans[{number}]" if len(paths) > 1 else "development.scans"
        # A spreadsheet shows the header as row 1.
        table["place"] = [f"{key} row {row + 2}" for row in table.index]
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


class _Unusable(Exception):
    """A development scan that is left out: its code, and what is wrong in words that name nobody."""

    def __init__(self, code: str, what: str = ""):
        self.code, self.what = code, what
        super().__init__(code)


@dataclass(frozen=True)
class Annotated:
    """Development scans after a look at all of them.

    Attributes
    ----------
    scans : DataFrame
        Those of use, with `scan` (position in the tables), `agatston_expert`, and `content`, by which what
        is made of a scan is out of date when any of its files changed.
    rejected : DataFrame
        The others: scan, site, scan_type, place (key of the config and row), reason.
    imaging : DataFrame
        How each of use was made: scan, site, scan_type and `IMAGING_FACTS`.
    flow : DataFrame
        step, n_in, excluded, reason, n_out.
    """

    scans: pd.DataFrame
    rejected: pd.DataFrame
    imaging: pd.DataFrame
    flow: pd.DataFrame


def annotate(
    listed: pd.DataFrame,
    conventions: Conventions,
    say: Callable[[str], None] = lambda words: None,
    key: bytes = b"",
) -> Annotated:
    """Score what readers drew in every scan; one that cannot be used gets a reason and stops no other.

    Parameters
    ----------
    listed : DataFrame
        From :func:`read_tables`.
    say : callable
        Takes a line for each scan that is left out.
    key : bytes
        Site key of the hashes of each scan's voxels (column pixels) and of its files (column content).

    Raises
    ------
    InputError
        If no scan is of use.
    """
    scored, facts, reasons = {}, {}, {}
    for scan in listed.itertuples():
        try:
            scored[scan.Index], facts[scan.Index] = _score_annotation(scan, conventions, key)
        except _Unusable as unusable:
            reasons[scan.Index] = unusable.code
            say(f"{scan.place}: left out, {unusable.code} {unusable.what}".rstrip())
    if not scored:
        cure = "the log names each row and its reason"
        raise InputError("no scan can be used", where="development.scans", cure=cure)
    scans = listed.loc[list(scored)].assign(**pd.DataFrame.from_dict(scored, orient="index"))
    scans.insert(0, "scan", scans.index)
    about = ["site", "scan_type"]
    imaging = scans[["scan", *about]].join(
        pd.DataFrame.from_dict(facts, orient="index", columns=IMAGING_FACTS)
    )
    rejected = listed.loc[list(reasons), [*about, "place"]].assign(reason=list(reasons.values()))
    rejected.insert(0, "scan", rejected.index)
    flow = development_flow(len(listed), pd.Series(reasons, dtype=object))
    return Annotated(scans, rejected, imaging, flow)


def development_flow(n: int, reasons: pd.Series) -> pd.DataFrame:
    """Steps from all listed scans to those of use: step, n_in, excluded, reason, n_out; one per reason."""
    steps, left = [("listed", n, 0, None, n)], n
    for reason, count in reasons.value_counts().sort_index().items():
        steps.append(("annotated", left, int(count), reason, left - int(count)))
        left -= int(count)
    return pd.DataFrame(steps, columns=["step", "n_in", "excluded", "reason", "n_out"])


def _score_annotation(scan, conventions: Conventions, key: bytes) -> tuple[dict, dict]:
    if not Path(scan.image).exists():
        raise _Unusable("no_image")
    loaded = load_volume_file(scan.image) if is_volume_file(scan.image) else load_series(scan.image)
    if loaded.volume is None:
        raise _Unusable(loaded.reason)
    masks = [scan.annotation, *([scan.heart] if _given(scan, "heart") else [])]
    if not all(Path(path).exists() for path in masks):
        raise _Unusable("no_annotation")
    try:
        agatston = expert_score(loaded.volume, scan.annotation, conventions)
        for path in masks[1:]:
            read_annotation(path, loaded.volume)
    except InputError as error:
        raise _Unusable("annotation_unusable", f"({error.what})") from error
    facts = {name: loaded.facts.get(name) for name in IMAGING_FACTS}
    held = "".join(content_digest(path) for path in (scan.image, *masks))
    content = hmac.digest(key, held.encode(), "sha256").hex()[:16]
    pixels = pixel_hash(loaded.volume, key)
    return {"agatston_expert": float(agatston), "pixels": pixels, "content": content}, facts


def _given(scan, column: str) -> bool:
    return hasattr(scan, column) and not pd.isna(getattr(scan, column))


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


def check_separate(
    development: pd.DataFrame, external: pd.DataFrame, segmented: pd.DataFrame
) -> pd.DataFrame:
    """Counts of what development and external cohort share, which must be nothing.

    Parameters
    ----------
    development : DataFrame
        patient_id, pixels (hash of the voxels) of the annotated scans.
    external : DataFrame
        patient_id of the scans of the external cohort.
    segmented : DataFrame
        pixels of those that were read.

    Raises
    ------
    InputError
        If a patient or the voxels of a scan are in both: a model would be tested on what it learnt from.
    """
    pairs = {
        "patients": (development["patient_id"].astype(str), external["patient_id"].astype(str)),
        "scans": (development["pixels"], segmented["pixels"]),
    }
    rows = []
    for what, (own, others) in pairs.items():
        own, others = set(own.dropna()), set(others.dropna())
        rows.append(
            {"what": what, "development": len(own), "external": len(others), "both": len(own & others)}
        )
    for row in rows:
        if row["both"]:
            raise InputError(
                f"{row['both']} {row['what']} are both in the development and in the external cohort",
                where="development.scans",
                cure="take them out of one of the two",
            )
    return pd.DataFrame(rows)

"""Whose scan a series is, and of which day, by the header fields that a study names."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from calcohort.dicom.found import file_path

# Enough of a file's end to tell its pixels from others of the same size.
TAIL_BYTES = 4096
DEFAULTS = {"patient_id": "PatientID", "scan_date": "StudyDate"}


def identify(series: pd.DataFrame, patient_id: str, scan_date: str, site: str | None = None) -> pd.DataFrame:
    """`FolderIndex.series` with patient_id, study_date and site taken from the DICOM attributes named.

    Parameters
    ----------
    series : DataFrame
        Has a column for each attribute that is not the usual one (`extra_keywords` of `scan_folder`).
    patient_id, scan_date, site : str
        DICOM keywords.
    """
    series = series.assign(site=series[site] if site else None)
    if patient_id != DEFAULTS["patient_id"]:
        series["patient_id"] = series[patient_id]
    if scan_date != DEFAULTS["scan_date"]:
        dates = pd.to_datetime(series[scan_date], format="%Y%m%d", errors="coerce")
        series["study_date"] = dates.dt.strftime("%Y-%m-%d").astype(object).where(dates.notna(), None)
    return series


def content_digests(files: pd.DataFrame, roots: Sequence[str | Path]) -> pd.Series:
    """Digest of each series by the sizes and the last bytes of its files: a replaced file has another one.

    Parameters
    ----------
    files : DataFrame
        `FolderIndex.files`.
    roots : sequence of path
        The folders that were indexed.
    """

    def tail(root: int, path: str) -> bytes:
        try:
            with open(file_path(roots[root], path), "rb") as handle:
                size = handle.seek(0, 2)
                handle.seek(max(0, size - TAIL_BYTES))
                return hashlib.sha256(f"{size}".encode() + handle.read()).digest()
        except OSError:
            return b"unreadable"

    placed = files[files["series"].astype(bool)].sort_values(["series", "root", "path"])
    tails = [tail(root, path) for root, path in zip(placed["root"], placed["path"], strict=True)]
    return (
        pd.Series(tails, index=placed["series"].to_numpy(), dtype=object)
        .groupby(level=0)
        .agg(lambda parts: hashlib.sha256(b"".join(parts)).hexdigest()[:16])
    )


def first_exams(pet: pd.DataFrame) -> pd.DataFrame:
    """The first PET exam of each patient: the study follows patients from that day on."""
    ordered = pet.sort_values(["patient_id", "scan_date"], kind="stable")
    return ordered.drop_duplicates("patient_id").reset_index(drop=True)

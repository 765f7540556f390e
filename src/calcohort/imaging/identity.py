"""Whose scan a series is, and of which day, by the header fields that a study names."""

import pandas as pd

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


def first_exams(pet: pd.DataFrame) -> pd.DataFrame:
    """The first PET exam of each patient: the study follows patients from that day on."""
    ordered = pet.sort_values(["patient_id", "scan_date"], kind="stable")
    return ordered.drop_duplicates("patient_id").reset_index(drop=True)

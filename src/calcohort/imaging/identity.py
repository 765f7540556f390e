"""Whose scan a series is, and of which day, by the header fields that a study names."""

import pandas as pd

DEFAULTS = {"patient_id": "PatientID", "scan_date": "StudyDate"}


def identify(series: pd.DataFrame, patient_tag: str, date_tag: str) -> pd.DataFrame:
    """`FolderIndex.series` with patient_id and study_date taken from other DICOM attributes.

    Parameters
    ----------
    series : DataFrame
        Has a column for each attribute that is not the usual one (`extra_keywords` of `scan_folder`).
    patient_tag, date_tag : str
        DICOM keywords.
    """
    series = series.copy()
    if patient_tag != DEFAULTS["patient_id"]:
        series["patient_id"] = series[patient_tag]
    if date_tag != DEFAULTS["scan_date"]:
        dates = pd.to_datetime(series[date_tag], format="%Y%m%d", errors="coerce")
        series["study_date"] = dates.dt.strftime("%Y-%m-%d").astype(object).where(dates.notna(), None)
    return series


def first_exams(pet: pd.DataFrame) -> pd.DataFrame:
    """The first PET exam of each patient: the study follows patients from that day on."""
    ordered = pet.sort_values(["patient_id", "scan_date"], kind="stable")
    return ordered.drop_duplicates("patient_id").reset_index(drop=True)

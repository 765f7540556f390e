"""The scores of each patient's PET exam: stress CTAC first, else rest, and the gated scan of the same day."""

import numpy as np
import pandas as pd

from calcohort.cohort.quality import NOTE, Findings
from calcohort.errors import InputError

STRESS, REST, GATED = "ctac_stress", "ctac_rest", "cac_gated"
PREFERENCES = {"cac_dl": (STRESS, REST), "cac_dl_rest_preferred": (REST, STRESS)}


def patient_scores(scores: pd.DataFrame, scan_dates: pd.Series, findings: Findings) -> pd.DataFrame:
    """One row for each patient with a PET exam.

    Parameters
    ----------
    scores : DataFrame
        patient_id, scan_date (a date, or whole days from the PET scan), protocol, agatston; accepted where
        the table has it.
    scan_dates : Series of Timestamp
        The PET exam of each patient, by patient_id.

    Returns
    -------
    DataFrame
        Index of `scan_dates`: cac_dl, cac_dl_rest_preferred, cac_dl_gated, cac_dl_protocol, and whether a
        CTAC was seen (ctac_seen) and scored (ctac_scored).
    """
    findings.always("scores", "rows", len(scores))
    patient = scan_dates.index.get_indexer(scores["patient_id"])
    findings.always("scores", "rows_linked", (patient >= 0).sum())
    findings.add("scores", "patient_without_pet_exam", (patient < 0).sum())
    rows = scores.assign(patient=patient)[patient >= 0]
    day = _day(rows, scan_dates)
    # A scan that was rejected may have lost its date with its header.
    other_day = ~np.isnan(day) & (day != 0)
    findings.add("scores", "scan_of_another_day_ignored", other_day.sum())
    rows = rows[~other_day]
    usable = rows["agatston"].notna()
    if "accepted" in rows:
        usable &= rows["accepted"].astype(bool)
    keys = ["patient", "protocol", *(["series"] if "series" in rows else [])]
    good = rows[usable].sort_values(keys, kind="stable")
    twice = good.duplicated(["patient", "protocol"])
    findings.add("scores", "several_scans_of_one_protocol_first_kept", twice.sum(), NOTE)
    wide = good[~twice].pivot(index="patient", columns="protocol", values="agatston")
    wide = wide.reindex(index=range(len(scan_dates)), columns=[STRESS, REST, GATED]).astype(float)
    result = pd.DataFrame({name: wide[a].fillna(wide[b]) for name, (a, b) in PREFERENCES.items()})
    result["cac_dl_gated"] = wide[GATED]
    chosen = np.where(wide[STRESS].notna(), STRESS, REST)
    result["cac_dl_protocol"] = pd.Series(chosen, dtype="string[python]").where(result["cac_dl"].notna())
    is_ctac = rows["protocol"].isin([STRESS, REST])
    result["ctac_seen"] = np.isin(np.arange(len(scan_dates)), rows.loc[is_ctac, "patient"])
    result["ctac_scored"] = result["cac_dl"].notna()
    return result.set_axis(scan_dates.index)


def _day(rows: pd.DataFrame, scan_dates: pd.Series) -> np.ndarray:
    """Days from the PET exam to each scan."""
    given = rows["scan_date"]
    if pd.api.types.is_numeric_dtype(given):
        return given.to_numpy(float)
    if not pd.api.types.is_datetime64_any_dtype(given):
        raise InputError(
            "scan_date is neither dates nor days",
            where="scores",
            cure="write YYYY-MM-DD, or days from the scan",
        )
    return (given.to_numpy() - scan_dates.to_numpy()[rows["patient"]]) / np.timedelta64(1, "D")


def exams_from_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """PET exams where there is no such source: the days of the CTAC scans."""
    if not pd.api.types.is_datetime64_any_dtype(scores["scan_date"]):
        cure = "add registries.pet with the date of each patient's exam"
        raise InputError("scan_date is in days from an exam that is not given", where="scores", cure=cure)
    ctac = scores[scores["protocol"].isin([STRESS, REST]) & scores["scan_date"].notna()]
    return ctac[["patient_id", "scan_date"]].drop_duplicates(ignore_index=True)


def standard_scores(clinical: pd.DataFrame | None, scan_dates: pd.Series, findings: Findings) -> pd.Series:
    """Expert's score of the gated scan made on the day of the PET exam, by patient_id."""
    if clinical is None:
        return pd.Series(np.nan, index=scan_dates.index)
    known = clinical["patient_id"].isin(scan_dates.index)
    findings.always("clinical_cac", "rows", len(clinical))
    findings.always("clinical_cac", "rows_linked", known.sum())
    findings.add("clinical_cac", "patient_without_pet_exam", (~known).sum())
    findings.add("clinical_cac", "no_score", clinical["agatston"].isna().sum())
    same_day = known & (clinical["scan_date"] == clinical["patient_id"].map(scan_dates))
    findings.add("clinical_cac", "scan_of_another_day_ignored", (known & ~same_day).sum())
    return clinical[same_day].set_index("patient_id")["agatston"].reindex(scan_dates.index).astype(float)

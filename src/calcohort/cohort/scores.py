"""The scores of each patient's PET exam: stress CTAC first, else rest, and the gated scan of the same day."""

import numpy as np
import pandas as pd

from calcohort.cohort.flow import NO_PET, first_reason, steps
from calcohort.cohort.quality import NOTE, Findings
from calcohort.errors import InputError

STRESS, REST, GATED = "ctac_stress", "ctac_rest", "cac_gated"
FATES = (
    NO_PET,
    "scan_of_another_day",
    "no_score",
    "unknown_protocol",
    "second_scan_of_protocol",
    "patient_excluded",
)
PREFERENCES = {"cac_dl": (STRESS, REST), "cac_dl_rest_preferred": (REST, STRESS)}


def scan_fates(scores: pd.DataFrame, scan_dates: pd.Series, findings: Findings) -> pd.DataFrame:
    """Why each scan is not used.

    Parameters
    ----------
    scores : DataFrame
        patient_id, scan_date (a date, or whole days from the PET scan), protocol, agatston; accepted and
        series where the table has them.
    scan_dates : Series of Timestamp
        The PET exam of each patient, by patient_id.

    Returns
    -------
    DataFrame
        The rows of `scores` with patient (position in `scan_dates`, -1 for strangers) and fate: the first of
        ``FATES`` that holds, missing where the scan is used.
    """
    findings.always("scores", "rows", len(scores))
    patient = scan_dates.index.get_indexer(scores["patient_id"])
    findings.always("scores", "rows_linked", (patient >= 0).sum())
    findings.add("scores", "patient_without_pet_exam", (patient < 0).sum())
    rows = scores.assign(patient=patient).reset_index(drop=True)
    day = _day(rows, scan_dates)
    # A scan that was rejected may have lost its date with its header.
    other_day = (rows["patient"] >= 0) & ~np.isnan(day) & (day != 0)
    findings.add("scores", "scan_of_another_day_ignored", other_day.sum())
    usable = rows["agatston"].notna()
    if "accepted" in rows:
        usable &= rows["accepted"].astype(bool)
    rows["fate"] = first_reason(
        {
            NO_PET: rows["patient"] < 0,
            "scan_of_another_day": other_day,
            "no_score": ~usable,
            "unknown_protocol": ~rows["protocol"].isin([STRESS, REST, GATED]),
        }
    )
    keys = ["patient", "protocol", *(["series"] if "series" in rows else [])]
    good = rows[rows["fate"].isna()].sort_values(keys, kind="stable")
    twice = good.index[good.duplicated(["patient", "protocol"])]
    rows.loc[twice, "fate"] = "second_scan_of_protocol"
    findings.add("scores", "several_scans_of_one_protocol_first_kept", len(twice), NOTE)
    return rows


def patient_scores(fates: pd.DataFrame, patients: pd.Index) -> pd.DataFrame:
    """One row for each patient with a PET exam.

    Parameters
    ----------
    fates : DataFrame
        From :func:`scan_fates`.
    patients : Index
        patient_id of those who had the exam, in the order of `scan_dates` there.

    Returns
    -------
    DataFrame
        cac_dl, cac_dl_rest_preferred, cac_dl_gated, cac_dl_protocol, and whether a CTAC of that day was seen
        (ctac_seen) and scored (ctac_scored).
    """
    wide = fates[fates["fate"].isna()].pivot(index="patient", columns="protocol", values="agatston")
    wide = wide.reindex(index=range(len(patients)), columns=[STRESS, REST, GATED]).astype(float)
    result = pd.DataFrame({name: wide[a].fillna(wide[b]) for name, (a, b) in PREFERENCES.items()})
    result["cac_dl_gated"] = wide[GATED]
    chosen = np.where(wide[STRESS].notna(), STRESS, REST)
    result["cac_dl_protocol"] = pd.Series(chosen, dtype="string[python]").where(result["cac_dl"].notna())
    elsewhere = fates["fate"].isin([NO_PET, "scan_of_another_day"])
    seen = fates.loc[fates["protocol"].isin([STRESS, REST]) & ~elsewhere, "patient"]
    result["ctac_seen"] = np.isin(np.arange(len(patients)), seen)
    result["ctac_scored"] = result["cac_dl"].notna()
    return result.set_axis(patients)


def scan_flow(fates: pd.DataFrame, reasons: pd.Series) -> pd.DataFrame:
    """cohort/scan_flow.csv: every scan from the scores table to the analysis.

    Parameters
    ----------
    reasons : Series
        Why each patient with a PET exam is excluded, missing for who is analysed.
    """
    excluded = reasons.notna().to_numpy()
    used = fates["fate"].isna()
    lost = used & excluded[fates["patient"].where(used, 0)] if len(excluded) else used
    counts = fates["fate"].mask(lost, "patient_excluded").value_counts()
    return steps(counts.to_dict(), FATES, len(fates))


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
    linked = (rows["patient"] >= 0).to_numpy()
    days = np.full(len(rows), np.nan)
    exams = scan_dates.to_numpy()[rows.loc[linked, "patient"]]
    days[linked] = (given[linked].to_numpy() - exams) / np.timedelta64(1, "D")
    return days


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

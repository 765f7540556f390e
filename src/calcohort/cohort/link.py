"""Registries onto the patients with a PET exam, as days from the scan; every conflict settled and counted."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from calcohort.cohort.quality import NOTE, Findings
from calcohort.cohort.settings import CohortSettings
from calcohort.errors import InputError

WITH_SEX = ("pet", "clinical_cac", "deaths", "events", "followup")
DATES = {"deaths": "death_date", "events": "event_date", "followup": "last_contact_date"}


@dataclass(frozen=True)
class Linked:
    """Patients with a PET exam and what happened to them.

    Attributes
    ----------
    patients : DataFrame
        Index patient_id, sorted: scan_date, mfr, sds, the columns of patients, death_day and last_contact_day
        (days from the scan, missing where unknown), end_day (the end of follow-up).
    events : DataFrame
        patient (position in `patients`), event, day; no event after death, none twice.
    without_pet : Index
        Patients of the registry without the exam.
    has_events, has_followup : bool
        Whether these sources exist at all.
    """

    patients: pd.DataFrame
    events: pd.DataFrame
    without_pet: pd.Index
    has_events: bool
    has_followup: bool


def link(registries: dict[str, pd.DataFrame], settings: CohortSettings, findings: Findings) -> Linked:
    """Link every source to the first PET exam of each patient.

    Rules, unless ``settings.conflicts`` says otherwise: the first exam counts; of several death dates the one
    of the most trusted source counts, within a source the earliest; events after death and dates after the
    registries' export are dropped; patients is right about the sex.
    """
    if "patients" not in registries:
        raise InputError("the source is missing", where="registries.patients", cure="add it to the config")
    people = registries["patients"].set_index("patient_id")
    exams = _first_exams(registries["pet"], settings, findings)
    findings.add("pet", "patient_not_in_patients", (~exams.index.isin(people.index)).sum())
    table = exams.join(people.drop(columns=["source_rank"], errors="ignore"))
    without_pet = people.index.difference(exams.index)
    findings.add("patients", "no_pet_exam", len(without_pet), NOTE)
    table["end_day"] = (settings.end_of_followup - table["scan_date"]).dt.days
    findings.add("pet", "scan_not_before_end_of_followup", (table["end_day"] <= 0).sum())
    differing = [_sex_differs(registries, name, people, settings, findings) for name in WITH_SEX]
    if settings.conflicts["sex_differs"] == "unknown":
        table["sex"] = table["sex"].mask(table.index.isin(np.concatenate(differing)))
    days = {name: _days(registries, name, table, without_pet, settings, findings) for name in DATES}
    table["death_day"] = _death_days(days["deaths"], len(table), settings, findings)
    before = (table["death_day"] <= 0).sum()
    findings.settle("deaths", "death_before_scan", before, settings.conflicts["death_before_scan"])
    table["last_contact_day"] = _latest(days["followup"], len(table))
    after = table["last_contact_day"] > table["death_day"]
    findings.add("followup", "contact_after_death", after.sum())
    events = _clean_events(days["events"], table["death_day"].to_numpy(), settings, findings)
    return Linked(table, events, without_pet, "events" in registries, "followup" in registries)


def _first_exams(pet: pd.DataFrame, settings: CohortSettings, findings: Findings) -> pd.DataFrame:
    columns = [column for column in ("mfr", "sds") if column in pet]
    ordered = pet.sort_values(["patient_id", "scan_date"], kind="stable")
    later = ordered.duplicated("patient_id")
    same_day = ordered.duplicated(["patient_id", "scan_date"])
    again = ordered.loc[later & ~same_day, "patient_id"].nunique()
    findings.settle("pet", "second_pet_exam", again, settings.conflicts["second_pet_exam"], NOTE)
    findings.add("pet", "exam_twice_on_one_day_first_row_kept", same_day.sum())
    first = ordered[~later].set_index("patient_id")
    return first[["scan_date", *columns]].reindex(columns=["scan_date", "mfr", "sds"])


def _sex_differs(registries, name, people, settings, findings) -> np.ndarray:
    """Patients whose sex is another one in source `name`."""
    if "sex" not in registries.get(name, ()):
        return np.array([], dtype=object)
    source = registries[name]
    differs = (source["patient_id"].map(people["sex"]) != source["sex"]).fillna(False)
    differing = source.loc[differs, "patient_id"].unique()
    findings.settle(name, "sex_differs", len(differing), settings.conflicts["sex_differs"])
    return np.asarray(differing, dtype=object)


def _days(registries, name, table, without_pet, settings, findings) -> pd.DataFrame:
    """Rows of one source that belong to the cohort: patient (position), day, and the source's own columns."""
    date = DATES[name]
    if name not in registries:
        columns = {"patient": "int64", "day": "int64", "event": "object", "source_rank": "int64"}
        return pd.DataFrame(columns=list(columns)).astype(columns)
    rows = registries[name]
    findings.always(name, "rows", len(rows))
    patient = table.index.get_indexer(rows["patient_id"])
    known = (patient >= 0) | rows["patient_id"].isin(without_pet).to_numpy()
    findings.always(name, "rows_linked", known.sum())
    findings.add(name, "patient_unknown", (~known).sum())
    findings.add(name, "no_date", rows[date].isna().sum())
    future = (rows[date] > settings.latest_possible_date).to_numpy()
    findings.settle(name, "future_date", future.sum(), settings.conflicts["future_date"])
    rows = rows.assign(patient=patient)[(patient >= 0) & rows[date].notna().to_numpy() & ~future]
    scan = table["scan_date"].to_numpy()[rows["patient"]]
    day = (rows[date].to_numpy() - scan) // np.timedelta64(1, "D")
    return rows.assign(day=day.astype("int64"), source_rank=rows.get("source_rank", 0)).reset_index(drop=True)


def _death_days(rows: pd.DataFrame, n: int, settings: CohortSettings, findings: Findings) -> np.ndarray:
    choice = settings.conflicts["two_death_dates"]
    several = rows.groupby("patient")["day"].nunique() > 1
    findings.settle("deaths", "two_death_dates", several.sum(), choice)
    keys = ["patient", "source_rank", "day"] if choice == "most_trusted" else ["patient", "day"]
    ordered = rows.sort_values(keys, kind="stable")
    chosen = ordered.drop_duplicates("patient", keep="last" if choice == "latest" else "first")
    days = np.full(n, np.nan)
    days[chosen["patient"]] = chosen["day"]
    return days


def _latest(rows: pd.DataFrame, n: int) -> np.ndarray:
    days = np.full(n, -np.inf)
    np.maximum.at(days, rows["patient"].to_numpy(), rows["day"].to_numpy(float))
    return np.where(np.isneginf(days), np.nan, days)


def _clean_events(rows, death_day: np.ndarray, settings: CohortSettings, findings: Findings) -> pd.DataFrame:
    rows = rows[["patient", "event", "day"]]
    twice = rows.duplicated()
    findings.add("events", "same_event_twice_counted_once", twice.sum(), NOTE)
    rows = rows[~twice]
    after_death = rows["day"].to_numpy() > death_day[rows["patient"]]
    findings.settle("events", "event_after_death", after_death.sum(), settings.conflicts["event_after_death"])
    return rows[~after_death].reset_index(drop=True)

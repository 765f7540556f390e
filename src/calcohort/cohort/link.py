"""Registries onto the patients with a PET exam, as days from the scan; every conflict settled and counted."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from calcohort.cohort.quality import NOTE, Findings
from calcohort.cohort.settings import CohortSettings
from calcohort.errors import InputError

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

    Rules: the first exam counts; of several death dates the one of the most trusted source counts, within a
    source the earliest; events after death and dates after the registries' export are dropped; patients is
    right about the sex.
    """
    if "patients" not in registries:
        raise InputError("the source is missing", where="registries.patients", cure="add it to the config")
    people = registries["patients"].set_index("patient_id")
    exams = _first_exams(registries["pet"], findings)
    findings.add("pet", "patient_not_in_patients", (~exams.index.isin(people.index)).sum())
    table = exams.join(people.drop(columns=["source_rank"], errors="ignore"))
    without_pet = people.index.difference(exams.index)
    findings.add("patients", "no_pet_exam", len(without_pet), NOTE)
    table["end_day"] = (settings.end_of_followup - table["scan_date"]).dt.days
    findings.add("pet", "scan_not_before_end_of_followup", (table["end_day"] <= 0).sum())
    for name in ("pet", "clinical_cac", "deaths", "events", "followup"):
        if name in registries:
            _compare_sex(registries[name], name, people, findings)
    days = {name: _days(registries, name, table, without_pet, settings, findings) for name in DATES}
    table["death_day"] = _death_days(days["deaths"], len(table), findings)
    table["last_contact_day"] = _latest(days["followup"], len(table))
    after = table["last_contact_day"] > table["death_day"]
    findings.add("followup", "contact_after_death", after.sum())
    events = _clean_events(days["events"], table["death_day"].to_numpy(), findings)
    return Linked(table, events, without_pet, "events" in registries, "followup" in registries)


def _first_exams(pet: pd.DataFrame, findings: Findings) -> pd.DataFrame:
    columns = [column for column in ("mfr", "sds") if column in pet]
    ordered = pet.sort_values(["patient_id", "scan_date"], kind="stable")
    later = ordered.duplicated("patient_id")
    same_day = ordered.duplicated(["patient_id", "scan_date"])
    findings.add("pet", "later_pet_exam_ignored", (later & ~same_day).sum(), NOTE)
    findings.add("pet", "exam_twice_on_one_day_first_row_kept", same_day.sum())
    first = ordered[~later].set_index("patient_id")
    return first[["scan_date", *columns]].reindex(columns=["scan_date", "mfr", "sds"])


def _compare_sex(source: pd.DataFrame, name: str, people: pd.DataFrame, findings: Findings) -> None:
    if "sex" not in source:
        return
    known = source["patient_id"].map(people["sex"])
    differs = (known != source["sex"]).fillna(False)
    findings.add(name, "sex_differs_from_patients", source.loc[differs, "patient_id"].nunique())


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
    findings.add(name, "date_in_the_future_ignored", future.sum())
    rows = rows.assign(patient=patient)[(patient >= 0) & rows[date].notna().to_numpy() & ~future]
    scan = table["scan_date"].to_numpy()[rows["patient"]]
    day = (rows[date].to_numpy() - scan) // np.timedelta64(1, "D")
    return rows.assign(day=day.astype("int64"), source_rank=rows.get("source_rank", 0)).reset_index(drop=True)


def _death_days(rows: pd.DataFrame, n: int, findings: Findings) -> np.ndarray:
    distinct = rows.drop_duplicates(["patient", "source_rank", "day"])
    within = distinct.duplicated(["patient", "source_rank"])
    findings.add(
        "deaths", "dates_differ_within_a_source_earliest_kept", distinct[within]["patient"].nunique()
    )
    first = rows.sort_values(["patient", "source_rank", "day"], kind="stable")
    per_source = first.drop_duplicates(["patient", "source_rank"])
    between = per_source.groupby("patient")["day"].nunique() > 1
    findings.add("deaths", "dates_differ_between_sources_most_trusted_kept", between.sum())
    chosen = per_source.drop_duplicates("patient")
    days = np.full(n, np.nan)
    days[chosen["patient"]] = chosen["day"]
    return days


def _latest(rows: pd.DataFrame, n: int) -> np.ndarray:
    days = np.full(n, -np.inf)
    np.maximum.at(days, rows["patient"].to_numpy(), rows["day"].to_numpy(float))
    return np.where(np.isneginf(days), np.nan, days)


def _clean_events(rows: pd.DataFrame, death_day: np.ndarray, findings: Findings) -> pd.DataFrame:
    rows = rows[["patient", "event", "day"]]
    twice = rows.duplicated()
    findings.add("events", "same_event_twice_counted_once", twice.sum(), NOTE)
    rows = rows[~twice]
    after_death = rows["day"].to_numpy() > death_day[rows["patient"]]
    findings.add("events", "event_after_death_ignored", after_death.sum())
    return rows[~after_death].reset_index(drop=True)

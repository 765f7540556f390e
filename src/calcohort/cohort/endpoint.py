"""The endpoint of the study and its sensitivity definitions, on days from the scan.

MACE is the first of death from any cause, late revascularization, admission for unstable angina and
myocardial infarction (Pieszko et al. 2023, Methods). Day 0 is the scan. What happened on day 0 itself cannot
be told from what led to the scan: it is neither an outcome nor history, except that a revascularization on
day 0 is early.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from calcohort.cohort.flow import first_reason
from calcohort.cohort.link import Linked
from calcohort.cohort.settings import EVENT_TYPES, CohortSettings

REVASCULARIZATION = ("pci", "cabg")
PRIMARY = "mace"


@dataclass(frozen=True)
class Definition:
    """One endpoint: which event types count, who is censored when, from which day, and who is in."""

    name: str
    censoring: str
    types: tuple[str, ...] = EVENT_TYPES
    landmark: int = 0
    excludes_early_revascularization: bool = True


def definitions(settings: CohortSettings) -> tuple[Definition, ...]:
    """The primary endpoint ``mace`` and the sensitivity endpoints that the settings name, in their order."""
    rule = settings.censoring
    no_revascularization = tuple(t for t in EVENT_TYPES if t != "late_revascularization")
    known = {
        "mace_other_censoring": Definition("mace_other_censoring", settings.other_censoring),
        "mace_landmark": Definition("mace_landmark", rule, landmark=settings.late_revascularization_days),
        "mace_with_early_revascularization": Definition(
            "mace_with_early_revascularization", rule, excludes_early_revascularization=False
        ),
        "mace_without_revascularization": Definition(
            "mace_without_revascularization", rule, types=no_revascularization
        ),
        "hard_events": Definition("hard_events", rule, types=("death", "myocardial_infarction")),
    }
    return (Definition(PRIMARY, rule), *(known[name] for name in settings.sensitivity))


def observation_end(linked: Linked, censoring: str) -> np.ndarray:
    """Last observed day of each patient (days from the scan); missing where nobody saw the patient again.

    ``registry_end``: the end of follow-up, for everybody. ``last_contact``: the last contact or hospital
    event, at most the end of follow-up; deaths do not prolong it, or the dead would be watched longer than
    the living.
    """
    end = linked.patients["end_day"].to_numpy(float)
    if censoring == "registry_end":
        return end
    seen = np.fmax(linked.patients["last_contact_day"].to_numpy(float), _last_event(linked))
    return np.minimum(seen, end)


def _last_event(linked: Linked) -> np.ndarray:
    last = np.full(len(linked.patients), -np.inf)
    np.maximum.at(last, linked.events["patient"].to_numpy(int), linked.events["day"].to_numpy(float))
    return np.where(np.isneginf(last), np.nan, last)


def is_early_revascularization(events: pd.DataFrame, settings: CohortSettings) -> pd.Series:
    """Which rows of events are a PCI or CABG on days 0 to 90."""
    return events["event"].isin(REVASCULARIZATION) & events["day"].between(
        0, settings.late_revascularization_days
    )


def exclusions(
    linked: Linked, ctac: pd.DataFrame, settings: CohortSettings, definition: Definition
) -> pd.Series:
    """Reason why each patient is not in this endpoint's cohort; missing for those who are.

    Parameters
    ----------
    ctac : DataFrame
        One row a patient, in the order of ``linked.patients``: ctac_seen and ctac_scored (bool).
    """
    patients = linked.patients
    early = linked.events.loc[is_early_revascularization(linked.events, settings), "patient"]
    has_early = pd.Series(np.isin(np.arange(len(patients)), early), index=patients.index)
    return first_reason(
        {
            "death_before_scan": patients["death_day"] <= 0,
            "missing_followup": ~_is_followed(linked, definition.censoring),
            "early_revascularization": has_early & definition.excludes_early_revascularization,
            "missing_ctac": ~ctac["ctac_seen"],
            "corrupt_ctac": ~ctac["ctac_scored"],
        }
    )


def _is_followed(linked: Linked, censoring: str) -> pd.Series:
    """Whether anything is known after the scan day, and any of it lies inside the observed time."""
    patients = linked.patients
    observed = pd.Series(observation_end(linked, censoring) > 0, index=patients.index)
    if not linked.has_followup:
        return observed
    known = np.fmax(patients["last_contact_day"].to_numpy(float), _last_event(linked))
    known = np.fmax(known, patients["death_day"].to_numpy(float))
    return observed & (known > 0)


def outcomes(linked: Linked, settings: CohortSettings) -> pd.DataFrame:
    """Every event that could be an outcome: patient (position), day > 0, type.

    Revascularizations count from the day after the early ones.
    """
    death_day = linked.patients["death_day"].to_numpy(float)
    died = np.flatnonzero(~np.isnan(death_day))
    kinds = linked.events["event"].to_numpy(object)
    kinds = np.where(np.isin(kinds, REVASCULARIZATION), "late_revascularization", kinds)
    every = pd.DataFrame(
        {
            "patient": np.concatenate([died, linked.events["patient"].to_numpy("int64")]),
            "day": np.concatenate([death_day[died].astype("int64"), linked.events["day"].to_numpy("int64")]),
            "type": np.concatenate([np.full(len(died), "death", dtype=object), kinds]),
        }
    )
    every = every[every["type"].isin(EVENT_TYPES)]
    first_day = np.where(
        every["type"] == "late_revascularization", settings.late_revascularization_days + 1, 1
    )
    return every[every["day"] >= first_day]


def derive(
    linked: Linked, excluded: pd.Series, settings: CohortSettings, definition: Definition
) -> pd.DataFrame:
    """One endpoint for every patient with a PET exam.

    Parameters
    ----------
    excluded : Series
        From :func:`exclusions`, for the same definition.

    Returns
    -------
    DataFrame
        Index as ``linked.patients``: endpoint, included (0/1), followup_days, event (0/1), event_type; the
        last three are missing for patients who are not included.
    """
    end = pd.Series(observation_end(linked, definition.censoring), index=linked.patients.index)
    events = outcomes(linked, settings)
    events = events[events["type"].isin(definition.types)]
    events = events[events["day"].to_numpy() <= end.to_numpy()[events["patient"]]]
    rank = events["type"].map({kind: i for i, kind in enumerate(settings.same_day_event_order)})
    events = events.assign(rank=rank).sort_values(["patient", "day", "rank"], kind="stable")
    first = events.drop_duplicates("patient").set_index("patient").reindex(range(len(end)))
    first.index = end.index
    time = first["day"].fillna(end)
    included = excluded.isna() & (time > definition.landmark)
    result = pd.DataFrame(
        {
            "endpoint": definition.name,
            "included": included.astype("int64"),
            "followup_days": (time - definition.landmark).where(included).astype("Int64"),
            "event": first["day"].notna().astype("Int64").where(included),
            "event_type": first["type"].where(included).astype("string[python]"),
        }
    )
    return result

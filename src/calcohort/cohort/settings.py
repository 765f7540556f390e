"""The choices that define a cohort, checked once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from calcohort.errors import InputError

# Nothing here may ask for today's date: the same inputs must give the same cohort in any year.
IMPOSSIBLE_AFTER_YEARS = 10
CENSORING = ("registry_end", "last_contact")
EVENT_TYPES = ("death", "myocardial_infarction", "unstable_angina", "late_revascularization")
SENSITIVITY = (
    "mace_other_censoring",
    "mace_landmark",
    "mace_with_early_revascularization",
    "mace_without_revascularization",
    "hard_events",
)
# How each conflict between or within the sources is settled: the first choice is the default.
STOP = "stop"
CONFLICTS = {
    "two_death_dates": ("most_trusted", "earliest", "latest", STOP),
    "event_after_death": ("ignore", STOP),
    "death_before_scan": ("exclude", STOP),
    "future_date": ("ignore", STOP),
    "sex_differs": ("patients", "unknown", STOP),
    "event_on_scan_day": ("ignore", STOP),
    "same_day_events": ("order", STOP),
    "second_pet_exam": ("first", STOP),
}


@dataclass(frozen=True)
class CohortSettings:
    """How outcomes are derived.

    Attributes
    ----------
    end_of_followup : Timestamp
        Last day on which an event counts.
    censoring : str
        ``registry_end`` or ``last_contact``; the other one is the endpoint ``mace_other_censoring``.
    late_revascularization_days : int
        PCI or CABG from day 0 to this day excludes; later ones are MACE. Also the day of the landmark.
    same_day_event_order : tuple of str
        Which type a first event has when several fall on one day.
    sensitivity : tuple of str
        Endpoints beside ``mace``, of ``SENSITIVITY``.
    registry_date : Timestamp or None
        When the registries were exported; a later date in them is a typing error. None: ten years after the
        end of follow-up.
    conflicts : mapping of str to str
        How each conflict of ``CONFLICTS`` is settled.
    private : bool
        Ages of 90 and over become one group, 90.
    """

    end_of_followup: pd.Timestamp
    censoring: str = "registry_end"
    late_revascularization_days: int = 90
    same_day_event_order: tuple[str, ...] = EVENT_TYPES
    sensitivity: tuple[str, ...] = SENSITIVITY
    registry_date: pd.Timestamp | None = None
    conflicts: Mapping[str, str] = field(default_factory=lambda: _conflicts({}))
    private: bool = False

    @classmethod
    def from_config(cls, cohort: Mapping, *, private: bool = False) -> "CohortSettings":
        """Settings of the config's section ``cohort``; raises InputError for a value that is none."""
        values = dict(cohort)
        unknown = sorted(values.keys() - cls.__dataclass_fields__.keys() - {"private"})
        if unknown:
            raise InputError("no such key", where=f"cohort.{unknown[0]}", cure="take it out")
        values["end_of_followup"] = _day(values.get("end_of_followup", "2020-12-31"), "end_of_followup")
        if values.get("registry_date") is not None:
            values["registry_date"] = _day(values["registry_date"], "registry_date")
        order = tuple(values.get("same_day_event_order", EVENT_TYPES))
        if sorted(order) != sorted(EVENT_TYPES):
            cure = f"name each of {', '.join(EVENT_TYPES)} once"
            raise InputError(
                "not an order of the event types", where="cohort.same_day_event_order", cure=cure
            )
        _one_of(values.get("censoring", "registry_end"), CENSORING, "censoring")
        for name in values.get("sensitivity", ()):
            _one_of(name, SENSITIVITY, "sensitivity")
        values["conflicts"] = _conflicts(values.get("conflicts", {}))
        values["same_day_event_order"] = order
        values["sensitivity"] = tuple(values.get("sensitivity", SENSITIVITY))
        return cls(**values | {"private": private})

    @property
    def other_censoring(self) -> str:
        """The censoring rule that was not chosen."""
        return CENSORING[1 - CENSORING.index(self.censoring)]

    @property
    def latest_possible_date(self) -> pd.Timestamp:
        """A date after this one is a typing error."""
        if self.registry_date is not None:
            return self.registry_date
        return self.end_of_followup + pd.DateOffset(years=IMPOSSIBLE_AFTER_YEARS)


def _day(value, key: str) -> pd.Timestamp:
    try:
        return pd.Timestamp(str(value)).normalize()
    except ValueError:
        raise InputError("not a date", where=f"cohort.{key}", cure="write it as YYYY-MM-DD") from None


def _conflicts(given: Mapping) -> dict[str, str]:
    for name, choice in given.items():
        _one_of(name, tuple(CONFLICTS), "conflicts")
        _one_of(choice, CONFLICTS[name], f"conflicts.{name}")
    return {name: given.get(name, choices[0]) for name, choices in CONFLICTS.items()}


def _one_of(value, allowed: tuple[str, ...], key: str) -> None:
    if value not in allowed:
        raise InputError("no such choice", where=f"cohort.{key}", cure=f"use one of {', '.join(allowed)}")

"""Scans to patients: by identifier and date, one series for each patient and protocol."""

from collections.abc import Mapping, Sequence

import pandas as pd

from calcohort.errors import InputError
from calcohort.imaging import overrides as decisions
from calcohort.imaging.choice import DEFAULT_CHOICE, best
from calcohort.imaging.protocol import DEFAULT_RULES, UNKNOWN, matching_rule, rule_words

SCAN_COLUMNS = [
    "patient_id",
    "series",
    "protocol",
    "rule",
    "scan_date",
    "chosen",
    "primary",
    "reason",
    "choice",
    "warnings",
]
_CTAC = ("ctac_stress", "ctac_rest")


def link_scans(
    series: pd.DataFrame,
    pet: pd.DataFrame,
    protocols: Sequence[Mapping] = DEFAULT_RULES,
    choice: Sequence[Mapping] = DEFAULT_CHOICE,
    overrides: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Link series to PET studies and choose one series for each patient, day and protocol.

    Parameters
    ----------
    series : DataFrame
        `FolderIndex.series`: series, accepted, reason, warnings, patient_id, study_date and facts; where a
        table names the protocol of a volume, `protocol_given`.
    pet : DataFrame
        One row per PET study: patient_id, scan_date (text ``YYYY-MM-DD`` or dates).
    protocols, choice : sequence of mapping
        Rules of :mod:`calcohort.imaging.protocol`; the table of :mod:`calcohort.imaging.choice`.
    overrides : DataFrame, optional
        From :func:`calcohort.imaging.user_tables.read_overrides`; its rows go before rules and choice.

    Returns
    -------
    DataFrame
        One row per series in the order of patient, protocol and key: patient_id, series, protocol, `rule`
        (what named the protocol), scan_date, `chosen` (the one of its patient and protocol), `primary`
        (chosen, a rest CTAC only where there is no stress CTAC), `reason` (code of why not chosen), `choice`
        (what decided, in words), `warnings`.
    """
    scans = series.copy().reset_index(drop=True)
    scans["scan_date"] = _dates(scans["study_date"])
    scans["reason"] = scans["reason"].astype(object).where(scans["reason"].notna(), None)
    scans["chosen"], scans["choice"], scans["wanted"] = False, "", False
    _name_protocols(scans, protocols)
    if overrides is not None:
        decisions.apply(scans, overrides)
    scans.loc[scans["reason"].isna() & ~_linked(scans, pet), "reason"] = "unlinked"
    eligible = scans["reason"].isna() & (scans["protocol"] != UNKNOWN)
    for _, group in scans[eligible].groupby(["patient_id", "scan_date", "protocol"], sort=True):
        _choose(scans, group, choice)
    decisions.tell_unmet(scans)
    scans["primary"] = _primary(scans)
    scans = scans[SCAN_COLUMNS].sort_values(["patient_id", "protocol", "series"], na_position="last")
    return scans.reset_index(drop=True)


def rejected_scans(choices: pd.DataFrame, series: pd.DataFrame, pet: pd.DataFrame) -> pd.DataFrame:
    """Series of a PET study's patient and day that headers or an override rule out: each needs its reason.

    Parameters
    ----------
    choices : DataFrame
        From :func:`link_scans`.
    series, pet : DataFrame
        As given to it.

    Returns
    -------
    DataFrame
        patient_id, series, protocol, scan_date, reason; where no series was chosen for the protocol.
    """
    linked = choices[_linked(choices, pet) & (choices["protocol"] != UNKNOWN)]
    own = series.loc[~series["accepted"].astype(bool), "series"]
    refused = linked[linked["series"].isin(own) | (linked["reason"] == decisions.EXCLUDED)]
    served = set(map(tuple, linked.loc[linked["chosen"], ["patient_id", "protocol"]].to_numpy()))
    alone = [pair not in served for pair in zip(refused["patient_id"], refused["protocol"], strict=True)]
    return refused.loc[alone, ["patient_id", "series", "protocol", "scan_date", "reason"]]


def _dates(values: pd.Series) -> pd.Series:
    def iso(value):
        if value is None or value != value:
            return None
        return value[:10] if isinstance(value, str) else pd.Timestamp(value).strftime("%Y-%m-%d")

    return values.map(iso).astype(object)


def _linked(scans: pd.DataFrame, pet: pd.DataFrame) -> pd.Series:
    for column in ("patient_id", "scan_date"):
        if column not in pet:
            raise InputError(f"no column {column}", where="registries.pet", cure="name it under columns")
    known = set(zip(pet["patient_id"].astype(str), _dates(pet["scan_date"]), strict=True))
    pairs = zip(scans["patient_id"], scans["scan_date"], strict=True)
    hits = [
        patient is not None and day is not None and (str(patient), day) in known for patient, day in pairs
    ]
    return pd.Series(hits, index=scans.index, dtype=bool)


def _name_protocols(scans: pd.DataFrame, rules: Sequence[Mapping]) -> None:
    number = matching_rule(scans, rules)
    scans["protocol"] = [rules[n]["protocol"] if n >= 0 else UNKNOWN for n in number]
    scans["rule"] = [rule_words(rules, n) for n in number]
    if "protocol_given" in scans:
        given = scans["protocol_given"].notna()
        scans.loc[given, "protocol"] = scans.loc[given, "protocol_given"]
        scans.loc[given, "rule"] = "imaging.volumes"


def _choose(scans: pd.DataFrame, group: pd.DataFrame, choice: Sequence[Mapping]) -> None:
    if group["wanted"].any():
        winner, decided = decisions.wanted(group)
    else:
        winner, decided = best(group, choice)
    others = group.index.difference([winner])
    scans.loc[winner, "chosen"] = True
    n = f"{len(group)} series" if len(group) > 1 else "only series"
    scans.loc[winner, "choice"] = f"{n}: {decided}" if decided else n
    scans.loc[others, "reason"] = "not_chosen"
    scans.loc[others, "choice"] = f"series {scans.loc[winner, 'series']} was chosen: {decided}"


def _primary(scans: pd.DataFrame) -> pd.Series:
    """Chosen scans, without the rest CTAC of who has a stress CTAC of the same day."""
    chosen = scans[scans["chosen"]]
    stress = chosen[chosen["protocol"] == "ctac_stress"]
    with_stress = set(zip(stress["patient_id"], stress["scan_date"], strict=True))
    pairs = list(zip(scans["patient_id"], scans["scan_date"], strict=True))
    spare = (scans["protocol"] == _CTAC[1]) & pd.Series([p in with_stress for p in pairs], index=scans.index)
    return scans["chosen"] & ~spare

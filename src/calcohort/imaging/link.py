"""Scans to patients: by identifier and date, one series for each patient and protocol."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from calcohort.errors import InputError
from calcohort.imaging.protocol import DEFAULT_RULES, UNKNOWN, classify

# Which series of one patient, day and protocol: the first line that tells them apart decides.
# avoid: regex that the better one does not match; nearest: smaller distance; prefer: most or least.
DEFAULT_CHOICE: tuple[dict, ...] = (
    {"column": "lossy", "prefer": "least"},
    {
        "column": "kernel",
        "avoid": r"lung|bone|edge|sharp|detail|^[BbHh]r?[5-9]\d|^[BbHhIi]\d*[5-9]\d[fs]|^FC5|^FC8",
    },
    {"column": "slice_thickness_mm", "nearest": 3.0},
    {"column": "extent_mm", "prefer": "most"},
    {"column": "n_slices", "prefer": "most"},
    {"column": "pixel_spacing_x_mm", "prefer": "least"},
)
SCAN_COLUMNS = [
    "patient_id",
    "series",
    "protocol",
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
    overrides: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Link series to PET studies and choose one series for each patient, day and protocol.

    Parameters
    ----------
    series : DataFrame
        `FolderIndex.series`: series, accepted, reason, warnings, patient_id, study_date and facts.
    pet : DataFrame
        One row per PET study: patient_id, scan_date (text ``YYYY-MM-DD`` or dates).
    protocols, choice : sequence of mapping
        Rules of :mod:`calcohort.imaging.protocol`; the table that decides between series.
    overrides : mapping of series key to protocol, optional
        Explicit entries of the config; they win over the rules.

    Returns
    -------
    DataFrame
        One row per series in the order of patient, protocol and key: patient_id, series, protocol,
        scan_date, `chosen` (the one of its patient and protocol), `primary` (chosen, a rest CTAC only where
        there is no stress CTAC), `reason` (code of why not chosen), `choice` (what decided, in words),
        `warnings`.
    """
    scans = series.copy().reset_index(drop=True)
    scans["protocol"] = classify(scans, protocols)
    if overrides:
        scans["protocol"] = scans["series"].map(overrides).fillna(scans["protocol"])
    scans["scan_date"] = _dates(scans["study_date"])
    linked = _linked(scans, pet)
    scans["reason"] = scans["reason"].astype(object).where(scans["reason"].notna(), None)
    scans["chosen"], scans["choice"] = False, ""
    scans.loc[scans["reason"].isna() & ~linked, "reason"] = "unlinked"
    scans.loc[scans["reason"].isna() & (scans["protocol"] == UNKNOWN), "choice"] = "no rule matches its tags"
    eligible = scans["reason"].isna() & (scans["protocol"] != UNKNOWN)
    for _, group in scans[eligible].groupby(["patient_id", "scan_date", "protocol"], sort=True):
        _choose(scans, group, choice)
    scans["primary"] = _primary(scans)
    scans = scans[SCAN_COLUMNS].sort_values(["patient_id", "protocol", "series"], na_position="last")
    return scans.reset_index(drop=True)


def rejected_scans(choices: pd.DataFrame, series: pd.DataFrame, pet: pd.DataFrame) -> pd.DataFrame:
    """Series of a PET study's patient and day that their headers already rule out: each needs its reason.

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
    refused = linked[linked["series"].isin(own)]
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


def _choose(scans: pd.DataFrame, group: pd.DataFrame, choice: Sequence[Mapping]) -> None:
    left, decided = group, []
    for rule in choice:
        if len(left) == 1 or rule["column"] not in left:
            continue
        costs = left[rule["column"]].map(lambda value, rule=rule: _cost(value, rule))
        best = left[costs == costs.min()]
        if 0 < len(best) < len(left):
            decided.append(_words(rule))
        left = best if len(best) else left
    if len(left) > 1:
        decided.append("first by key")
    winner = left.sort_values("series").index[0]
    others = group.index.difference([winner])
    scans.loc[winner, "chosen"] = True
    n = f"{len(group)} series" if len(group) > 1 else "only series"
    scans.loc[winner, "choice"] = f"{n}: {', then '.join(decided)}" if decided else n
    scans.loc[others, "reason"] = "not_chosen"
    scans.loc[others, "choice"] = (
        f"series {scans.loc[winner, 'series']} was chosen: {', then '.join(decided)}"
    )


def _cost(value, rule: Mapping) -> float:
    """What the table charges a value: the smallest wins, missing is dearest."""
    if "avoid" in rule:
        return float(bool(re.search(rule["avoid"], str(value or ""), re.IGNORECASE)))
    if value is None or value != value:
        return np.inf
    if "nearest" in rule:
        return round(abs(float(value) - rule["nearest"]), 6)
    return float(value) if rule["prefer"] == "least" else -float(value)


def _words(rule: Mapping) -> str:
    if "avoid" in rule:
        return f"{rule['column']} without sharpening"
    if "nearest" in rule:
        return f"{rule['column']} nearest to {rule['nearest']:g}"
    return f"{rule['prefer']} {rule['column']}"


def _primary(scans: pd.DataFrame) -> pd.Series:
    """Chosen scans, without the rest CTAC of who has a stress CTAC of the same day."""
    chosen = scans[scans["chosen"]]
    stress = chosen[chosen["protocol"] == "ctac_stress"]
    with_stress = set(zip(stress["patient_id"], stress["scan_date"], strict=True))
    pairs = list(zip(scans["patient_id"], scans["scan_date"], strict=True))
    spare = (scans["protocol"] == _CTAC[1]) & pd.Series([p in with_stress for p in pairs], index=scans.index)
    return scans["chosen"] & ~spare

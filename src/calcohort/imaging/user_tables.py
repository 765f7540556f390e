"""The tables that a study writes by hand: whose scan a volume file is, and which scans to take or leave."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from calcohort.errors import InputError
from calcohort.imaging.protocol import PROTOCOLS, UNKNOWN
from calcohort.imaging.volume_files import STATED
from calcohort.tables import refused_unless_csv

VOLUME_COLUMNS = ("file", "patient_id", "scan_date", "protocol")
OVERRIDE_COLUMNS = ("series", "patient_id", "protocol", "action", "reason")
ACTIONS = ("choose", "exclude")
_NUMBERS = ("kvp", "mas", "rotation_time_s", "slice_thickness_mm", "ctdi_vol_mgy", "dlp_mgy_cm")
# A spreadsheet shows the header as row 1.
_FIRST_ROW = 2


def read_volume_table(path: str | Path) -> pd.DataFrame:
    """Table of volume files: file, patient_id, scan_date (YYYY-MM-DD), protocol, and what else is stated.

    Raises
    ------
    InputError
        For the first field that is wrong, with its row.
    """
    key = "imaging.volumes"
    table = _read(path, key, VOLUME_COLUMNS)
    for column in VOLUME_COLUMNS:
        _refuse(table[column].isna(), key, f"{column} is empty", "fill it in")
    _refuse(table["file"].duplicated(), key, "names a file a second time", "keep one row for each file")
    days = pd.to_datetime(table["scan_date"], format="%Y-%m-%d", errors="coerce")
    _refuse(days.isna(), key, "scan_date is no date", "write it as YYYY-MM-DD")
    _check_protocol(table, key)
    for column in [name for name in _NUMBERS if name in table]:
        numbers = pd.to_numeric(table[column], errors="coerce")
        _refuse(
            numbers.isna() & table[column].notna(),
            key,
            f"{column} is no number",
            "write a number, or nothing",
        )
        table[column] = numbers
    return table[[*VOLUME_COLUMNS, *(name for name in STATED if name in table)]]


def read_overrides(path: str | Path) -> pd.DataFrame:
    """Table of decisions: series or patient_id, protocol (may be empty), action (choose or exclude), reason.

    Raises
    ------
    InputError
        For the first field that is wrong, with its row.
    """
    key = "imaging.overrides"
    table = _read(path, key, ("action", "reason"))
    for column in OVERRIDE_COLUMNS:
        if column not in table:
            table[column] = None
    named = table["series"].notna().astype(int) + table["patient_id"].notna().astype(int)
    _refuse(named != 1, key, "names no scan, or two", "fill in either series or patient_id")
    _refuse(~table["action"].isin(ACTIONS), key, "action is unknown", f"write {' or '.join(ACTIONS)}")
    _refuse(table["reason"].isna(), key, "reason is empty", "say why, in words that name nobody")
    _check_protocol(table, key)
    whole = (table["action"] == "choose") & table["series"].isna() & table["protocol"].isna()
    _refuse(whole, key, "does not say which scan of the patient", "add series, or the protocol to take")
    again = table.duplicated(["series", "patient_id", "protocol"])
    _refuse(again, key, "decides on the same scans a second time", "keep one of the rows")
    return table[list(OVERRIDE_COLUMNS)]


def _read(path: str | Path, key: str, needed: Sequence[str]) -> pd.DataFrame:
    try:
        with refused_unless_csv(f"{key}: {path}"):
            table = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig")
    except OSError:
        raise InputError("cannot be read", where=f"{key}: {path}", cure="mend the path") from None
    missing = [column for column in needed if column not in table]
    if missing:
        there = ", ".join(map(str, table.columns))
        cure = f"add it; the columns there are {there}"
        raise InputError(f"no column {missing[0]}", where=f"{key}: {path}", cure=cure)
    table = table.apply(lambda column: column.str.strip()).replace("", None)
    return table.set_axis(table.index + _FIRST_ROW)


def _refuse(wrong: pd.Series, key: str, what: str, cure: str) -> None:
    if wrong.any():
        raise InputError(what, where=f"{key} row {wrong.idxmax()}", cure=cure)


def _check_protocol(table: pd.DataFrame, key: str) -> None:
    allowed = (*PROTOCOLS, UNKNOWN) if key == "imaging.volumes" else PROTOCOLS
    wrong = table["protocol"].notna() & ~table["protocol"].isin(allowed)
    _refuse(wrong, key, "protocol is unknown", f"write one of {', '.join(allowed)}")

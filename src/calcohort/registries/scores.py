"""The scores table, of a run or of the `scores:` door."""

import re
from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from calcohort.errors import InputError
from calcohort.registries import cells, files
from calcohort.registries.schemas import NUMBER, TEXT, Violation

COLUMNS = {
    "patient_id": pa.Column(TEXT),
    "protocol": pa.Column(TEXT, metadata={"allowed": ("ctac_stress", "ctac_rest", "cac_gated", "unknown")}),
    "agatston": pa.Column(NUMBER),
}
OPTIONAL = {"series": pa.Column(TEXT), "reason": pa.Column(TEXT), "accepted": pa.Column("Int8")}
# A column of whole numbers in which some are missing is written with ".0" by many programs.
WHOLE_DAYS = r"-?\d{1,5}(\.0*)?"


def read_scores(path: str | Path, *, hide_path: bool = False) -> pd.DataFrame:
    """Read and check a scores table; with `hide_path` errors name the key of the config and not the file.

    Returns
    -------
    DataFrame
        patient_id, scan_date (Timestamp, or float days from the PET scan), protocol, agatston; series, reason
        and accepted (bool) where the table has them.

    Raises
    ------
    InputError
        File, rule and rows of the first thing that is wrong.
    """
    where = "scores" if hide_path else str(path)
    raw = files.load({"path": str(path)}, where)
    if not {"scan_date", *COLUMNS} & set(raw.columns):
        cure = "name the columns in row 1: patient_id, scan_date, protocol, agatston"
        raise InputError("none of the columns is there", where=where, cure=cure)
    there = files.names_there(raw)
    for column in ("scan_date", *COLUMNS):
        if column not in raw:
            raise InputError(f"no column {column}", where=where, cure=f"add it; {there}")
    table = pd.DataFrame(index=raw.index)
    rules = COLUMNS | {name: rule for name, rule in OPTIONAL.items() if name in raw}
    for column, rule in rules.items():
        parsed = cells.parse(raw[column], rule, recode=None, date_format=cells.ISO, decimal=".")
        _raise_first(parsed.violations, where)
        table[column] = parsed.values
    table["scan_date"] = _scan_dates(raw["scan_date"], where)
    if "accepted" in table:
        table["accepted"] = table["accepted"].fillna(0).astype(bool)
    _raise_first(_violations(table), where)
    return table.reset_index(drop=True)


def _scan_dates(raw: pd.Series, where: str) -> pd.Series:
    given = {cells.as_text(cell).strip() for cell in raw.dropna().unique()} - {""}
    in_days = bool(given) and all(re.fullmatch(WHOLE_DAYS, text) for text in given)
    rule = pa.Column(NUMBER if in_days else cells.DATE)
    parsed = cells.parse(raw, rule, recode=None, date_format=cells.ISO, decimal=".")
    _raise_first(parsed.violations, where)
    return parsed.values


def _violations(table: pd.DataFrame) -> list[Violation]:
    words = COLUMNS["protocol"].metadata["allowed"]
    # A scan that was rejected may lack anything, because its header may be what is broken.
    scored = table["agatston"].notna()
    rules = {
        "column patient_id is empty": (scored & table["patient_id"].isna(), "give every row its patient_id"),
        "column scan_date is empty": (scored & table["scan_date"].isna(), "fill in the date of each scan"),
        f"column protocol is not one of {', '.join(words)}": (
            (scored | table["protocol"].notna()) & ~table["protocol"].isin(words),
            "write these words",
        ),
        "column agatston is below 0": (
            table["agatston"] < 0,
            "leave the field empty where there is no score",
        ),
    }
    return [
        Violation(rule, tuple(table.index[broken]), cure)
        for rule, (broken, cure) in rules.items()
        if broken.any()
    ]


def _raise_first(violations: list[Violation], where: str) -> None:
    if violations:
        raise violations[0].as_error(where)

"""REDCap exports (raw codes): repeating instruments and checkbox groups become plain tables."""

import pandas as pd

from calcohort.errors import InputError

INSTRUMENT, INSTANCE, EVENT = "redcap_repeat_instrument", "redcap_repeat_instance", "redcap_event_name"
BOX = "___"
CHECKED = ("1", "1.0", "checked", "true")


def is_export(raw: pd.DataFrame) -> bool:
    """Whether a table has the columns that REDCap writes."""
    return bool({INSTRUMENT, EVENT} & set(raw.columns)) or any(BOX in str(name) for name in raw.columns)


def select(raw: pd.DataFrame, source: dict, where: str) -> pd.DataFrame:
    """Rows of one instrument and event of the study's calendar.

    Parameters
    ----------
    source : dict
        ``instrument``: a repeating instrument; without it the rows outside every repeating instrument.
        ``event_name``: an event of a longitudinal project; without it all of them.

    Raises
    ------
    InputError
        If the export has no such instrument or event.
    """
    if "instrument" in source or INSTRUMENT in raw:
        raw = raw[_matches(raw, INSTRUMENT, source.get("instrument", ""), "instrument", where)]
    if "event_name" in source:
        raw = raw[_matches(raw, EVENT, source["event_name"], "event_name", where)]
    return raw


def _matches(raw: pd.DataFrame, column: str, wanted: str, key: str, where: str) -> pd.Series:
    if column not in raw:
        cure = f"export it with {column}, or take `{key}` out"
        raise InputError(f"no column {column}", where=where, cure=cure)
    cells = raw[column].fillna("").astype(str).str.strip()
    if wanted and not (cells == wanted).any():
        there = ", ".join(sorted(set(cells) - {""})) or "none"
        raise InputError(f"no rows of {key} {wanted}", where=where, cure=f"those there are: {there}")
    return cells == wanted


def boxes(raw: pd.DataFrame, field: str) -> list[str]:
    """Columns of the checkbox group `field`: ``field___1``, ``field___2``, and so on."""
    return [name for name in raw.columns if str(name).startswith(field + BOX)]


def one_row_per_box(raw: pd.DataFrame, field: str) -> pd.DataFrame:
    """The checkbox group `field` as one column of codes: a row for each box that is checked.

    A row without any checked box stays once, with an empty cell. The index still holds the row numbers.
    """
    group = boxes(raw, field)
    checked = raw[group].apply(lambda column: column.astype(str).str.strip().str.casefold().isin(CHECKED))
    codes = [[name.split(BOX, 1)[1] for name in group if marks[name]] or [None] for marks in _rows(checked)]
    return raw.drop(columns=group).assign(**{field: pd.Series(codes, index=raw.index)}).explode(field)


def _rows(table: pd.DataFrame) -> list[dict]:
    return table.to_dict("records")

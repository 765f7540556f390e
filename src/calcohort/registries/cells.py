"""Cells of a registry into dates, numbers, flags and text, by the column's rule in the schemas.

What can be read in one way only is repaired and counted (blanks around a value, `Male` for `male`, `N/A`);
what can be read in two ways is a violation with its cure.
"""

import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from calcohort.registries.schemas import DATE, FLAG, NUMBER, Violation

MISSING = frozenset({"n/a", "na", "#n/a", "nan", "nat", "null", "none", "<na>", "missing", "."})
FLAGS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}
# YAML reads an unquoted yes or no as a truth value.
YAML_TRUTH = {True: ("yes", "Yes", "YES", "true", "True"), False: ("no", "No", "NO", "false", "False")}
ISO = "%Y-%m-%d"
EXCEL = "excel"
OTHER_FORMATS = (
    ISO, "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%Y%m%d", "%d-%b-%Y",
    "%d %b %Y", "%b %d, %Y", "%m/%d/%y", "%d.%m.%y",
)  # fmt: skip
EXCEL_DAY_0 = pd.Timestamp("1899-12-30")


@dataclass
class Parsed:
    """One column, what was wrong with it, and how many cells were repaired by which rule."""

    values: pd.Series
    violations: list[Violation] = field(default_factory=list)
    repairs: dict[str, int] = field(default_factory=dict)


def parse(raw: pd.Series, rule, *, recode: dict | None, date_format: str, decimal: str) -> Parsed:
    """Parse one raw column.

    Parameters
    ----------
    raw : Series
        Cells as they were read; the index holds the row numbers.
    rule : pandera Column
        Its dtype says what the cells must become, its metadata which words are allowed.
    recode : dict or None
        {theirs: ours}; a value of None makes the cell empty.
    date_format : str
        strptime format of date cells, or ``excel`` for serial days.
    decimal : str
        The decimal mark, ``.`` or ``,``.
    """
    kind = str(rule.dtype)
    if kind == DATE and pd.api.types.is_datetime64_any_dtype(raw) and not recode:
        return Parsed(_calendar_days(raw))
    if kind == NUMBER and pd.api.types.is_float_dtype(raw) and not recode:
        return Parsed(raw.astype(NUMBER))
    text = texts(raw)
    parsed = Parsed(text)
    text = _strip(text, parsed)
    text = _recode(text, recode) if recode else text
    text = _empty(text, parsed)
    if kind == DATE:
        _dates(raw, text, date_format, parsed)
    elif kind == NUMBER:
        _numbers(text, decimal, parsed)
    elif kind == FLAG:
        _flags(text, parsed)
    else:
        _words(text, (rule.metadata or {}).get("allowed"), parsed)
    return parsed


def texts(raw: pd.Series) -> pd.Series:
    """Cells as text, missing as None; whole numbers have no decimals, so that 12, 12.0 and "12" agree."""
    if pd.api.types.is_float_dtype(raw):
        cells = [None if np.isnan(v) else str(int(v)) if v.is_integer() else repr(v) for v in raw.tolist()]
    else:
        cells = [_text(value) for value in raw.tolist()]
    return pd.Series(cells, index=raw.index, dtype=object, name=raw.name)


def _text(value) -> str | None:
    if isinstance(value, str):
        return value
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _strip(text: pd.Series, parsed: Parsed) -> pd.Series:
    # Blanks of every kind: a no-break space comes with most copies from a web page.
    stripped = text.map(lambda cell: cell.strip() if isinstance(cell, str) else cell)
    changed = int(((stripped != text) & text.notna() & (stripped != "")).sum())
    if changed:
        parsed.repairs["blanks_removed"] = changed
    return stripped


def _recode(text: pd.Series, recode: dict) -> pd.Series:
    table = {}
    for theirs, ours in recode.items():
        target = None if ours is None else str(int(ours)) if isinstance(ours, bool) else str(ours)
        keys = YAML_TRUTH[theirs] if isinstance(theirs, bool) else (str(theirs).strip(),)
        table |= dict.fromkeys(keys, target)
    return text.map(lambda cell: table.get(cell, cell), na_action="ignore").astype(object)


def _empty(text: pd.Series, parsed: Parsed) -> pd.Series:
    # An identifier such as "NA" is refused later on as empty, rather than taken for a patient.
    words = text.map(lambda cell: isinstance(cell, str) and cell.casefold() in MISSING).astype(bool)
    if words.any():
        parsed.repairs["word_for_missing"] = int(words.sum())
    return text.where(~(words | text.isna() | (text == "")), None)


def _matches(text: pd.Series, pattern: str) -> pd.Series:
    match = re.compile(pattern).fullmatch
    return text.map(lambda cell: isinstance(cell, str) and match(cell) is not None).astype(bool)


def _rows(mask: pd.Series) -> tuple[int, ...]:
    return tuple(int(row) for row in mask.index[mask.to_numpy(bool)])


def _calendar_days(values: pd.Series) -> pd.Series:
    if getattr(values.dt, "tz", None) is not None:
        values = values.dt.tz_localize(None)
    return values.dt.normalize().astype(DATE)


def _dates(raw: pd.Series, text: pd.Series, date_format: str, parsed: Parsed) -> None:
    serial = _matches(text, r"[1-7]\d{4}")
    if date_format == EXCEL:
        days = pd.to_numeric(text.where(serial), errors="coerce")
        values = EXCEL_DAY_0 + pd.to_timedelta(days, unit="D")
        parsed.values = values.astype(DATE)
        _date_violations(text, text.notna() & values.isna(), "excel serial days", parsed)
        return
    # A database and a spreadsheet give midnight with the day.
    day = text.str.replace(r"[ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?$", "", regex=True)
    values = pd.to_datetime(day, format=date_format, errors="coerce")
    typed = raw.map(lambda cell: hasattr(cell, "year") and cell is not pd.NaT).astype(bool)
    if typed.any():
        values = values.where(~typed, pd.to_datetime(day.where(typed), format=ISO, errors="coerce"))
    parsed.values = values.astype(DATE)
    bad = day.notna() & values.isna()
    if (bad & serial).any():
        cure = "store the column as dates in the spreadsheet, or set date_format: excel"
        rule = f"column {raw.name} holds Excel serial days"
        parsed.violations.append(Violation(rule, _rows(bad & serial), cure))
        bad = bad & ~serial
    _date_violations(day, bad, date_format, parsed, raw.name)


def _date_violations(text: pd.Series, bad: pd.Series, date_format: str, parsed: Parsed, name=None) -> None:
    if not bad.any():
        return
    name = name or parsed.values.name
    fits = [f for f in OTHER_FORMATS if f != date_format and _fits(text[bad], f).all()]
    some = [f for f in OTHER_FORMATS if f != date_format and _fits(text[bad], f).any()]
    good = int((text.notna() & ~bad).sum())
    if not good and fits:
        rule, cure = f"column {name} is not in the date format {date_format}", f'set date_format: "{fits[0]}"'
        if len(fits) > 1:
            cure += f' (or "{fits[1]}", which fits too: only the source\'s owner knows)'
    elif some:
        rule = f"column {name} has two date formats: {date_format}, and others"
        cure = "write all dates of the column in one format"
    else:
        rule = f"column {name} is not a date in the format {date_format}"
        cure = "correct the dates, or set date_format"
    parsed.violations.append(Violation(rule, _rows(bad), cure))


def _fits(text: pd.Series, date_format: str) -> pd.Series:
    return pd.to_datetime(text, format=date_format, errors="coerce").notna()


def _numbers(text: pd.Series, decimal: str, parsed: Parsed) -> None:
    plain = text.str.replace(",", ".", regex=False) if decimal == "," else text
    good = _matches(plain, r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
    numbers = np.full(len(text), np.nan)
    # float() and not pandas' own parser: the last digit must be that of the typed formats.
    numbers[good.to_numpy()] = [float(cell) for cell in plain[good]]
    parsed.values = pd.Series(numbers, index=text.index, dtype=NUMBER)
    bad = text.notna() & ~good
    commas = bad & _matches(text, r"[+-]?\d+,\d+")
    if commas.any():
        rule = f"column {text.name} has decimal commas"
        parsed.violations.append(Violation(rule, _rows(commas), 'set decimal: ","'))
    if (bad & ~commas).any():
        rule = f"column {text.name} is text where a number belongs"
        cure = "write the number alone, or map the words under `values`"
        parsed.violations.append(Violation(rule, _rows(bad & ~commas), cure))


def _flags(text: pd.Series, parsed: Parsed) -> None:
    flags = text.map(lambda cell: FLAGS.get(cell.casefold()), na_action="ignore")
    bad = text.notna() & flags.isna()
    parsed.values = flags.astype("float64").astype(FLAG)
    if bad.any():
        cure = "map the file's codes under `values`, for instance {yes: 1, no: 0}"
        parsed.violations.append(Violation(f"column {text.name} is not 0 or 1", _rows(bad), cure))


def _words(text: pd.Series, allowed: tuple[str, ...] | None, parsed: Parsed) -> None:
    if allowed:
        lower = text.str.casefold()
        changed = (lower != text) & lower.isin(allowed)
        if changed.any():
            parsed.repairs["case_ignored"] = int(changed.sum())
        text = lower.where(changed, text)
    parsed.values = text.astype("string[python]")

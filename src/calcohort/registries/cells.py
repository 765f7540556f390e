"""Cells of a registry into dates, numbers, flags and words, by the column's rule in the schemas.

What can be read in one way only is repaired and counted (blanks around a value, `Male` for `male`, `N/A`);
what can be read in two ways is a violation with its cure. Each distinct cell of a column is read once.
"""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd

from calcohort.registries.codes import as_text, code_words
from calcohort.registries.schemas import DATE, FLAG, NUMBER, Violation

MISSING = frozenset({"", "n/a", "na", "#n/a", "nan", "nat", "null", "none", "<na>", "missing", "."})
FLAGS = {"0": 0, "1": 1, "false": 0, "true": 1, "unchecked": 0, "checked": 1}
ISO, EXCEL = "%Y-%m-%d", "excel"
OTHER_FORMATS = (
    ISO, "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%Y%m%d", "%d-%b-%Y",
    "%d %b %Y", "%b %d, %Y", "%m/%d/%y", "%d.%m.%y",
)  # fmt: skip
# Beyond these years nanoseconds do not reach, and nobody was scanned.
YEARS = range(1800, 2201)
EXCEL_DAY_0 = datetime(1899, 12, 30)
PLAIN_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+")
GROUPED_NUMBER = re.compile(r"[+-]?\d{1,3}([.,]\d{3})+")
SIGNED_DIGITS = re.compile(r"[+-]?\d+")
# The time of day is a fraction.
SERIAL_DAY = re.compile(r"([1-7]\d{4})([.,]\d+)?")
TIME_OF_DAY = re.compile(r"[ T]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AP]M)?$", re.IGNORECASE)

PROBLEMS = {
    "decimal comma": ("has decimal commas", 'set decimal: ","'),
    "comma or group": (
        "has commas that may be decimal commas or separate the thousands",
        'set decimal: "," if they are decimal commas, else take them out',
    ),
    "point or group": (
        'has points, but decimal is ","',
        'take separators of thousands out, or set decimal: "."',
    ),
    "not a number": (
        "is text where a number belongs",
        "write the number alone, or map the words under `values`",
    ),
    "not a flag": ("is not 0 or 1", "map the file's codes under `values`, for instance {yes: 1, no: 0}"),
    "serial day": (
        "holds Excel serial days",
        "store the column as dates in the spreadsheet, or set date_format: excel",
    ),
    "impossible year": (
        f"has years before {YEARS[0]} or after {YEARS[-1]}",
        'correct them, or map a date that stands for none under `values`, e.g. {"9999-12-31": null}',
    ),
    "not a date": (None, None),
}


@dataclass(frozen=True)
class Parsed:
    """One column, what was wrong with it, and how many cells were repaired by which rule."""

    values: pd.Series
    violations: list[Violation]
    repairs: dict[str, int]


@dataclass(frozen=True)
class _Reader:
    """How the cells of one column are to be read."""

    kind: str
    allowed: tuple[str, ...]
    recode: dict[str, str | None]
    date_format: str
    decimal: str

    def read(self, cell) -> tuple[object, str | None, tuple[str, ...]]:
        """Value of a cell that is not empty, its problem, and the repairs that it took."""
        text, repairs = as_text(cell), ()
        if text != (text := text.strip()) and text:
            repairs += ("blanks_removed",)
        if self.recode:
            code, repair = self._code(text)
            if code is not None:
                text = cell = self.recode[code]
                repairs += repair
        if text is None or text == "":
            return None, None, repairs
        if text.casefold() in MISSING:
            return None, None, (*repairs, "word_for_missing")
        value, problem, repair = self._of_kind(cell, text)
        return value, problem, repairs + repair

    def _code(self, text: str) -> tuple[str | None, tuple[str, ...]]:
        """Code that a cell holds: as written, as 1.0 for 1, or in other letters where only one fits."""
        if text in self.recode:
            return text, ()
        whole = re.sub(rf"{re.escape(self.decimal)}0+$", "", text)
        if whole != text and whole in self.recode and SIGNED_DIGITS.fullmatch(whole):
            return whole, ()
        same = [code for code in self.recode if code.casefold() == text.casefold()]
        one = text not in self.allowed and len({self.recode[code] for code in same}) == 1
        return (same[0], ("case_ignored",)) if one else (None, ())

    def _of_kind(self, cell, text: str) -> tuple[object, str | None, tuple[str, ...]]:
        if self.kind == DATE:
            return (*self._date(cell, text), ())
        if self.kind == NUMBER:
            return (*self._number(cell, text), ())
        if self.kind == FLAG:
            # A column with empty fields is often exported as 1.0 and 0.0.
            flag = FLAGS.get(text.casefold(), self._number(cell, text)[0])
            return (flag, None, ()) if flag in (0, 1) else (None, "not a flag", ())
        if text not in self.allowed and text.casefold() in self.allowed:
            return text.casefold(), None, ("case_ignored",)
        return text, None, ()

    def _date(self, cell, text: str) -> tuple[object, str | None]:
        serial = SERIAL_DAY.fullmatch(text)
        if isinstance(cell, date):
            value = datetime(cell.year, cell.month, cell.day)
        elif self.date_format == EXCEL:
            value = EXCEL_DAY_0 + timedelta(days=int(serial[1])) if serial else None
        else:
            value = _day(text, self.date_format)
        if value is None:
            return None, "serial day" if serial else "not a date"
        return (value, None) if value.year in YEARS else (None, "impossible year")

    def _number(self, cell, text: str) -> tuple[float | None, str | None]:
        if not isinstance(cell, str):
            return float(cell), None
        if self.decimal == ",":
            if "." in text:
                return None, "point or group" if PLAIN_NUMBER.fullmatch(text) else "not a number"
            text = text.replace(",", ".")
        if PLAIN_NUMBER.fullmatch(text):
            return float(text), None
        if GROUPED_NUMBER.fullmatch(text):
            return None, "comma or group"
        return None, "decimal comma" if COMMA_NUMBER.fullmatch(text) else "not a number"


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
    kind, allowed = str(rule.dtype), (rule.metadata or {}).get("allowed", ())
    if not recode and kind == NUMBER and pd.api.types.is_float_dtype(raw):
        return Parsed(raw.astype(NUMBER), [], {})
    reader = _Reader(kind, allowed, _recoding(recode or {}), date_format, decimal)
    codes, distinct = pd.factorize(raw.to_numpy(object))
    read = [reader.read(cell) for cell in distinct]
    # Code -1, an empty cell, is the last of the values.
    values = np.array([*(value for value, _, _ in read), None], dtype=object)[codes]
    repairs = Counter()
    counts = np.bincount(codes[codes >= 0], minlength=len(distinct))
    for (_, _, names), count in zip(read, counts, strict=True):
        if names:
            repairs.update(dict.fromkeys(names, int(count)))
    column = pd.Series(values, index=raw.index, name=raw.name, dtype=object)
    violations, found = [], {problem for _, problem, _ in read}
    if found - {None}:
        problems = np.array([*(problem for _, problem, _ in read), None], dtype=object)[codes]
        about = (raw, problems, values)
        violations = [_violation(*about, problem, date_format) for problem in PROBLEMS if problem in found]
    return Parsed(_typed(column, kind), violations, dict(repairs))


def _recoding(recode: dict) -> dict[str, str | None]:
    table = {}
    for theirs, ours in recode.items():
        word = None if ours is None else str(int(ours)) if isinstance(ours, bool) else str(ours)
        table |= dict.fromkeys(code_words(theirs), word)
    return table


def _typed(column: pd.Series, kind: str) -> pd.Series:
    if kind == FLAG:
        return column.astype("float64").astype(FLAG)
    if kind == DATE:
        return pd.to_datetime(column).astype(DATE)
    return column.astype(kind)


def _violation(raw: pd.Series, problems, values, problem: str, date_format: str) -> Violation:
    bad = problems == problem
    rule, cure = PROBLEMS[problem]
    if rule is None:
        texts = {as_text(cell).strip() for cell in raw[bad]}
        rule, cure = _about_dates(texts, any(value is not None for value in values), date_format)
    rows = tuple(int(row) for row in raw.index[bad])
    return Violation(f"column {raw.name} {rule}", rows, cure, str(raw.name))


def _about_dates(texts: set[str], some_follow: bool, date_format: str) -> tuple[str, str]:
    """What is wrong with the dates that do not follow the format, and the cure."""
    others = [f for f in OTHER_FORMATS if f != date_format]
    fit_all = [f for f in others if all(_fits(text, f) for text in texts)]
    if fit_all and not some_follow:
        cure = f'set date_format: "{fit_all[0]}"'
        if len(fit_all) > 1:
            cure += f' (or "{fit_all[1]}", which fits too: only the owner of the source knows)'
        return f"is not in the date format {date_format}", cure
    if any(_fits(text, f) for text in texts for f in others):
        cure = "write all dates of the column in one format"
        return f"has dates in two formats, {date_format} and another", cure
    return f"is not a date in the format {date_format}", "correct the dates, or set date_format"


def _day(text: str, date_format: str) -> datetime | None:
    """Day of a date, whose time of day does not count, whether the format tells of one or not."""
    # A database and a spreadsheet give midnight with the day.
    for written in dict.fromkeys((text, TIME_OF_DAY.sub("", text))):
        try:
            value = datetime.strptime(written, date_format)
        except ValueError:
            continue
        return datetime(value.year, value.month, value.day)
    return None


def _fits(text: str, date_format: str) -> bool:
    value = _day(text, date_format)
    return value is not None and value.year in YEARS

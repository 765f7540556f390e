"""The files of a finished run, read once each, and rows of them that can print their own numbers."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from calcohort.exhibits import cells
from calcohort.exhibits.numbers import is_missing
from calcohort.tables import read_csv

PRIMARY_ENDPOINT = "mace"
# Columns that hold numbers as somebody printed them: "64" must not come back as 64.0.
_PRINTED = ("published", "published_low", "published_high", "published_p", "published_n")


@dataclass(frozen=True)
class Row:
    """One data row of a file of the run."""

    table: pd.DataFrame
    file: str
    position: int

    def value(self, column: str):
        """Value in `column`; None where it is missing or the column is not there."""
        if column not in self.table.columns:
            return None
        value = self.table[column].iloc[self.position]
        return None if is_missing(value) else value

    def has(self, *columns: str) -> bool:
        """Whether every one of `columns` holds a value."""
        return all(self.value(column) is not None for column in columns)

    def tag(self, column: str, format: str) -> Markup:
        """The number in `column` as a `<data>` element; an en dash where it is missing."""
        if column not in self.table.columns:
            return Markup("–")
        return Markup(cells.number(self.table, self.file, self.position, column, format).html())


@dataclass(frozen=True)
class Run:
    """A folder results/NAME; files that are not there read as None and as no rows.

    Attributes
    ----------
    root : Path
        The folder.
    """

    root: Path
    _tables: dict = field(default_factory=dict, repr=False, compare=False)

    def table(self, file: str) -> pd.DataFrame | None:
        """The table in `file` (relative to the run), or None when there is no such file or it is empty."""
        if file not in self._tables:
            self._tables[file] = self._read(self.root / file)
        return self._tables[file]

    def rows(self, file: str, **wanted) -> list[Row]:
        """Rows of `file` whose columns equal `wanted`; the primary endpoint unless another one is named.

        A wanted column that the file does not have matches nothing; `endpoint` alone may be absent.
        """
        table = self.table(file)
        if table is None:
            return []
        keep = pd.Series(True, index=table.index)
        if "endpoint" in table.columns:
            wanted = {"endpoint": PRIMARY_ENDPOINT} | wanted
        else:
            wanted.pop("endpoint", None)
        for column, value in wanted.items():
            if column not in table.columns:
                return []
            keep &= _equals(table[column], value)
        return [Row(table, file, int(position)) for position in keep.to_numpy().nonzero()[0]]

    def row(self, file: str, **wanted) -> Row | None:
        """First of :meth:`rows`, or None."""
        return next(iter(self.rows(file, **wanted)), None)

    def why_not(self, file: str) -> str:
        """Sentence that says why nothing can be shown from `file`."""
        if not (self.root / file).is_file():
            return f"This run has no {file}: what it is computed from was not among the inputs."
        if self.table(file) is None or self.table(file).empty:
            return f"{file} has no rows: the cohort held nothing to compute it from."
        return f"{file} has no row for this question."

    def json(self, file: str) -> dict | None:
        """The JSON object in `file`, or None."""
        path = self.root / file
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None

    def files(self, pattern: str) -> list[str]:
        """Sorted paths, relative to the run, that match a glob pattern."""
        return sorted(path.relative_to(self.root).as_posix() for path in self.root.glob(pattern))

    @staticmethod
    def _read(path: Path) -> pd.DataFrame | None:
        if not path.is_file():
            return None
        try:
            return read_csv(path, dtype=dict.fromkeys(_PRINTED, "string"))
        except pd.errors.EmptyDataError:
            return None


def _equals(column: pd.Series, value) -> pd.Series:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return pd.to_numeric(column, errors="coerce") == value
    # A category column that only holds "0" reads as numbers.
    return column.map(lambda cell: "" if is_missing(cell) else str(cell)) == str(value)

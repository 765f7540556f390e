"""Cells that know where their numbers come from, and the tables made of them."""

import html
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from calcohort.exhibits.numbers import is_missing, show

Source = tuple[str, int, str]


@dataclass(frozen=True)
class Cell:
    """What is printed at one place, and the file row behind it.

    Attributes
    ----------
    text : str
        As printed.
    value : int, float, str or None
        The number at full precision; None for plain text and for cells made of parts.
    sources : tuple of (file, row, column)
        File relative to results/NAME, 0-based data row, column name.
    format : str
        Key of `numbers.FORMATS`; empty for plain text.
    parts : tuple of Cell
        For "12 (3.4%)" and the like: the pieces in order, each a number or plain text.
    indent : int
        Depth of a row label under the one above.
    """

    text: str
    value: float | int | str | None = None
    sources: tuple[Source, ...] = ()
    format: str = ""
    parts: tuple["Cell", ...] = ()
    indent: int = 0

    def numbers(self) -> Iterator["Cell"]:
        """The numbers in this cell, itself or its parts."""
        for part in self.parts or (self,):
            if part.sources:
                yield part

    def html(self) -> str:
        """Escaped text with every number in a `<data>` element that names its source."""
        if self.parts:
            return "".join(part.html() for part in self.parts)
        text = html.escape(self.text)
        if not self.sources:
            return text
        file, row, column = self.sources[0]
        facts = {"value": full(self.value), "data-file": file, "data-row": row, "data-column": column}
        facts["data-format"] = self.format
        attributes = " ".join(
            f'{name}="{html.escape(str(fact), quote=True)}"' for name, fact in facts.items()
        )
        return f'<data class="n" {attributes}>{text}</data>'


@dataclass(frozen=True)
class Table:
    """A table ready to be written: `rows` hold one cell per column, the first is the row's label."""

    title: str
    columns: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    footnotes: tuple["str | Cell", ...] = ()
    spanners: tuple[tuple[str, int, int], ...] = field(default=())

    def __post_init__(self):
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError("every row of a table needs one cell per column")


def text(words: str, indent: int = 0) -> Cell:
    """Cell without a number."""
    return Cell(words, indent=indent)


def as_cell(words: str | Cell) -> Cell:
    """A footnote or heading as a cell, whether it has numbers or not."""
    return Cell(words) if isinstance(words, str) else words


def number(table: pd.DataFrame, file: str, row: int, column: str, format: str) -> Cell:
    """Cell of one number: `column` of the 0-based data row `row` of `table`, which was read from `file`.

    A missing value becomes an en dash without a source.
    """
    value = table[column].iloc[row]
    value = value.item() if isinstance(value, np.generic) else value
    if is_missing(value):
        return Cell(show(value, format))
    return Cell(show(value, format), value, ((file, int(row), column),), format)


def join(*parts: Cell | str) -> Cell:
    """One cell of several parts: ``join(n, " (", share, "%)")``."""
    cells = tuple(Cell(part) if isinstance(part, str) else part for part in parts)
    flat = tuple(piece for cell in cells for piece in (cell.parts or (cell,)))
    return Cell("".join(piece.text for piece in flat), parts=flat)


def full(value) -> str:
    """Shortest text that reads back as exactly `value`."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return repr(int(value))
    return repr(value) if isinstance(value, float) else str(value)

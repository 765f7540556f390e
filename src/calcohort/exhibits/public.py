"""Tables that may leave the site: built from statistics with small counts withheld, printed as words."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from calcohort.cohort.public import NOTE, SOURCES
from calcohort.exhibits.catalogue import CATALOGUE
from calcohort.exhibits.cells import Cell, Table, as_cell
from calcohort.exhibits.exhibit import Exhibit

# Tables for whose every number there is a rule.
TABLES = tuple(
    name for name, entry in CATALOGUE.items() if entry.kind == "table" and set(entry.sources) <= set(SOURCES)
)


def public_exhibit(exhibit: Exhibit, limit: int) -> Exhibit:
    """The same table with a note on what is withheld, and without full values or addresses of numbers."""
    return replace(exhibit, build=_worded(exhibit.build, limit))


def _worded(build: Callable, limit: int) -> Callable[[Mapping[str, Any], Mapping[str, Any]], Table]:
    def worded(inputs: Mapping[str, Any], meta: Mapping[str, Any]) -> Table:
        table = build(inputs, meta)
        return replace(
            table,
            columns=tuple(map(_words, table.columns)),
            rows=tuple(tuple(map(_words, row)) for row in table.rows),
            footnotes=(*(as_cell(note).text for note in table.footnotes), NOTE.format(limit=limit)),
        )

    return worded


def _words(cell: Cell) -> Cell:
    return Cell("–" if cell.text.startswith("–") else cell.text, indent=cell.indent)

"""What an exhibit is, and how its builder looks into the files of a run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from calcohort.exhibits import Unavailable
from calcohort.exhibits.cells import Cell, number
from calcohort.exhibits.numbers import MISSING, is_missing, show
from calcohort.tables import read_csv

POPULATION_NAMES = {
    "all": "All patients",
    "no_cad": "No history of CAD",
    "paired": "Patients with a same-day standard score",
    "paired_no_cad": "No history of CAD, with a same-day standard score",
    "internal": "Internal testing",
    "internal_ctac": "Internal testing, CTAC scans",
    "internal_gated": "Internal testing, gated scans",
}
SCORE_NAMES = {"dl_ctac": "DL-CTAC score", "standard": "Standard CAC score"}

# Why a file of a run may be absent, in the reader's words.
ABSENT = {
    "imaging/series.csv": "the study did not start from images",
    "scores/scores.csv": "the study did not start from images or from a table of scores",
    "development/scans.csv": "the study has no development cohort",
    "statistics/imaging_protocols.csv": "the study started neither from images nor with a development cohort",
    "scores/convention_effect.csv": "the study did not start from images",
    "cohort/flow.csv": "the study started from an analysis table, so that nobody was linked or excluded here",
    "segmentation/examples.npz": "the study did not start from images",
}


@dataclass(frozen=True)
class Exhibit:
    """One table or figure of the study.

    Attributes
    ----------
    kind : "table" or "figure"
    title, caption : str
        As printed above and below.
    sources : tuple of str
        Files relative to results/NAME that `build` reads, no more and no fewer.
    build : callable
        ``build(inputs, meta)``; `inputs` maps each source that the run has to a data frame (CSV) or a path
        (all else). Gives a `cells.Table` or a matplotlib Figure; raises `Unavailable`. One with
        `column_parts` also takes `width_mm`, and `part` where it has more than one.
    column_parts : tuple of str
        As in the catalogue.
    """

    kind: str
    title: str
    caption: str
    sources: tuple[str, ...]
    build: Callable[..., Any] = field(repr=False)
    column_parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class File:
    """A CSV of a run: rows found by their values, cells that remember the row."""

    name: str
    frame: pd.DataFrame

    def rows(self, **wanted) -> list[int]:
        """Numbers of the data rows whose columns equal `wanted`, of the primary endpoint unless it is named.

        Raises
        ------
        Unavailable
            If a column that is asked for does not exist.
        """
        keep = pd.Series(True, index=self.frame.index)
        if "endpoint" in self.frame.columns:
            wanted = {"endpoint": "mace"} | wanted
        for column, value in wanted.items():
            self.need(column)
            # An empty field of a CSV comes back as missing.
            keep &= self.frame[column].isna() if value == "" else self.frame[column] == value
        return [int(row) for row in self.frame.index[keep]]

    def row(self, **wanted) -> int | None:
        """The first such row, or None."""
        found = self.rows(**wanted)
        return found[0] if found else None

    def value(self, row: int | None, column: str):
        """What stands there, None where there is no such row or nothing stands there."""
        self.need(column)
        found = None if row is None else self.frame[column].iloc[row]
        return None if is_missing(found) else found

    def cell(self, row: int | None, column: str, format: str) -> Cell:
        """The number there, printed in `format`; an en dash where there is none."""
        self.need(column)
        return Cell(MISSING) if row is None else number(self.frame, self.name, row, column, format)

    def text(self, row: int | None, column: str, format: str) -> str:
        """The number there as it is printed in a figure."""
        return show(self.value(row, column), format)

    def need(self, *columns: str) -> None:
        """Raise `Unavailable` unless every column exists."""
        missing = [column for column in columns if column not in self.frame.columns]
        if missing:
            raise Unavailable(f"The column {missing[0]} is not in {self.name}.")


SPARSE = "Fewer than ten events per parameter of the model: its ratios are unstable."


def any_sparse(file: File, rows: Sequence[int | None]) -> bool:
    """Whether the statistics noted one of these rows as resting on too few events."""
    if "note" not in file.frame:
        return False
    return any("sparse" in str(file.value(row, "note")) for row in rows)


# Columns that hold labels, even where every label of a small study looks like a number.
_LABELS = (
    "population", "endpoint", "score", "category", "row_category", "column_category", "comparison", "term",
    "model", "level", "group", "variable", "site", "cause",
)  # fmt: skip


def read_inputs(folder: str | Path, sources: Sequence[str]) -> dict[str, Any]:
    """Inputs of a builder: those of `sources` that exist below `folder`, CSVs as data frames, else paths."""
    inputs: dict[str, Any] = {}
    for name in sources:
        path = Path(folder) / name
        if path.exists():
            inputs[name] = (
                read_csv(path, dtype=dict.fromkeys(_LABELS, str)) if path.suffix == ".csv" else path
            )
    return inputs


def open_file(inputs: Mapping[str, Any], name: str, *columns: str) -> File:
    """The file `name` of the run; `Unavailable` unless it has these columns and at least one row."""
    if name not in inputs:
        raise Unavailable(f"There is no {name} in this run: {ABSENT.get(name, 'its inputs were not given')}.")
    file = File(name, inputs[name].reset_index(drop=True))
    file.need(*columns)
    if file.frame.empty:
        raise Unavailable(f"{name} has no rows.")
    return file


def first(inputs: Mapping[str, Any], name: str, column: str, format: str, **wanted) -> str:
    """Text of the number in the first row of `name` that fits; an en dash where there is none."""
    if name not in inputs or inputs[name].empty:
        return MISSING
    file = open_file(inputs, name, column, *wanted)
    return file.text(file.row(**wanted), column, format)


def population_name(key: str) -> str:
    """Name of a population as printed."""
    if key.startswith("internal_site_"):
        return f"Site {key.removeprefix('internal_site_')}"
    return POPULATION_NAMES.get(key, key.replace("_", " "))

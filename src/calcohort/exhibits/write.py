"""Exhibits on disk: each in every format a manuscript or a page needs, the same bytes on every run."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from calcohort.exhibits import Unavailable, style
from calcohort.exhibits.catalogue import FIGURE_FORMATS, TABLE_FORMATS
from calcohort.exhibits.cells import Cell, Table
from calcohort.exhibits.exhibit import Exhibit
from calcohort.exhibits.write_table import write_table_csv, write_table_docx, write_table_html
from calcohort.tables import whole_file

# Dates and program versions would make two runs differ.
_NO_METADATA = {
    "pdf": {"CreationDate": None, "ModDate": None, "Producer": None, "Creator": "calcohort"},
    "svg": {"Date": None, "Creator": "calcohort"},
    "png": {"Software": None},
}


def outputs(name: str, exhibit: Exhibit) -> tuple[str, ...]:
    """Files that `write` makes for this exhibit, relative to results/NAME."""
    folder, formats = ("tables", TABLE_FORMATS) if exhibit.kind == "table" else ("figures", FIGURE_FORMATS)
    return (*(f"{folder}/{name}.{suffix}" for suffix in formats), f"exhibits/{name}.json")


def write(
    name: str, exhibit: Exhibit, inputs: Mapping[str, Any], meta: Mapping[str, Any], folder: str | Path
) -> bool:
    """Build one exhibit and write all its files below `folder` (results/NAME).

    Parameters
    ----------
    inputs : mapping
        Data frame or path for each of `exhibit.sources` that this run has.
    meta : mapping
        `simulated` (bool) and `simulated_note` (str) are printed on every exhibit; the rest is the builder's.

    Returns
    -------
    bool
        Whether it could be made; if not, a card with the reason stands in its place, in the same files.
    """
    folder = Path(folder)
    reason = ""
    try:
        with style.house():
            made = exhibit.build(inputs, meta)
    except Unavailable as why:
        made, reason = None, str(why)
    note = _note(meta)
    if exhibit.kind == "table":
        _write_table(name, exhibit, made, reason, note, folder)
    else:
        _write_figure(name, exhibit, made, reason, note, folder)
    facts = {
        "name": name,
        "kind": exhibit.kind,
        "title": exhibit.title,
        "caption": exhibit.caption,
        "made": made is not None,
        "reason": reason or None,
        "sources": list(exhibit.sources),
        "simulated": bool(note),
    }
    with whole_file(folder / "exhibits" / f"{name}.json") as path:
        path.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return made is not None


def write_column(
    name: str, exhibit: Exhibit, inputs: Mapping[str, Any], meta: Mapping[str, Any], folder: str | Path
) -> None:
    """Draw a figure as wide as a journal's column, or say there why not; arguments as of :func:`write`."""
    for part in exhibit.column_parts:
        size = {"width_mm": style.COLUMN_WIDTH_MM} | ({"part": part} if part else {})
        with style.house():
            try:
                figure = exhibit.build(inputs, meta, **size)
            except Unavailable as why:
                figure = style.card(exhibit.title, str(why), style.COLUMN_WIDTH_MM)
        _save_figure(figure, _note(meta), Path(folder) / "figures/column" / f"{name}{part}")


def _note(meta: Mapping[str, Any]) -> str:
    return meta.get("simulated_note", "Simulated data") if meta.get("simulated") else ""


def _write_table(name: str, exhibit: Exhibit, table: Table | None, reason: str, note: str, folder: Path):
    if table is None:
        table = Table(exhibit.title, (Cell("Not made"),), ((Cell(reason),),))
    if note:
        table = Table(table.title, table.columns, table.rows, (*table.footnotes, note), table.spanners)
    writers = {"csv": write_table_csv, "html": write_table_html, "docx": write_table_docx}
    for suffix, writer in writers.items():
        with whole_file(folder / "tables" / f"{name}.{suffix}") as path:
            writer(table, path, name)


def _write_figure(name: str, exhibit: Exhibit, figure: Figure | None, reason: str, note: str, folder: Path):
    with style.house():
        figure = figure or style.card(exhibit.title, reason)
    _save_figure(figure, note, folder / "figures" / name)


def _save_figure(figure: Figure, note: str, stem: Path) -> None:
    with style.house():
        if note:
            style.add_note(figure, note)
        for suffix in FIGURE_FORMATS:
            with whole_file(stem.with_name(f"{stem.name}.{suffix}")) as path:
                figure.savefig(path, format=suffix, dpi=300, metadata=_NO_METADATA[suffix])

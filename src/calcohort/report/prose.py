"""Pieces of text with numbers in them: intervals, sentences, small tables of rows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from calcohort.report.run import Row, Run

POPULATIONS = {
    "all": "all patients",
    "no_cad": "patients without prior CAD",
    "paired": "patients with an expert score",
    "paired_no_cad": "patients with an expert score and without prior CAD",
    "internal": "the internal test set",
    "internal_ctac": "CTAC scans of the internal test set",
    "internal_gated": "gated scans of the internal test set",
}
# The same for the cells of a table, where there is no room for a phrase.
SHORT = {
    "all": "all",
    "no_cad": "no prior CAD",
    "paired": "expert score",
    "paired_no_cad": "expert score, no prior CAD",
    "internal": "internal test",
    "internal_ctac": "internal test, CTAC",
    "internal_gated": "internal test, gated",
}
# A table with more rows scrolls in a box of its own.
LONG = 24
SCORES = {"dl_ctac": "DL-CTAC", "standard": "standard"}


@dataclass(frozen=True)
class Column:
    """A column of a small table.

    `name` is a column of the file, or two of them ("ci_low, ci_high") that print as an interval; without a
    `format` it prints as text. The format `forest` draws a ratio and its interval
    ("estimate, ci_low, ci_high").
    """

    heading: str
    name: str
    format: str = ""

    @property
    def names(self) -> list[str]:
        """The columns of the file."""
        return [name.strip() for name in self.name.split(",")]


def text(template: str, **pieces) -> Markup:
    """`template` with every piece put in its place; plain strings are escaped, markup stays."""
    return Markup(template).format(**pieces)


def interval(
    row: Row, column: str, format: str, low: str = "ci_low", high: str = "ci_high", unit=""
) -> Markup:
    """ "3.19 (95% CI 2.70 to 3.77)", each number a `<data>` element."""
    value = row.tag(column, format) + unit
    if not row.has(low, high):
        return value + " (no interval could be estimated)"
    return text(
        "{value} (95% CI {low} to {high}{unit})",
        value=value,
        low=row.tag(low, format),
        high=row.tag(high, format),
        unit=unit,
    )


def paragraph(*parts: Markup | str) -> Markup:
    """Non-empty parts as one paragraph; nothing when there is none."""
    kept = [escape(part) for part in parts if part]
    return Markup("<p>") + Markup(" ").join(kept) + Markup("</p>") if kept else Markup("")


def missing(reason: str) -> Markup:
    """The sentence that stands where something could not be shown."""
    return text('<p class="absent">{reason}</p>', reason=reason)


def rows_table(rows: Sequence[Row], columns: Sequence[Column], caption: str) -> Markup:
    """A table of rows; columns that no row has a value for are left out."""
    kept = [column for column in columns if any(row.has(*column.names) for row in rows)]
    labels = [[_label(row, column) for column in kept] for row in rows]
    lines, widest = Markup(""), _widest(rows, kept)
    for position, row in enumerate(rows):
        lines += _line(row, kept, labels[position], labels[position - 1] if position else [], widest)
    return frame(caption, [column.heading for column in kept], lines)


def frame(caption: str, headings: Sequence[str], lines: Markup, kind: str = "plain") -> Markup:
    """A table with its caption, headings and ready-made `lines`, in a box that scrolls by keyboard too."""
    head = Markup("").join(text('<th scope="col">{heading}</th>', heading=heading) for heading in headings)
    return text(
        '<div class="scroll{long}" tabindex="0" role="region" aria-label="{caption}"><table class="{kind}">'
        "<caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>",
        caption=caption,
        long=" long" if lines.count("<tr") > LONG and "prose" not in kind else "",
        kind=kind,
        head=head,
        lines=lines,
    )


def table_of(run: Run, file: str, columns: Sequence[Column], caption: str, **wanted) -> Markup:
    """Rows of `file` as a table, or the sentence that says why there are none."""
    rows = run.rows(file, **wanted)
    return rows_table(rows, columns, caption) if rows else missing(run.why_not(file))


def name_of(value) -> str:
    """A key of the vocabulary in words."""
    key = str(value)
    if key.startswith("internal_site_"):
        return f"internal test set, site {key.removeprefix('internal_site_')}"
    return POPULATIONS.get(key) or SCORES.get(key) or key.replace("_", " ")


def _label(row: Row, column: Column) -> str | None:
    """Words of a text column, None for a column of numbers."""
    if column.format:
        return None
    value = row.value(column.name)
    return "" if value is None else SHORT.get(str(value)) or name_of(value)


# A forest's cell in pixels, and the largest ratio (and smallest, its inverse) that its axis reaches.
_FOREST_WIDTH, _FOREST_HEIGHT, _FOREST_REACH = 140, 16, 20.0


def _widest(rows: Sequence[Row], columns: Sequence[Column]) -> float:
    """Largest distance from 1, as a logarithm, that the forest of these rows has to show."""
    names = {name for column in columns if column.format == "forest" for name in column.names}
    ratios = [row.value(name) for row in rows for name in names if row.has(name)]
    far = [abs(math.log(ratio)) for ratio in ratios if 0 < ratio < math.inf]
    return min(max([*far, math.log(2.0)]) * 1.05, math.log(_FOREST_REACH))


def _forest(row: Row, names: Sequence[str], widest: float) -> Markup:
    """Ratio and interval on a logarithmic axis with 1 in the middle, the same one in every row.

    What goes beyond the axis ends at its edge. The numbers stand beside it, so that it needs no words.
    """
    if not row.has(*names):
        return Markup("")
    half = _FOREST_WIDTH / 2

    def place(ratio: float) -> str:
        share = math.log(ratio) / widest if ratio > 0 else -1.0
        return f"{half + (half - 4) * min(max(share, -1.0), 1.0):.1f}"

    x, low, high = (place(row.value(name)) for name in names)
    y = _FOREST_HEIGHT / 2
    return text(
        '<svg aria-hidden="true" width="{w}" height="{h}" viewBox="0 0 {w} {h}" stroke="currentColor">'
        '<line x1="{mid}" x2="{mid}" y1="0" y2="{h}" stroke-opacity="0.35"/>'
        '<line x1="{low}" x2="{high}" y1="{y}" y2="{y}"/><circle cx="{x}" cy="{y}" r="3"/></svg>',
        **{"w": _FOREST_WIDTH, "h": _FOREST_HEIGHT, "mid": half, "x": x, "y": y, "low": low, "high": high},
    )


def _line(
    row: Row, columns: Sequence[Column], labels: list[str | None], above: list[str | None], widest: float
) -> Markup:
    cells, repeats = Markup(""), True
    for position, column in enumerate(columns):
        if column.format == "forest":
            repeats = False
            cells += text("<td>{drawn}</td>", drawn=_forest(row, column.names, widest))
            continue
        if column.format:
            repeats = False
            numbers = [row.tag(name, column.format) for name in column.names]
            shown = Markup(" to ").join(numbers) if row.has(*column.names) else numbers[0]
            cells += text('<td class="num">{shown}</td>', shown=shown)
            continue
        # A label that only repeats the line above is there for screen readers, and not to be seen.
        repeats = repeats and bool(above) and labels[position] == above[position]
        shown = text('<span class="again">{w}</span>' if repeats else "{w}", w=labels[position])
        cells += text('<th scope="row">{w}</th>' if position == 0 else "<td>{w}</td>", w=shown)
    return Markup("<tr>") + cells + Markup("</tr>")

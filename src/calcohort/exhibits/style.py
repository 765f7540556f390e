"""One look for every figure: sizes in millimetres, one font, colours that hold in grey as well."""

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import matplotlib
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from calcohort.exhibits import Unavailable

# A journal's page, its column, and how high either is.
FULL_WIDTH_MM, COLUMN_WIDTH_MM, PAGE_HEIGHT_MM = 174.0, 85.0, 240.0
MM = 1 / 25.4

INK = "#1a1a1a"
QUIET = "#6b6b6b"
RULE = "#c8c8c8"
PAPER = "#f4f5f7"
WARNING = "#8a3b12"

# One tone per calcium category, light to dark, so that the order is seen without colour as well.
BLUES = ("#8fc1e3", "#4a96cf", "#1764ab", "#08264f")
GREYS = ("#b5b5b5", "#858585", "#515151", "#0d0d0d")
TONES = {"dl_ctac": BLUES, "standard": GREYS}
DASHES = ("solid", (0, (5, 1.2)), (0, (5, 1.2, 1, 1.2)), (0, (1.2, 1.0)))

# Red against blue: green beside red is one colour to one man in twelve.
CORONARY = "#ff4d4d"
OTHER_CALCIUM = "#4cc9ff"
UNMARKED = "#ffd23f"

RC = {
    "font.family": "DejaVu Sans",
    "font.size": 7.0,
    "axes.titlesize": 8.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 7.0,
    "axes.edgecolor": QUIET,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.3,
    "legend.fontsize": 7.0,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "calcohort",
    "path.simplify": False,
    # Letters keep their widths at every resolution, so that what fits in one format fits in all.
    "text.hinting": "none",
}


@contextmanager
def house() -> Iterator[None]:
    """Matplotlib's settings for the length of a block; the caller's own come back afterwards."""
    with matplotlib.rc_context(RC):
        yield


def new_figure(height_mm: float, width_mm: float = FULL_WIDTH_MM) -> Figure:
    """Empty figure of that printed size; it belongs to no window and needs no closing."""
    return Figure(figsize=(width_mm * MM, height_mm * MM))


def sheet(
    groups: Sequence[int], panel_mm: tuple[float, float], width_mm: float, foot_mm: float = 0.0
) -> tuple[Figure, list[tuple[float, float]]]:
    """Figure with places for equal panels, as many beside each other as its width holds.

    Parameters
    ----------
    groups : sequence of int
        Numbers of panels; each group starts a new row. A single row stands in the middle.
    panel_mm : (width, height)
        A panel's content is at most as wide as a column, though its place be wider.

    Returns
    -------
    Figure, list of (left, bottom)
        Lower left corner of every panel, in millimetres.

    Raises
    ------
    Unavailable
        If the rows do not fit on a page of that width.
    """
    width, height = panel_mm
    beside = max(1, int(width_mm // width))
    rows = [min(beside, left) for count in groups for left in range(count, 0, -beside)]
    total = len(rows) * height + foot_mm
    if total > PAGE_HEIGHT_MM and beside == 1:
        raise Unavailable(f"Its {len(rows)} panels do not fit on one page of {width_mm:g} mm width.")
    alone = len(rows) == 1 or beside == 1
    middle = max(0.0, (width_mm - rows[0] * width) / 2) if alone else 0.0
    corners = [
        (middle + place * width, total - (row + 1) * height)
        for row, count in enumerate(rows)
        for place in range(count)
    ]
    return new_figure(total, width_mm), corners


def axes_at(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes whose lower left corner and size are given in millimetres of the printed figure."""
    across, up = figure.get_figwidth() / MM, figure.get_figheight() / MM
    return figure.add_axes((left / across, bottom / up, width / across, height / up))


def add_note(figure: Figure, note: str) -> None:
    """One line along the lower edge, e.g. that the data are simulated."""
    width_mm = figure.get_figwidth() / MM
    lines = textwrap.wrap(note, int(width_mm / 1.28))
    height_mm = figure.get_figheight() / MM
    figure.text(0.5, 1.2 / height_mm, "\n".join(lines), ha="center", va="bottom", fontsize=6.5, color=WARNING)


def card(title: str, sentence: str, width_mm: float = FULL_WIDTH_MM) -> Figure:
    """What stands in the place of a figure that cannot be made."""
    figure = new_figure(38.0, width_mm)
    axes = figure.add_axes((0.02, 0.16, 0.96, 0.8))
    axes.set(xticks=[], yticks=[], xlim=(0, 1), ylim=(0, 1), facecolor=PAPER)
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color(RULE)
    across = int(105 * width_mm / FULL_WIDTH_MM)
    heading = textwrap.fill(title, across)
    axes.text(0.5, 0.72, heading, ha="center", va="center", fontsize=8, fontweight="bold")
    lines = textwrap.fill(f"Not made: {sentence}", across)
    axes.text(0.5, 0.36, lines, ha="center", va="center", fontsize=7.5, color=QUIET)
    return figure


def rectangle(x: float, y: float, width: float, height: float, **look) -> Rectangle:
    """Rectangle patch with its lower left corner at (x, y)."""
    return Rectangle((x, y), width, height, **look)


def box(axes, x: float, y: float, width: float, height: float, words: str, **look) -> None:
    """Text in a box centred at (x, y), in the units of `axes`; `look`: color, fill, edge, size, weight."""
    fill, edge = look.get("fill", PAPER), look.get("edge", RULE)
    corner = (x - width / 2, y - height / 2)
    shape = FancyBboxPatch(
        corner, width, height, boxstyle="round,pad=0,rounding_size=1.2", fc=fill, ec=edge, lw=0.7
    )
    axes.add_patch(shape)
    color, size = look.get("color", INK), look.get("size", 7)
    weight = look.get("weight", "normal")
    axes.text(
        x, y, words, ha="center", va="center", color=color, fontsize=size, fontweight=weight, linespacing=1.35
    )


def arrow(axes, start: tuple[float, float], stop: tuple[float, float]) -> None:
    """Thin arrow between two points."""
    look = {"arrowstyle": "-|>,head_length=3,head_width=1.5", "lw": 0.8, "color": QUIET}
    axes.add_patch(FancyArrowPatch(start, stop, shrinkA=0, shrinkB=0, mutation_scale=1, **look))


def canvas(height_mm: float) -> tuple[Figure, Axes]:
    """Figure of full width with one invisible axes whose unit is a millimetre, origin at the lower left."""
    figure = new_figure(height_mm)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, FULL_WIDTH_MM), ylim=(0, height_mm))
    axes.axis("off")
    return figure, axes


def lines(segments, **look) -> LineCollection:
    """Many short lines as one artist; `segments` is a list of [(x, y), (x, y)]."""
    return LineCollection(segments, **look)

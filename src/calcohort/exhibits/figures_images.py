"""Pictures of patients: Figure 6 and supplementary Figures 3, 4 and 7."""

import textwrap
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from calcohort.exhibits import Unavailable, style
from calcohort.exhibits.examples import UNMARKED
from calcohort.exhibits.exhibit import ABSENT
from calcohort.exhibits.places import CORONARY, OTHER

SOURCE = "segmentation/examples.npz"
_WINDOW_HU = (-160.0, 440.0)
_CELL_MM, _ROW_MM = 41.0, 56.0
# Colour, dashes and words of each outline, told apart in grey as well.
_OUTLINES = {
    CORONARY: (style.CORONARY, "solid", "coronary calcium"),
    OTHER: (style.OTHER_CALCIUM, (0, (3, 1)), "other calcification"),
    UNMARKED: (style.UNMARKED, (0, (1, 1)), "bright, not marked"),
}
_NO_PAIRS = "No patient has a gated scan, a CTAC scan and a standard score"


def figure6(inputs: Mapping, meta: Mapping) -> Figure:
    """Calcium of one artery told from that of the aorta; a small lesion; mitral calcium left out."""
    return _panels(inputs, "figure6", "No patient's scans show such calcium in both scans of one category.")


def figure_s3(inputs: Mapping, meta: Mapping) -> Figure:
    """Difficult scans: noise, metal, stents, disagreement."""
    return _panels(inputs, "figureS3", f"{_NO_PAIRS}, or none of them is difficult.")


def figure_s4(inputs: Mapping, meta: Mapping) -> Figure:
    """What is as bright as calcium and was not scored."""
    return _panels(inputs, "figureS4", "Nothing in the hearts of this study was bright and left unscored.")


def figure_s7(inputs: Mapping, meta: Mapping) -> Figure:
    """Scores of zero by one method alone, with the apparent cause."""
    return _panels(inputs, "figureS7", "No patient with both scans has a score of zero by one method alone.")


def _panels(inputs: Mapping, name: str, why: str) -> Figure:
    if SOURCE not in inputs:
        raise Unavailable(f"There are no pictures in this run: {ABSENT[SOURCE]}.")
    with np.load(inputs[SOURCE], allow_pickle=False) as stored:
        stored = {key: stored[key] for key in stored.files}
    wanted = [number for number, figure in enumerate(stored["figure"]) if figure == name]
    if not any(stored["shown"][number] for number in wanted):
        raise Unavailable(why)
    height = 9.0 + -(-len(wanted) // 2) * _ROW_MM
    figure = style.new_figure(height)
    drawn: set[int] = set()
    for place, number in enumerate(wanted):
        row, column = divmod(place, 2)
        corner = 2.0 + 87.5 * column, height - row * _ROW_MM
        drawn |= _panel(figure, corner, height, "ABCDEFGH"[place], stored, number)
    _legend(figure, drawn)
    return figure


def _panel(figure: Figure, corner, height: float, letter: str, stored: Mapping, number: int) -> set[int]:
    """One heading with its two pictures, or why there are none; the labels that were outlined."""
    left, top = corner
    bottom = top - 6.0 - _CELL_MM
    heading = f"{letter}  {stored['heading'][number]}"
    look = {"fontweight": "bold", "fontsize": 7.0, "va": "center"}
    figure.text(left / style.FULL_WIDTH_MM, (top - 3.6) / height, heading, **look)
    if not stored["shown"][number]:
        axes = style.axes_at(figure, left, bottom, 2 * _CELL_MM + 1.0, _CELL_MM)
        axes.set(xticks=[], yticks=[], facecolor=style.PAPER)
        axes.spines[:].set_visible(False)
        words = "No patient of this study shows it."
        axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color=style.QUIET)
        return set()
    drawn: set[int] = set()
    for place, side in enumerate(("left", "right")):
        start = left + place * (_CELL_MM + 1.0)
        axes = style.axes_at(figure, start, bottom, _CELL_MM, _CELL_MM)
        drawn |= _picture(axes, *(stored[f"{side}_{what}_{number}"] for what in ("hu", "labels", "extent")))
        words = str(stored[f"{side}_words"][number])
        figure.text(start / style.FULL_WIDTH_MM, (bottom - 0.8) / height, words, va="top", fontsize=6.3)
    note = textwrap.shorten(str(stored["note"][number]), 75, placeholder=" …")
    figure.text(
        left / style.FULL_WIDTH_MM, (bottom - 4.0) / height, note, va="top", fontsize=6.3, style="italic"
    )
    return drawn


def _legend(figure: Figure, drawn: set[int]) -> None:
    kept = [_OUTLINES[label] for label in _OUTLINES if label in drawn]
    if not kept:
        return
    axes = style.axes_at(figure, 0, 4.6, style.FULL_WIDTH_MM, 4.0)
    axes.set(xlim=(0, style.FULL_WIDTH_MM), ylim=(0, 4))
    axes.axis("off")
    for place, (color, dashes, words) in enumerate(kept):
        start = 2.0 + 43.0 * place
        # On black, as in the pictures: the tones are made for it.
        axes.add_patch(style.rectangle(start, 0.6, 9, 2.8, facecolor="#333333", edgecolor="none"))
        axes.plot([start + 1, start + 8], [2, 2], color=color, linestyle=dashes, linewidth=1.2)
        axes.text(start + 10.5, 2, words, va="center", fontsize=6.3)


def _picture(axes: Axes, hu: np.ndarray, labels: np.ndarray, extent: np.ndarray) -> set[int]:
    x0, x1, y0, y1 = extent
    low, high = _WINDOW_HU
    box = (x0, x1, y1, y0)
    axes.imshow(hu, cmap="gray", vmin=low, vmax=high, extent=box, interpolation="bilinear", aspect="equal")
    drawn = {label for label in _OUTLINES if (labels == label).any()}
    for label in drawn:
        _outline(axes, labels == label, extent, *_OUTLINES[label][:2])
    # A square window around the crop's centre, so that both scans are seen at one scale.
    half = 62.0
    centre_x, centre_y = (x0 + x1) / 2, (y0 + y1) / 2
    axes.set(
        xlim=(centre_x - half, centre_x + half), ylim=(centre_y + half, centre_y - half), xticks=[], yticks=[]
    )
    axes.set_facecolor("black")
    axes.spines[:].set_visible(False)
    return drawn


def _outline(axes: Axes, mask: np.ndarray, extent: np.ndarray, color: str, dashes) -> None:
    """Edges of the pixels where `mask` changes, as thin lines in millimetres."""
    x0, x1, y0, y1 = extent
    padded = np.pad(mask, 1)
    xs, ys = np.linspace(x0, x1, mask.shape[1] + 1), np.linspace(y0, y1, mask.shape[0] + 1)
    rows, columns = np.nonzero(padded[1:, 1:-1] != padded[:-1, 1:-1])
    level = [[(xs[c], ys[r]), (xs[c + 1], ys[r])] for r, c in zip(rows, columns, strict=True)]
    rows, columns = np.nonzero(padded[1:-1, 1:] != padded[1:-1, :-1])
    upright = [[(xs[c], ys[r]), (xs[c], ys[r + 1])] for r, c in zip(rows, columns, strict=True)]
    axes.add_collection(style.lines(level + upright, colors=color, linewidths=0.8, linestyles=[dashes]))

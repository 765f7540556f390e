"""Pictures of patients: Figure 6 (paired scans), supplementary Figure 7 (false negatives and positives)."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from calcohort.categories import categorise
from calcohort.exhibits import Unavailable, style
from calcohort.exhibits.examples import CONCORDANT, FALSE_NEGATIVE, FALSE_POSITIVE
from calcohort.exhibits.exhibit import ABSENT
from calcohort.exhibits.numbers import fixed

SOURCE = "segmentation/examples.npz"
_WINDOW_HU = (-160.0, 440.0)
_CELL_MM = 39.5
_KINDS = {"gated": "ECG-gated", "ctac": "CTAC"}


def figure6(inputs: Mapping, meta: Mapping) -> Figure:
    """Patients whose two scores agree, one of each category."""
    return _pairs(
        inputs, (CONCORDANT,), "No patient has both scans and a standard score in the same category."
    )


def figure_s7(inputs: Mapping, meta: Mapping) -> Figure:
    """Patients with a score of zero by one method alone."""
    why = "No patient with both scans has a score of zero by one method alone."
    return _pairs(inputs, (FALSE_NEGATIVE, FALSE_POSITIVE), why)


def _pairs(inputs: Mapping, purposes: Sequence[str], why: str) -> Figure:
    if SOURCE not in inputs:
        raise Unavailable(f"There are no pictures in this run: {ABSENT[SOURCE]}.")
    with np.load(inputs[SOURCE], allow_pickle=False) as stored:
        stored = {name: stored[name] for name in stored.files}
    wanted = [i for i, purpose in enumerate(stored["purpose"]) if purpose in purposes]
    if not wanted:
        raise Unavailable(why)
    rows = -(-len(wanted) // 2)
    height = 12.0 + rows * 51.0
    figure = style.new_figure(height)
    for place, number in enumerate(wanted):
        row, column = divmod(place, 2)
        left, bottom = 2.0 + 87.5 * column, height - 8.0 - row * 51.0 - _CELL_MM
        for side, kind in enumerate(_KINDS):
            corner = ((left + side * 42.0) / style.FULL_WIDTH_MM, bottom / height)
            axes = figure.add_axes((*corner, _CELL_MM / style.FULL_WIDTH_MM, _CELL_MM / height))
            _picture(axes, *(stored[f"{kind}_{what}_{number}"] for what in ("hu", "labels", "extent")))
            score = stored["cac_standard" if kind == "gated" else "cac_dl"][number]
            words = f"{_KINDS[kind]}: {'standard' if kind == 'gated' else 'DL'} score {fixed(score, 0)}"
            axes.text(0, -0.03, words, transform=axes.transAxes, va="top", fontsize=6.5)
        words = _heading(str(stored["purpose"][number]), stored["cac_standard"][number])
        axes_title = f"{'ABCDEFGH'[place]}  {words}"
        x, y = left / style.FULL_WIDTH_MM, (bottom + _CELL_MM + 1.2) / height
        figure.text(x, y, axes_title, fontweight="bold", fontsize=7.5, va="bottom")
    return figure


def _heading(purpose: str, standard: float) -> str:
    return {
        CONCORDANT: f"Both scores in category {categorise([standard])[0].replace('-', '–')}",
        FALSE_NEGATIVE: "DL-CTAC 0, standard above 0",
        FALSE_POSITIVE: "Standard 0, DL-CTAC above 0",
    }[purpose]


def _picture(axes: Axes, hu: np.ndarray, labels: np.ndarray, extent: np.ndarray) -> None:
    x0, x1, y0, y1 = extent
    low, high = _WINDOW_HU
    box = (x0, x1, y1, y0)
    axes.imshow(hu, cmap="gray", vmin=low, vmax=high, extent=box, interpolation="bilinear", aspect="equal")
    for label, color in ((1, style.CORONARY), (2, style.OTHER_CALCIUM)):
        _outline(axes, labels == label, extent, color)
    # A square window around the crop's centre, so that both scans are seen at one scale.
    half = 62.0
    centre_x, centre_y = (x0 + x1) / 2, (y0 + y1) / 2
    axes.set(
        xlim=(centre_x - half, centre_x + half), ylim=(centre_y + half, centre_y - half), xticks=[], yticks=[]
    )
    axes.set_facecolor("black")
    axes.spines[:].set_visible(False)


def _outline(axes: Axes, mask: np.ndarray, extent: np.ndarray, color: str) -> None:
    """Edges of the pixels where `mask` changes, as thin lines in millimetres."""
    if not mask.any():
        return
    x0, x1, y0, y1 = extent
    padded = np.pad(mask, 1)
    xs, ys = np.linspace(x0, x1, mask.shape[1] + 1), np.linspace(y0, y1, mask.shape[0] + 1)
    rows, columns = np.nonzero(padded[1:, 1:-1] != padded[:-1, 1:-1])
    level = [[(xs[c], ys[r]), (xs[c + 1], ys[r])] for r, c in zip(rows, columns, strict=True)]
    rows, columns = np.nonzero(padded[1:-1, 1:] != padded[1:-1, :-1])
    upright = [[(xs[c], ys[r]), (xs[c], ys[r + 1])] for r, c in zip(rows, columns, strict=True)]
    axes.add_collection(style.lines(level + upright, colors=color, linewidths=0.8))

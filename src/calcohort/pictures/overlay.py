"""The slices of a heart with its calcium outlined: red what the score counts, blue what it does not."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import contourpy
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from calcohort.exhibits.style import CORONARY, OTHER_CALCIUM
from calcohort.scoring import Conventions, Lesion, Score, lesion_map, score
from calcohort.scoring.conventions import STANDARD

if TYPE_CHECKING:
    from calcohort.segmentation.store import HeartCrop

CALCIUM, OTHER = 1, 2
COLUMNS = 4
# Fat is dark, muscle grey, and what reaches 450 HU white.
WINDOW_HU = (-160, 450)
MARGIN_MM = 8.0
TILE_INCHES, HEADER_INCHES = 1.9, 0.62
LISTED_LESIONS = 6
# Where a number may stand, in points from its lesion, and how far from another one it is free.
_WAYS = tuple(
    12.0 * np.array(way) for way in ((0.9, 0.9), (-0.9, 0.9), (0.9, -0.9), (-0.9, -0.9), (1.4, 0), (-1.4, 0))
)
_CLEAR_POINTS = 11.0


def overlay(
    crop: "HeartCrop",
    *,
    title: str = "",
    flags: Sequence[str] | None = None,
    conventions: Conventions = STANDARD,
    kvp: float | None = None,
    tiles: int = 12,
) -> Figure:
    """Slices of one scan, as a radiologist sees them: from above to below, the patient's left on the right.

    Parameters
    ----------
    crop : HeartCrop
    title : str
        What names the scan, e.g. its pseudonym and protocol.
    flags : sequence of str, optional
        Codes to show; without them those of the crop.
    conventions, kvp
        As for :func:`calcohort.scoring.score`.
    tiles : int
        Slices to show: those that hold the most calcium, then others spread over the heart.

    Returns
    -------
    matplotlib.figure.Figure
        A coronary lesion carries its number in the list above, a slice its own part of the score.
    """
    volume, coronary = crop.volume(), crop.labels == CALCIUM
    result = score(volume, coronary, conventions, kvp)
    lesions = lesion_map(volume, coronary, conventions)
    shown = _slices(crop, result, tiles)
    rows = -(-max(len(shown), 1) // COLUMNS)
    size = (COLUMNS * TILE_INCHES, rows * TILE_INCHES + HEADER_INCHES)
    figure = Figure(figsize=size, facecolor="black")
    FigureCanvasAgg(figure)
    top = 1 - HEADER_INCHES / size[1]
    _header(figure, title, result, crop.warnings if flags is None else flags)
    axes = figure.subplots(
        rows,
        COLUMNS,
        squeeze=False,
        gridspec_kw={"left": 0, "right": 1, "bottom": 0, "top": top, "wspace": 0.02, "hspace": 0.02},
    ).ravel()
    window = _window(crop)
    for axis in axes:
        axis.set_axis_off()
    for axis, z in zip(axes, shown, strict=False):
        part = score(volume.crop((z, z + 1, *_whole(crop))), coronary[z : z + 1], conventions)
        _tile(axis, crop, lesions[z], z, window, part.agatston)
    return figure


def _header(figure: Figure, title: str, result: Score, flags: Sequence[str]) -> None:
    height = figure.get_figheight()
    listed = [f"{lesion.label}: {lesion.agatston:.0f}" for lesion in result.lesions[:LISTED_LESIONS]]
    left_out = result.n_lesions - len(listed)
    lesions = "lesions  " + "   ".join(listed) + (f"   and {left_out} smaller" if left_out else "")
    headline = f"Agatston {result.agatston:.0f}   category {result.category}"
    place = {"color": "white", "va": "top", "family": "DejaVu Sans"}
    figure.text(0.012, 1 - 0.08 / height, headline, fontsize=12, weight="bold", **place)
    figure.text(0.988, 1 - 0.10 / height, title, fontsize=9, ha="right", **place)
    figure.text(0.012, 1 - 0.36 / height, lesions if listed else "no coronary lesion", fontsize=8.5, **place)
    warnings = place | {"color": "#ffb454", "ha": "right"}
    figure.text(0.988, 1 - 0.36 / height, ", ".join(flags), fontsize=8.5, **warnings)


def _tile(axis: Axes, crop: "HeartCrop", lesions: np.ndarray, z: int, window, agatston: float) -> None:
    y0, y1, x0, x1 = window
    dx, dy, _ = crop.spacing_xyz_mm
    extent = (x0 - 0.5, x1 - 0.5, y1 - 0.5, y0 - 0.5)
    low, high = WINDOW_HU
    axis.imshow(
        crop.hu[z, y0:y1, x0:x1],
        cmap="gray",
        vmin=low,
        vmax=high,
        extent=extent,
        aspect=dy / dx,
        interpolation="bilinear",
    )
    axis.set(xlim=extent[:2], ylim=extent[2:])
    _outline(axis, crop.labels[z] == OTHER, OTHER_CALCIUM)
    _outline(axis, lesions > 0, CORONARY)
    edge = [withStroke(linewidth=1.8, foreground="black")]
    labels = np.unique(lesions[lesions > 0])
    places = [np.argwhere(lesions == label).mean(axis=0) for label in labels]
    points_per_pixel = 72 * TILE_INCHES / max(y1 - y0, x1 - x0)
    for label, (y, x), beside in zip(labels, places, _beside(places, points_per_pixel), strict=True):
        axis.annotate(
            str(label),
            (x, y),
            xytext=beside,
            ha="center",
            va="center",
            textcoords="offset points",
            color="white",
            fontsize=9,
            weight="bold",
            path_effects=edge,
        )
    text = {"transform": axis.transAxes, "fontsize": 8, "color": "white", "path_effects": edge}
    axis.text(0.03, 0.97, f"slice {crop.offset_zyx[0] + z}", va="top", **text)
    if agatston:
        axis.text(0.97, 0.97, f"{agatston:.0f}", va="top", ha="right", **(text | {"color": "#ff8086"}))


def _beside(places: Sequence[np.ndarray], points_per_pixel: float) -> list[tuple[float, float]]:
    """Offset in points (right, up) of the number of each lesion (y, x), away from lesions and numbers."""
    taken = [np.array([x, -y]) * points_per_pixel for y, x in places]
    offsets = []
    for lesion in taken[: len(places)]:
        # Of places as good as each other the first is taken: above to the right.
        free = [min(np.hypot(*(lesion + way - other)) for other in taken) for way in _WAYS]
        best = int(np.argmax(np.minimum(free, _CLEAR_POINTS)))
        taken.append(lesion + _WAYS[best])
        offsets.append(tuple(_WAYS[best]))
    return offsets


def _outline(axis: Axes, pixels: np.ndarray, colour: str) -> None:
    if not pixels.any():
        return
    y, x = np.nonzero(pixels)
    y0, x0 = y.min(), x.min()
    # Each pixel as 4 x 4, so that the line runs along pixel edges and a single pixel has one too.
    fine = np.pad(np.kron(pixels[y0 : y.max() + 1, x0 : x.max() + 1], np.ones((4, 4))), 1)
    lines = contourpy.contour_generator(z=fine).lines(0.5)
    axis.add_collection(
        LineCollection([(line - 0.5) / 4 + (x0 - 0.5, y0 - 0.5) for line in lines], colors=colour, lw=1.1)
    )


def _slices(crop: "HeartCrop", result: Score, tiles: int) -> list[int]:
    """Slices to show, from above to below."""
    inside = np.flatnonzero((crop.labels > 0).any(axis=(1, 2)))
    calcium = np.count_nonzero(crop.labels == CALCIUM, axis=(1, 2)).astype(float)
    calcium += 0.01 * np.count_nonzero(crop.labels == OTHER, axis=(1, 2))
    # One slice of each of the largest lesions first: a long lesion must not hide the others.
    chosen = dict.fromkeys(_middle(lesion, calcium) for lesion in result.lesions[: tiles // 2])
    chosen |= dict.fromkeys(int(z) for z in np.argsort(-calcium, kind="stable") if calcium[z] > 0)
    spread = np.linspace(0, len(inside) - 1, tiles).round().astype(int) if len(inside) else []
    chosen |= dict.fromkeys(int(inside[i]) for i in spread)
    return sorted(list(chosen)[:tiles], reverse=True)


def _middle(lesion: Lesion, calcium: np.ndarray) -> int:
    return max(lesion.z_slices, key=lambda z: calcium[z])


def _whole(crop: "HeartCrop") -> tuple[int, int, int, int]:
    return 0, crop.hu.shape[1], 0, crop.hu.shape[2]


def _window(crop: "HeartCrop") -> tuple[int, int, int, int]:
    """Square around everything labelled (y0, y1, x0, x1), in pixels; it may end at the crop's edge."""
    labelled = (crop.labels > 0).any(axis=0)
    if not labelled.any():
        return _whole(crop)
    centre, half = [], 0.0
    for axis, mm in ((0, crop.spacing_xyz_mm[1]), (1, crop.spacing_xyz_mm[0])):
        index = np.flatnonzero(labelled.any(axis=1 - axis))
        centre.append((index[0] + index[-1] + 1) / 2)
        half = max(half, (index[-1] + 1 - index[0]) * mm / 2 + MARGIN_MM)
    box = []
    for middle, mm, size in zip(centre, crop.spacing_xyz_mm[1::-1], crop.hu.shape[1:], strict=True):
        box += [max(0, int(middle - half / mm)), min(size, int(np.ceil(middle + half / mm)))]
    return tuple(box)

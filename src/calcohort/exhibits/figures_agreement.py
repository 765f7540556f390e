"""Figures of agreement: Figure 2, supplementary Figures 5 (matrices) and 6 (scatter)."""

from collections.abc import Mapping, Sequence
from itertools import chain
from string import ascii_uppercase

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from calcohort.categories import CATEGORIES
from calcohort.exhibits import Unavailable, style
from calcohort.exhibits.exhibit import File, open_file, population_name
from calcohort.exhibits.numbers import MISSING, fixed

SOURCES = ("statistics/concordance_matrix.csv", "statistics/agreement.csv")
SCAN_NAMES = {"internal": "All scans", "internal_ctac": "CTAC scans", "internal_gated": "ECG-gated scans"}
LABELS = ("0", "1–100", "101–400", ">400")
_SHADES = LinearSegmentedColormap.from_list(
    "calcohort", ["#ffffff", style.BLUES[0], style.BLUES[2], style.BLUES[3]]
)
_MATRIX_MM, _PANEL_MM, _FOOT_MM = 40.0, (57.0, 68.0), 6.0


def figure2(inputs: Mapping, meta: Mapping, width_mm: float = style.FULL_WIDTH_MM) -> Figure:
    """Internal testing: all scans, by type of scan, by site."""
    matrix, agreement = _open(inputs)
    present = list(dict.fromkeys(matrix.frame["population"]))
    sites = sorted(name for name in present if name.startswith("internal_site_"))
    wanted = [name for name in SCAN_NAMES if name in present]
    if not wanted:
        raise Unavailable(
            "The study has no internal testing: no development scans with an expert's score were held out."
        )
    scans = [(name, "expert vs dl", SCAN_NAMES[name]) for name in wanted]
    by_site = [(name, "expert vs dl", population_name(name)) for name in sites]
    return _matrices(matrix, agreement, [scans, by_site], ("Expert reader", "Deep learning"), width_mm)


def figure_s5(inputs: Mapping, meta: Mapping, width_mm: float = style.FULL_WIDTH_MM) -> Figure:
    """External testing: standard score against DL-CTAC with the stress and with the rest scan preferred."""
    matrix, agreement = _open(inputs)
    panels = []
    for comparison, words in (
        ("standard vs dl_ctac", "Stress scan preferred"),
        ("standard vs dl_ctac_rest_preferred", "Rest scan preferred"),
        ("standard vs dl_gated", "DL on the gated scan"),
    ):
        if matrix.rows(population="paired", comparison=comparison):
            panels.append(("paired", comparison, words))
    if not panels:
        raise Unavailable("The study has no patients with a same-day standard score.")
    axes_names = ("Standard CAC score", "Deep learning score")
    return _matrices(matrix, agreement, [panels], axes_names, width_mm)


def figure_s6(inputs: Mapping, meta: Mapping, width_mm: float = style.FULL_WIDTH_MM) -> Figure:
    """DL-CTAC against standard scores on the scale of log(x + 1)."""
    analysis = open_file(inputs, "cohort/analysis.csv", "cac_standard", "cac_dl")
    columns = [
        ("cac_dl", "DL-CTAC score (stress preferred)"),
        ("cac_dl_rest_preferred", "DL-CTAC score (rest preferred)"),
    ]
    panels = []
    for column, label in columns:
        if column in analysis.frame:
            pairs = analysis.frame[["cac_standard", column]].dropna().to_numpy(dtype=float)
            if len(pairs):
                panels.append((label, pairs))
    if not panels:
        raise Unavailable("The study has no patients with a same-day standard score.")
    figure, corners = style.sheet([len(panels)], (87.0, 88.0), width_mm)
    highest = max(pairs.max() for _, pairs in panels)
    for place, ((label, pairs), (left, bottom)) in enumerate(zip(panels, corners, strict=True)):
        axes = style.axes_at(figure, left + 14, bottom + 17, 66, 63)
        _scatter(axes, pairs, highest)
        axes.set(xlabel="Standard CAC score", ylabel=label)
        axes.set_title(f"{'AB'[place]}  n = {fixed(len(pairs), 0)}")
    return figure


def _open(inputs: Mapping) -> tuple[File, File]:
    matrix = open_file(
        inputs, SOURCES[0], "population", "comparison", "row_category", "column_category", "count"
    )
    return matrix, open_file(
        inputs, SOURCES[1], "population", "comparison", "weights", "kappa", "ci_low", "ci_high"
    )


def _matrices(
    matrix: File,
    agreement: File,
    groups: Sequence[Sequence[tuple[str, str, str]]],
    axes_names: tuple[str, str],
    width_mm: float,
) -> Figure:
    """A matrix for each (population, comparison, title); each group starts a row."""
    figure, corners = style.sheet([len(group) for group in groups], _PANEL_MM, width_mm, _FOOT_MM)
    for place, ((population, comparison, title), (left, bottom)) in enumerate(
        zip(chain(*groups), corners, strict=True)
    ):
        axes = style.axes_at(figure, left + 17, bottom + 17, _MATRIX_MM, _MATRIX_MM)
        counts = counts_of(matrix, population, comparison)
        draw_matrix(axes, counts)
        axes.set_title(f"{ascii_uppercase[place]}  {title}", pad=4, x=-0.30)
        axes.set(xlabel=axes_names[1], ylabel=axes_names[0])
        found = agreement.row(population=population, comparison=comparison, weights="linear")
        words = _kappa_words(agreement, found, counts)
        axes.text(0.40, -0.27, words, transform=axes.transAxes, ha="center", va="top", fontsize=6.5)
    return figure


def counts_of(matrix: File, population: str, comparison: str) -> np.ndarray:
    """Counts (4, 4), rows = the reference."""
    counts = np.zeros((4, 4), dtype=int)
    for row in matrix.rows(population=population, comparison=comparison):
        i = CATEGORIES.index(matrix.value(row, "row_category"))
        j = CATEGORIES.index(matrix.value(row, "column_category"))
        counts[i, j] = int(matrix.value(row, "count"))
    return counts


def draw_matrix(axes: Axes, counts: np.ndarray) -> None:
    """Counts with the share of their row, shaded by it; the diagonal is framed."""
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    axes.imshow(shares, cmap=_SHADES, vmin=0, vmax=1)
    for i, j in np.ndindex(counts.shape):
        color = "white" if shares[i, j] > 0.5 else style.INK
        axes.text(
            j, i - 0.10, fixed(counts[i, j], 0), ha="center", va="center", color=color, fontweight="bold"
        )
        if totals[i]:
            words = f"{fixed(100 * shares[i, j], 0)}%"
            axes.text(j, i + 0.25, words, ha="center", va="center", color=color, fontsize=6)
        if i == j:
            frame = {"fill": False, "edgecolor": style.INK, "linewidth": 0.8}
            axes.add_patch(style.rectangle(j - 0.5, i - 0.5, 1, 1, **frame))
    axes.set_xticks(range(4), LABELS)
    axes.set_yticks(range(4), LABELS)
    axes.tick_params(length=0, labelsize=6.3)
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color(style.RULE)


def _kappa_words(agreement: File, row: int | None, counts: np.ndarray) -> str:
    n = f"n = {fixed(counts.sum(), 0)}"
    kappa, low, high = (agreement.text(row, column, "kappa") for column in ("kappa", "ci_low", "ci_high"))
    if kappa == MISSING:
        return f"{n}\nlinear kappa not estimable"
    interval = "" if low == MISSING else f" (95% CI {low}, {high})"
    return f"{n}\nlinear kappa {kappa}{interval}"


def _scatter(axes: Axes, pairs: np.ndarray, highest: float) -> None:
    logs = np.log1p(pairs)
    top = np.log1p(highest) * 1.03
    axes.plot([0, top], [0, top], color=style.QUIET, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
    for limit in (100, 400):
        for line in (axes.axhline, axes.axvline):
            line(np.log1p(limit), color=style.RULE, linewidth=0.5, zorder=0)
    faint = 0.25 if len(logs) > 500 else 0.6
    axes.scatter(*logs.T, s=5, color=style.BLUES[2], alpha=faint, linewidths=0, zorder=2, rasterized=True)
    ticks = [tick for tick in (0, 10, 100, 400, 2000) if np.log1p(tick) <= top]
    axes.set_xticks(np.log1p(ticks), [fixed(tick, 0) for tick in ticks])
    axes.set_yticks(np.log1p(ticks), [fixed(tick, 0) for tick in ticks])
    axes.set(xlim=(-0.15, top), ylim=(-0.15, top), aspect="equal")

"""Seconds per scan of a run beside the readers'; lives in audit/, for it differs between equal runs."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from calcohort.exhibits import style
from calcohort.exhibits.numbers import fixed, significant


def times(groups: Sequence[tuple[str, Sequence[float], Sequence[float]]]) -> Figure:
    """One row per group: every time as a tick, median and quartiles as a box, on a logarithmic axis.

    Parameters
    ----------
    groups : sequence of (name, seconds, weights)
        `weights` is the number of scans behind each time.
    """
    height = 26.0 + 15.0 * len(groups)
    figure = style.new_figure(height)
    axes = style.axes_at(figure, 46, 14, 86, height - 22)
    tones = (style.BLUES[2], style.GREYS[2])
    for row, (name, seconds, weights) in enumerate(groups):
        low, middle, high = quartiles(seconds, weights)
        tone = tones[row % len(tones)]
        axes.vlines(seconds, row + 0.18, row + 0.36, color=tone, linewidth=0.7)
        axes.add_patch(
            style.rectangle(low, row - 0.14, max(high - low, 1e-9), 0.26, facecolor=tone, alpha=0.35)
        )
        axes.vlines(middle, row - 0.14, row + 0.12, color=tone, linewidth=2)
        words = f"{significant(middle, 3)} ({significant(low, 3)}, {significant(high, 3)})"
        place = axes.get_yaxis_transform()
        size = f"n = {fixed(sum(weights), 0)}"
        axes.text(1.02, row, f"{words}\n{size}", transform=place, va="center", fontsize=6.5)
        axes.text(-0.02, row, name, transform=place, ha="right", va="center")
    axes.text(1.02, -0.8, "Median (quartiles), s", transform=axes.get_yaxis_transform(), fontsize=6.5)
    axes.set(xscale="log", ylim=(len(groups) - 0.4, -0.6), yticks=[], xlabel="Seconds per scan, log scale")
    every = np.concatenate([np.asarray(seconds, float) for _, seconds, _ in groups])
    low, high = every.min() / 1.5, every.max() * 1.5
    ticks = [tick for tick in (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000) if low <= tick <= high]
    axes.set_xlim(low, high)
    axes.set_xticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.spines["left"].set_visible(False)
    axes.set_title("Time per scan")
    return figure


def quartiles(seconds: Sequence[float], weights: Sequence[float]) -> tuple[float, float, float]:
    """Quartiles of times, each counted as often as it has scans."""
    values = np.repeat(np.asarray(seconds, float), np.asarray(weights, int))
    q1, q2, q3 = np.quantile(values, [0.25, 0.5, 0.75], method="averaged_inverted_cdf")
    return float(q1), float(q2), float(q3)

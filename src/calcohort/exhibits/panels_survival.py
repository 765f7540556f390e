"""Panels of Figures 3 to 5: survival curves, numbers at risk, log-rank tests, hazard-ratio forest."""

import numpy as np
from matplotlib.axes import Axes

from calcohort.categories import CATEGORIES
from calcohort.exhibits import Unavailable
from calcohort.exhibits.exhibit import SPARSE, File, any_sparse
from calcohort.exhibits.numbers import MISSING
from calcohort.exhibits.style import DASHES, MM, QUIET, RULE, TONES

CATEGORY_NAMES = ("CAC = 0", "CAC 1–100", "CAC 101–400", "CAC >400")
# Curves end where fewer than this share of the patients is still followed: what lies beyond is noise.
_LEAST_SHARE_AT_RISK = 0.05
# Left edge of the row labels in widths of the panel; places of the forest's columns in millimetres.
_LABEL_X = -0.37
_EVENTS_X, _RATIO_X, _P_X = 26.5, 63.5, 80.5


def curves_of(km: File, population: str, score: str) -> dict[str, np.ndarray]:
    """Rows of km.csv per category that has patients; `Unavailable` if there are none, or no events."""
    found = {}
    for category in CATEGORIES:
        rows = km.rows(population=population, score=score, category=category)
        table = (
            km.frame.iloc[rows]
            .dropna(subset=["time_years", "survival"])
            .sort_values("time_years", kind="stable")
        )
        if len(table):
            found[category] = table
    if not found:
        raise Unavailable(f"No survival curves: {_population_gap(population)}.")
    if not sum(table["n_events"].sum() for table in found.values()):
        raise Unavailable("No survival curves: no major adverse event was observed.")
    return found


def last_year(curves: dict) -> int:
    """Whole years to draw: as long as at least a twentieth of the patients is followed, at least 1."""
    starts = sum(table["n_at_risk"].iloc[0] for table in curves.values())
    longest = int(np.floor(max(table["time_years"].max() for table in curves.values())))
    for year in range(longest, 1, -1):
        if sum(at_risk(table, year) for table in curves.values()) >= _LEAST_SHARE_AT_RISK * starts:
            return year
    return 1


def at_risk(table, year: float) -> int:
    """Patients whose time is at least `year`."""
    later = table["n_at_risk"].to_numpy()[table["time_years"].to_numpy() >= year]
    return int(later[0]) if len(later) else 0


def draw_curves(axes: Axes, curves: dict, score: str, years: int, title: str, lowest: float) -> None:
    """Event-free survival per category as steps with their intervals."""
    for code, category in enumerate(CATEGORIES):
        if category not in curves:
            continue
        table = curves[category]
        table = table[table["time_years"] <= years]
        # Between events nothing changes, and a curve of a large cohort stays a small file.
        table = table[(table["n_events"] > 0) | (table.index == (table.index[-1] if len(table) else -1))]
        columns = table[["time_years", "survival", "ci_low", "ci_high"]].to_numpy(dtype=float)
        columns = np.vstack([[0.0, 1.0, 1.0, 1.0], columns])
        times, survival, low, high = columns.T
        tone = TONES[score][code]
        axes.fill_between(times, low, high, step="post", color=tone, alpha=0.16, linewidth=0)
        axes.step(
            times, survival, where="post", color=tone, linestyle=DASHES[code], label=CATEGORY_NAMES[code]
        )
    axes.set(xlim=(0, years), ylim=(lowest, 1.0), xlabel="Years from the scan", ylabel="MACE-free survival")
    axes.set_xticks(_year_ticks(years))
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%")
    axes.grid(axis="y", color=RULE, linewidth=0.4)
    axes.set_title(title, pad=5)


def draw_legend(axes: Axes, overall: str) -> None:
    """Legend at the lower left with the overall test as its heading."""
    legend = axes.legend(
        loc="lower left",
        title=overall,
        handlelength=2.6,
        borderaxespad=0.3,
        alignment="left",
        labelspacing=0.3,
    )
    legend.set_frame_on(True)
    legend.get_frame().set(facecolor="white", edgecolor="none", alpha=0.85)
    legend.get_title().set_fontsize(7)


def lowest_survival(curve_sets: list[dict], years: int) -> float:
    """Lower end of the axis that the panels of one figure share."""
    lows = [
        table.loc[table["time_years"] <= years, "survival"].min()
        for curves in curve_sets
        for table in curves.values()
        if (table["time_years"] <= years).any()
    ]
    return max(0.0, np.floor((min(lows, default=0.0) - 0.12) * 10) / 10)


def draw_at_risk(axes: Axes, curves: dict, score: str, years: int) -> None:
    """Number at risk below the curves, aligned with their axis."""
    axes.set(xlim=(0, years), ylim=(len(CATEGORIES) - 0.4, -1.0))
    axes.axis("off")
    place = axes.get_yaxis_transform()
    axes.text(_LABEL_X, -0.75, "Number at risk", transform=place, fontweight="bold", va="center")
    for code, category in enumerate(CATEGORIES):
        axes.plot(
            [_LABEL_X + 0.002, _LABEL_X + 0.022],
            [code, code],
            transform=place,
            color=TONES[score][code],
            lw=2,
            clip_on=False,
        )
        axes.text(_LABEL_X + 0.036, code, CATEGORY_NAMES[code], transform=place, va="center", fontsize=6.5)
        for year in _year_ticks(years):
            words = MISSING if category not in curves else f"{at_risk(curves[category], year):,}"
            axes.text(year, code, words, ha="center", va="center", fontsize=6.5)


def draw_pairwise(axes: Axes, logrank: File, population: str, score: str) -> None:
    """Triangle of pairwise log-rank p-values, Holm-adjusted ones in brackets."""
    axes.set(xlim=(0, 1), ylim=(2.55, -1.2))
    axes.axis("off")
    axes.text(_LABEL_X, -0.85, "Log-rank p (Holm)", fontweight="bold", va="center")
    for column in range(3):
        centre = 0.205 + 0.33 * column
        axes.text(centre, -0.85, f"vs {CATEGORY_NAMES[column]}", ha="center", va="center", color=QUIET)
        for row in range(column + 1, 4):
            words = f"{CATEGORIES[column]} vs {CATEGORIES[row]}"
            found = logrank.row(population=population, score=score, comparison=words)
            p, holm = logrank.text(found, "p", "pvalue"), logrank.text(found, "p_holm", "pvalue")
            shown = p if p == MISSING else f"{p} ({holm})"
            axes.text(centre, row - 1, shown, ha="center", va="center", fontsize=6)
    for row in range(1, 4):
        axes.text(_LABEL_X, row - 1, CATEGORY_NAMES[row], va="center")


def overall_test(logrank: File, population: str, score: str) -> str:
    """Words for the overall log-rank test."""
    p = logrank.text(logrank.row(population=population, score=score, comparison="overall"), "p", "pvalue")
    return "" if p == MISSING else f"Log-rank p {p}" if p[0] in "<>" else f"Log-rank p = {p}"


def draw_forest(text: Axes, axes: Axes, cox: File, curves: dict, population: str, score: str) -> None:
    """Univariable hazard ratios against CAC = 0 with counts at the left and numbers at the right.

    Parameters
    ----------
    text, axes : Axes
        The whole column, one unit a millimetre, and inside it the place of the plot; both of one height.
    """
    rows = {
        c: cox.row(population=population, score=score, model="univariable", term=c) for c in CATEGORIES[1:]
    }
    low, high = _forest_limits(cox, list(rows.values()))
    for place in (text, axes):
        place.set_ylim(3.6, -1.2)
    text.axis("off")
    axes.set(xscale="log", xlim=(low, high), yticks=[], facecolor="none")
    axes.spines["left"].set_visible(False)
    axes.plot([1, 1], [-0.5, 3.6], color=QUIET, linewidth=0.6)
    ticks = _log_ticks(low, high, axes.get_position().width * axes.figure.get_figwidth() / MM)
    axes.set_xticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("Hazard ratio, log scale")
    heads = ((_EVENTS_X, "Events / N"), (_RATIO_X, "HR (95% CI)"), (_P_X, "p"))
    for x, words in heads:
        text.text(x, -0.85, words, ha="center", va="center", fontweight="bold", fontsize=6.5)
    for code, category in enumerate(CATEGORIES):
        text.text(1.0, code, CATEGORY_NAMES[code], va="center")
        table = curves.get(category)
        counts = MISSING
        if table is not None:
            counts = f"{int(table['n_events'].sum()):,} / {int(table['n_at_risk'].iloc[0]):,}"
        text.text(_EVENTS_X, code, counts, ha="center", va="center", fontsize=6.5)
        if table is None:
            text.text(_RATIO_X, code, "no patients", ha="center", va="center", color=QUIET, fontsize=6.5)
        elif code:
            _draw_ratio(text, axes, cox, rows[category], code, TONES[score][code])
        else:
            axes.plot(1, code, marker="D", markersize=3.5, color=TONES[score][code])
            text.text(_RATIO_X, code, "reference", ha="center", va="center", color=QUIET, fontsize=6.5)
    if any_sparse(cox, list(rows.values())):
        # Below the label of the axis, where nothing else stands.
        text.annotate(
            SPARSE, (0.5, 0), (0, -25), "axes fraction", "offset points", ha="center", va="top", fontsize=6
        )


def _draw_ratio(text: Axes, axes: Axes, cox: File, row: int | None, code: int, tone: str) -> None:
    hr, low, high = (cox.value(row, column) for column in ("estimate", "ci_low", "ci_high"))
    if hr is None or low is None or high is None:
        text.text(_RATIO_X, code, "not estimable", ha="center", va="center", color=QUIET, fontsize=6.5)
        return
    edge_low, edge_high = axes.get_xlim()
    axes.plot([max(low, edge_low), min(high, edge_high)], [code, code], color=tone, linewidth=1.2)
    axes.plot(np.clip(hr, edge_low, edge_high), code, marker="s", markersize=4, color=tone)
    hr, low, high = (cox.text(row, column, "hr") for column in ("estimate", "ci_low", "ci_high"))
    text.text(_RATIO_X, code, f"{hr} ({low}–{high})", ha="center", va="center", fontsize=6.5)
    text.text(_P_X, code, cox.text(row, "p", "pvalue"), ha="center", va="center", fontsize=6.5)


def _forest_limits(cox: File, rows: list[int | None]) -> tuple[float, float]:
    lows = [cox.value(row, "ci_low") for row in rows]
    highs = [cox.value(row, "ci_high") for row in rows]
    low = min([0.7, *(value for value in lows if value)])
    high = max([2.5, *(value for value in highs if value and np.isfinite(value))])
    return max(low * 0.9, 0.05), min(high * 1.1, 50.0)


# From the densest to the sparsest: the first whose labels have room is taken.
_TICKS = (
    (0.25, 0.5, 1, 2, 3, 4, 6, 8),
    (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50),
    (0.1, 0.3, 1, 3, 10, 30),
    (0.1, 1, 10),
)
_DIGIT_MM, _GAP_MM = 1.6, 1.0


def _log_ticks(low: float, high: float, width_mm: float) -> list[float]:
    """Ticks of a logarithmic axis whose labels do not touch at this printed width."""
    for candidates in _TICKS:
        ticks = [tick for tick in candidates if low <= tick <= high]
        places = width_mm * np.log(np.array(ticks) / low) / np.log(high / low)
        widths = np.array([_DIGIT_MM * len(f"{tick:g}") for tick in ticks])
        if len(ticks) > 1 and (np.diff(places) >= (widths[1:] + widths[:-1]) / 2 + _GAP_MM).all():
            return ticks
    return [1.0]


def _year_ticks(years: int) -> list[int]:
    return list(range(0, years + 1, 1 if years <= 7 else 2))


def _population_gap(population: str) -> str:
    if population.startswith("paired"):
        return "the study has no patients with a same-day standard score"
    return "the study has no patients in this population"

"""How far the models can be trusted: decision curve, calibration, proportional hazards."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from calcohort.categories import CATEGORIES
from calcohort.exhibits import Unavailable, style
from calcohort.exhibits.exhibit import SCORE_NAMES, File, open_file, population_name
from calcohort.exhibits.numbers import MISSING

# Colour, dashes and width of each curve, told apart in grey as well.
_CURVES = {
    "treat_all": ("Everybody", style.QUIET, (0, (1, 1.2)), 1.0),
    "treat_none": ("Nobody", style.INK, "solid", 0.8),
    "mfr_sds": ("MFR + SDS", "#c26a00", (0, (4, 1.5)), 1.2),
    "mfr_sds+dl_ctac": ("MFR + SDS + DL-CTAC", style.BLUES[2], "solid", 1.5),
    "mfr_sds+standard": ("MFR + SDS + standard score", style.GREYS[3], (0, (5, 1.2, 1, 1.2)), 1.3),
}
_WHO = {"all": "All patients", "paired": "Both scores"}
_MODELS = {"univariable": "Univariable", "adjusted": "Adjusted"}


def decision_curve(inputs: Mapping, meta: Mapping, width_mm: float = style.FULL_WIDTH_MM) -> Figure:
    """Net benefit against the threshold of risk, everybody and those with both scores."""
    columns = ("population", "model", "horizon_years", "threshold", "net_benefit")
    file = open_file(inputs, "statistics/decision_curve.csv", *columns)
    panels = []
    for population in ("all", "paired"):
        table = file.frame.iloc[file.rows(population=population)].dropna(subset=["threshold", "net_benefit"])
        if table["model"].str.startswith("mfr_sds+").any():
            panels.append((population, table))
    if not panels:
        raise Unavailable("No decision curve: the models need flow reserve, ischemia, scores and events.")
    figure, corners = style.sheet([len(panels)], (87.0, 82.0), width_mm)
    highest = max(table.loc[table["model"] != "treat_none", "net_benefit"].max() for _, table in panels)
    for place, ((population, table), (left, bottom)) in enumerate(zip(panels, corners, strict=True)):
        axes = style.axes_at(figure, left + 17, bottom + 17, 63, 57)
        for model, (label, color, dashes, width) in _CURVES.items():
            curve = table[table["model"] == model].sort_values("threshold")
            if len(curve):
                axes.plot(
                    *curve[["threshold", "net_benefit"]].to_numpy(float).T,
                    color=color,
                    ls=dashes,
                    lw=width,
                    label=label,
                )
        years = f"{table['horizon_years'].iloc[0]:g}"
        axes.set(
            xlabel=f"Threshold of {years}-year risk",
            ylabel="Net benefit",
            # Curves fall from the upper left; above them the legend has room.
            ylim=(-0.1 * highest, 1.5 * highest),
        )
        used = table.loc[
            table["model"].str.startswith("mfr_sds") & (table["net_benefit"] > 0.005), "threshold"
        ]
        last = np.ceil(10 * used.max()) / 10 if len(used) else 1.0
        axes.set(xlim=(0, last), xticks=np.arange(0, last + 0.05, 0.1))
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%")
        axes.set_title(f"{'AB'[place]}  {_WHO[population]}")
        axes.legend(loc="upper right", title="Treat", alignment="left", handlelength=2.6)
    return figure


def calibration(inputs: Mapping, meta: Mapping, width_mm: float = style.FULL_WIDTH_MM) -> Figure:
    """Predicted against observed risk, by category and by tenths of the adjusted model."""
    columns = (
        "population",
        "score",
        "model",
        "group",
        "predicted",
        "observed",
        "ci_low",
        "ci_high",
        "horizon_years",
    )
    file = open_file(inputs, "statistics/calibration.csv", *columns)
    panels = []
    for population, score in (("all", "dl_ctac"), ("paired", "standard")):
        rows = file.frame.iloc[file.rows(population=population, score=score)]
        rows = rows[rows["group"] != "all"].dropna(subset=["predicted", "observed"])
        if len(rows):
            panels.append((f"{SCORE_NAMES[score]}, {_WHO[population].lower()}", score, rows))
    if not panels:
        raise Unavailable("No calibration: no model could be fitted, or follow-up ends before its horizon.")
    figure, corners = style.sheet([len(panels)], (87.0, 92.0), width_mm)
    top = min(1.0, 1.05 * max(np.nanmax(rows[["predicted", "observed", "ci_high"]]) for _, _, rows in panels))
    for place, ((title, score, rows), (left, bottom)) in enumerate(zip(panels, corners, strict=True)):
        axes = style.axes_at(figure, left + 17, bottom + 22, 61, 61)
        _calibration_panel(axes, rows, score, top)
        years = f"{rows['horizon_years'].iloc[0]:g}"
        axes.set(xlabel=f"Predicted {years}-year risk", ylabel=f"Observed {years}-year risk (Kaplan–Meier)")
        axes.set_title(f"{'AB'[place]}  {title}", fontsize=7.5)
    return figure


def proportional_hazards(inputs: Mapping, meta: Mapping) -> Figure:
    """P-values of the tests of proportional hazards, shaded where below 0.05."""
    columns = ("population", "score", "model", "term", "p", "method")
    file = open_file(inputs, "statistics/proportional_hazards.csv", *columns)
    terms = [*CATEGORIES[1:], "mfr", "sds", "GLOBAL"]
    keys = file.frame.iloc[file.rows()][["population", "score", "model"]].drop_duplicates()
    keys = [tuple(key) for key in keys.itertuples(index=False) if _tested(file, tuple(key), terms)]
    if not keys:
        raise Unavailable("No test of proportional hazards: no model could be fitted.")
    height = 24.0 + 6.5 * len(keys)
    figure, axes = style.canvas(height)
    heads = ("CAC 1–100", "CAC 101–400", "CAC >400", "MFR", "SDS", "Global")
    centres = [92.0 + 14.8 * place for place in range(len(heads))]
    for x, head in zip(centres, heads, strict=True):
        axes.text(x, height - 9, head, ha="center", va="center", fontweight="bold", fontsize=6)
    axes.text(
        3, height - 4, "P-values of tests of proportional hazards", fontweight="bold", fontsize=8, va="center"
    )
    for place, (population, score, model) in enumerate(keys):
        y = height - 15 - 6.5 * place
        words = population_name(population).replace("a same-day standard score", "standard score")
        words = words.replace("No history of CAD, with", "No CAD,")
        axes.text(
            3,
            y,
            f"{words}: {SCORE_NAMES[score].removesuffix(' score')}, {_MODELS.get(model, model).lower()}",
            va="center",
        )
        for x, term in zip(centres, terms, strict=True):
            row = file.row(population=population, score=score, model=model, term=term)
            p = file.value(row, "p")
            low = p is not None and p < 0.05
            if low:
                axes.add_patch(
                    style.rectangle(x - 7, y - 2.7, 14, 5.4, facecolor="#f3d3b3", edgecolor="none")
                )
            axes.text(
                x,
                y,
                file.text(row, "p", "pvalue"),
                ha="center",
                va="center",
                fontweight="bold" if low else "normal",
            )
    method = file.value(file.rows()[0], "method")
    axes.text(3, 7, f"Shaded: p < 0.05. Method: {method}.", va="center", fontsize=6.5, color=style.QUIET)
    return figure


def schoenfeld(inputs: Mapping, meta: Mapping, width_mm: float = style.FULL_WIDTH_MM) -> Figure:
    """Smoothed scaled Schoenfeld residuals of each term of the adjusted model, or of the univariable one."""
    columns = (
        "population",
        "score",
        "model",
        "term",
        "time_years",
        "estimate",
        "ci_low",
        "ci_high",
        "log_hr",
    )
    file = open_file(inputs, "statistics/schoenfeld.csv", *columns)
    key = {"population": "all", "score": "dl_ctac"}
    model = next((m for m in ("adjusted", "univariable") if file.rows(**key, model=m)), None)
    if model is None:
        raise Unavailable(
            "No Schoenfeld residuals: no model of all patients could be fitted, or too few events."
        )
    tests = inputs.get("statistics/proportional_hazards.csv")
    curves = file.frame.iloc[file.rows(**key, model=model)]
    terms = list(dict.fromkeys(curves["term"]))
    # In one column the panels are wider and lower, so that five stand on a page.
    in_column = width_mm == style.COLUMN_WIDTH_MM
    size, drawn = ((85.0, 46.0), (66.0, 29.0)) if in_column else ((56.5, 60.0), (42.0, 41.0))
    figure, corners = style.sheet([len(terms)], size, width_mm, foot_mm=8.0)
    for place, (term, (left, bottom)) in enumerate(zip(terms, corners, strict=True)):
        axes = style.axes_at(figure, left + 14, bottom + 10, *drawn)
        _schoenfeld_panel(axes, curves[curves["term"] == term])
        p = MISSING
        if tests is not None and len(tests):
            opened = open_file(inputs, "statistics/proportional_hazards.csv", "term", "p")
            p = opened.text(opened.row(**key, model=model, term=term), "p", "pvalue")
        words = "" if p == MISSING else f", p {p}" if p[0] in "<>" else f", p = {p}"
        axes.set_title(f"{'ABCDEFGH'[place]}  {_TERMS.get(term, term)}{words}", fontsize=7.5)
    return figure


_TERMS = {"1-100": "CAC 1–100", "101-400": "CAC 101–400", ">400": "CAC >400", "mfr": "MFR", "sds": "SDS"}


def _schoenfeld_panel(axes: Axes, curve) -> None:
    years, middle, low, high = curve[["time_years", "estimate", "ci_low", "ci_high"]].to_numpy(float).T
    constant = float(curve["log_hr"].iloc[0])
    axes.fill_between(years, low, high, color=style.BLUES[2], alpha=0.16, linewidth=0)
    axes.plot(years, middle, color=style.BLUES[2])
    axes.axhline(constant, color=style.INK, linewidth=0.8, linestyle=(0, (4, 2)))
    axes.axhline(0, color=style.RULE, linewidth=0.6, zorder=0)
    # The ends of a spline run away; what is read is the middle.
    inside = slice(2, -2) if len(years) > 8 else slice(None)
    bottom, top = min(0, low[inside].min(), constant), max(0, high[inside].max(), constant)
    edge = 0.08 * (top - bottom or 1)
    axes.set(xlim=(0, years.max()), ylim=(bottom - edge, top + edge), xlabel="Years from the scan")
    axes.set_xticks(np.arange(0, years.max() + 1e-9, 1 if years.max() <= 5 else 2))
    axes.set_ylabel("log hazard ratio", labelpad=2)


def _tested(file: File, key: tuple[str, str, str], terms: list[str]) -> bool:
    population, score, model = key
    rows = (file.row(population=population, score=score, model=model, term=term) for term in terms)
    return any(file.text(row, "p", "pvalue") != MISSING for row in rows)


def _calibration_panel(axes: Axes, rows, score: str, top: float) -> None:
    axes.plot([0, top], [0, top], color=style.QUIET, linewidth=0.8, linestyle=(0, (4, 2)))
    looks = (("univariable", "s", 1, "Categories"), ("adjusted", "o", 3, "Adjusted model, groups of risk"))
    for model, marker, tone, label in looks:
        some = rows[rows["model"] == model]
        if some.empty:
            continue
        x, y, low, high = some[["predicted", "observed", "ci_low", "ci_high"]].to_numpy(float).T
        spread = np.nan_to_num(np.vstack([y - low, high - y]).clip(min=0))
        look = {"color": style.TONES[score][tone], "markersize": 3.5, "linewidth": 0.8}
        axes.errorbar(x, y, yerr=spread, fmt=marker, label=label, **look)
    axes.set(xlim=(0, top), ylim=(0, top), aspect="equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(np.arange(0, top, 0.2 if top > 0.6 else 0.1 if top > 0.3 else 0.05))
        axis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%")
    # Intervals may reach into every corner.
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, handlelength=1.2, columnspacing=1.2)

"""Figures 3 to 5 and the central illustration: outcome by calcium category."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from calcohort.exhibits import panels_survival as panels
from calcohort.exhibits import style
from calcohort.exhibits.exhibit import SCORE_NAMES, first, open_file, population_name
from calcohort.exhibits.numbers import MISSING

KM_COLUMNS = ("population", "score", "category", "time_years", "n_at_risk", "n_events", "survival", "ci_low")

# Half of a page's width, in which the curves start after room for their labels (millimetres).
_HALF, _LABELS, _PANEL, _HEIGHT = 87.0, 23.0, 60.0, 180.0
_FOREST = (36.0, 16.0)
_PAIRED = (("paired", "standard"), ("paired", "dl_ctac"))


def survival_by_category(
    panels_wanted: Sequence[tuple[str, str]],
    titles: Sequence[str],
    inputs: Mapping,
    width_mm: float,
    part: str,
) -> Figure:
    """Two panels, each a population and score: curves, at-risk table, log-rank tests, forest.

    Parameters
    ----------
    panels_wanted : two of (population, score)
    titles : two of str
        Panel headings.
    part : {"", "A", "B"}
        Draw that panel alone: one is as wide as a column, and two as high as no page.
    """
    logrank, cox, curve_sets, years = _open(inputs, panels_wanted)
    lowest = panels.lowest_survival(curve_sets, years)
    drawn = [place for place, letter in enumerate("AB") if part in ("", letter)]
    figure, corners = style.sheet([len(drawn)], (_HALF, _HEIGHT), width_mm)
    for place, (left, bottom) in zip(drawn, corners, strict=True):
        (population, score), curves = panels_wanted[place], curve_sets[place]
        axes = style.axes_at(figure, left + _LABELS, bottom + 105, _PANEL, 66)
        panels.draw_curves(axes, curves, score, years, f"{'AB'[place]}  {titles[place]}", lowest)
        panels.draw_legend(axes, panels.overall_test(logrank, population, score))
        at_risk = style.axes_at(figure, left + _LABELS, bottom + 74, _PANEL, 20)
        panels.draw_at_risk(at_risk, curves, score, years)
        pairwise = style.axes_at(figure, left + _LABELS, bottom + 53, _PANEL, 16)
        panels.draw_pairwise(pairwise, logrank, population, score)
        text = style.axes_at(figure, left, bottom + 17, _HALF, 30)
        forest = style.axes_at(figure, left + _FOREST[0], bottom + 17, _FOREST[1], 30)
        text.set_xlim(0, _HALF)
        panels.draw_forest(text, forest, cox, curves, population, score)
    return figure


def _open(inputs: Mapping, panels_wanted: Sequence[tuple[str, str]]):
    km = open_file(inputs, "statistics/km.csv", *KM_COLUMNS)
    logrank = open_file(inputs, "statistics/logrank.csv", "population", "score", "comparison", "p", "p_holm")
    cox = open_file(inputs, "statistics/cox.csv", "population", "score", "model", "term", "estimate", "p")
    curve_sets = [panels.curves_of(km, population, score) for population, score in panels_wanted]
    years = min(panels.last_year(curves) for curves in curve_sets)
    return logrank, cox, curve_sets, years


def figure3(inputs: Mapping, meta: Mapping, width_mm: float = style.FULL_WIDTH_MM, part: str = "") -> Figure:
    """Outcome by DL-CTAC category: everybody, and without a history of CAD."""
    wanted = (("all", "dl_ctac"), ("no_cad", "dl_ctac"))
    return survival_by_category(wanted, [population_name(key) for key, _ in wanted], inputs, width_mm, part)


def figure4(inputs: Mapping, meta: Mapping, width_mm: float = style.FULL_WIDTH_MM, part: str = "") -> Figure:
    """Outcome by the standard and by the DL-CTAC category in patients with both."""
    return _both_scores("paired", inputs, width_mm, part)


def figure5(inputs: Mapping, meta: Mapping, width_mm: float = style.FULL_WIDTH_MM, part: str = "") -> Figure:
    """The same without a history of CAD."""
    return _both_scores("paired_no_cad", inputs, width_mm, part)


def central(inputs: Mapping, meta: Mapping) -> Figure:
    """The comparison in one picture: curves and ratios of both scores, agreement and what differs."""
    _, cox, curve_sets, years = _open(inputs, _PAIRED)
    height = 150.0
    figure = style.new_figure(height)
    lowest = panels.lowest_survival(curve_sets, years)
    heads = ("Expert, ECG-gated CT: standard CAC score", "Deep learning, CTAC scan: DL-CTAC score")
    for side, ((population, score), curves) in enumerate(zip(_PAIRED, curve_sets, strict=True)):
        start = side * _HALF
        axes = style.axes_at(figure, start + 17, 68, 66, 62)
        panels.draw_curves(axes, curves, score, years, "", lowest)
        panels.draw_legend(axes, "")
        text = style.axes_at(figure, start, 23, _HALF, 30)
        forest = style.axes_at(figure, start + _FOREST[0], 23, _FOREST[1], 30)
        text.set_xlim(0, _HALF)
        panels.draw_forest(text, forest, cox, curves, population, score)
        tone = style.TONES[score][2]
        banner = style.axes_at(figure, start + 2, 134, _HALF - 4, 8)
        banner.axis("off")
        banner.add_patch(style.rectangle(0, 0, 1, 1, facecolor=tone, transform=banner.transAxes))
        banner.text(0.5, 0.5, heads[side], ha="center", va="center", color="white", fontweight="bold")
    words = "   |   ".join(_findings(inputs))
    figure.text(0.5, 9.5 / height, words, ha="center", va="center", fontsize=7.5, fontweight="bold")
    return figure


def _findings(inputs: Mapping) -> list[str]:
    found = []
    kappa = first(inputs, "statistics/agreement.csv", "kappa", "kappa", population="paired", weights="linear")
    if kappa != MISSING:
        found.append(f"Linear kappa {kappa}")
    if "statistics/nri.csv" in inputs and len(inputs["statistics/nri.csv"]):
        nri = open_file(inputs, "statistics/nri.csv", "population", "method", "component", "horizon_years")
        rows = nri.rows(population="paired", method="km", component="overall")
        # The longest horizon that the follow-up allows.
        rows = [row for row in rows if nri.value(row, "estimate") is not None]
        if rows:
            row = max(rows, key=lambda row: nri.value(row, "horizon_years"))
            value, low, high = (nri.text(row, column, "nri") for column in ("estimate", "ci_low", "ci_high"))
            years = nri.text(row, "horizon_years", "fixed0")
            found.append(f"NRI at {years} years {value} (95% CI {low}, {high})")
    wanted = {"population": "paired", "method": "crude"}
    npv = [
        first(inputs, "statistics/npv.csv", "estimate", "percent", score=score, **wanted)
        for score in ("standard", "dl_ctac")
    ]
    if MISSING not in npv:
        found.append(f"NPV of 0: standard {npv[0]}%, DL-CTAC {npv[1]}%")
    return found


def _both_scores(population: str, inputs: Mapping, width_mm: float, part: str) -> Figure:
    wanted = ((population, "standard"), (population, "dl_ctac"))
    return survival_by_category(wanted, [SCORE_NAMES[score] for _, score in wanted], inputs, width_mm, part)

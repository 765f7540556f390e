"""Who and what went in: Figure 1 (overview, patient flow), supplementary Figure 1 (development scans)."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from calcohort.categories import CATEGORIES, categorise
from calcohort.exhibits import Unavailable, style
from calcohort.exhibits.exhibit import File, first, open_file
from calcohort.exhibits.numbers import MISSING, fixed

REASONS = {
    "no_pet_exam": "no PET/CT exam",
    "death_before_scan": "death on or before the scan day",
    "missing_followup": "missing follow-up",
    "early_revascularization": "early revascularization",
    "missing_ctac": "missing CTAC scan",
    "corrupt_ctac": "corrupt CTAC scan",
    "no_heart": "no heart found in the scan",
}
SPLIT_NAMES = {"train": "Training", "validation": "Internal validation", "test": "Internal testing"}
_STEPS = (
    "CT attenuation\ncorrection scan",
    "Heart network:\nheart region",
    "Lesion network:\nsegmentation with\ncontext of slices",
    "Agatston score\nper lesion ≥130 HU",
    "Category\n0 | 1–100 |\n101–400 | >400",
)


def figure1(inputs: Mapping, meta: Mapping) -> Figure:
    """Steps of scoring, development and external cohorts with their numbers, and how it was evaluated."""
    followup = open_file(inputs, "statistics/followup.csv", "population", "n", "n_events", "median_years")
    if followup.row(population="all") is None:
        raise Unavailable("The study has no patients in its analysis.")
    figure, axes = style.canvas(168.0)
    _heading(axes, 163, "Automatic scoring")
    for place, words in enumerate(_STEPS):
        x = 18 + 34.5 * place
        style.box(axes, x, 150, 29, 17, words, fill="#e3eef8", edge=style.BLUES[1])
        if place:
            style.arrow(axes, (x - 20, 150), (x - 14.5, 150))
    _heading(axes, 134, "Development cohort", left=3)
    _development(axes, inputs)
    _heading(axes, 134, "External cohort", left=69)
    _external(axes, inputs, followup)
    _heading(axes, 38, "Evaluation")
    for place, (head, words) in enumerate(_evaluation(inputs, followup)):
        x = 23.5 + 42.3 * place
        style.box(axes, x, 22, 40, 22, words, fill="white", edge=style.BLUES[2], size=6.5)
        axes.text(x, 30, head, ha="center", va="center", fontweight="bold")
    return figure


def figure_s1(inputs: Mapping, meta: Mapping) -> Figure:
    """Development scans: sites, types, splits and categories."""
    scans = open_file(inputs, "development/scans.csv", "split", "scan_type", "agatston_expert").frame
    figure, axes = style.canvas(92.0)
    sites = scans["site"].value_counts().sort_index() if "site" in scans else {}
    where = "; ".join(f"site {site}: {fixed(count, 0)}" for site, count in sites.items())
    patients = f" of {fixed(scans['patient_id'].nunique(), 0)} patients" if "patient_id" in scans else ""
    top = f"Annotated scans: n = {fixed(len(scans), 0)}{patients}\n{_kinds(scans)}" + (
        f"\n{where}" if where else ""
    )
    style.box(axes, 87, 78, 110, 18, top, fill="#e3eef8", edge=style.BLUES[1])
    for place, (split, name) in enumerate(SPLIT_NAMES.items()):
        part = scans[scans["split"] == split]
        x = 31 + 56 * place
        axes.plot([87, x, x], [64, 64, 61], color=style.QUIET, lw=0.8)
        style.arrow(axes, (x, 62), (x, 54.5))
        codes = categorise(part["agatston_expert"]).codes
        lines = [
            f"CAC {label.replace('-', '–')}: {fixed((codes == code).sum(), 0)}"
            for code, label in enumerate(CATEGORIES)
        ]
        words = f"n = {fixed(len(part), 0)}\n{_kinds(part)}\n" + "\n".join(lines)
        style.box(axes, x, 33, 50, 42, "")
        axes.text(x, 49, name, ha="center", va="center", fontweight="bold", fontsize=8)
        axes.text(x, 30.5, words, ha="center", va="center", linespacing=1.5)
    axes.plot([87, 87], [69, 64], color=style.QUIET, lw=0.8)
    return figure


def _heading(axes: Axes, y: float, words: str, left: float = 3) -> None:
    axes.text(left, y, words, fontweight="bold", fontsize=8, va="center")


def _kinds(scans) -> str:
    gated = scans["scan_type"].astype(str).str.contains("gated")
    return f"CTAC {fixed((~gated).sum(), 0)}, ECG-gated {fixed(gated.sum(), 0)}"


def _development(axes: Axes, inputs: Mapping) -> None:
    if "development/scans.csv" not in inputs or inputs["development/scans.csv"].empty:
        style.box(axes, 32, 122, 58, 13, "No development cohort\nin this study", color=style.QUIET)
        return
    scans = open_file(inputs, "development/scans.csv", "split", "scan_type").frame
    sites = f" from {scans['site'].nunique()} sites" if "site" in scans else ""
    style.box(axes, 32, 122, 58, 13, f"{fixed(len(scans), 0)} annotated scans{sites}\n{_kinds(scans)}")
    for place, (split, name) in enumerate(SPLIT_NAMES.items()):
        part = scans[scans["split"] == split]
        y = 99 - 21 * place
        style.box(axes, 36, y, 50, 15, f"{name}\nn = {fixed(len(part), 0)}\n{_kinds(part)}")
        axes.plot([6, 6], [y + 21 if place else 115.5, y], color=style.QUIET, lw=0.8)
        style.arrow(axes, (6, y), (11, y))


def _external(axes: Axes, inputs: Mapping, followup: File) -> None:
    everybody = followup.row(population="all")
    if "cohort/flow.csv" in inputs and len(inputs["cohort/flow.csv"]):
        flow = open_file(inputs, "cohort/flow.csv", "n_in", "excluded", "reason", "n_out").frame
        style.box(axes, 98, 122, 58, 13, f"Patients in the registries\nn = {fixed(flow['n_in'].iloc[0], 0)}")
        style.arrow(axes, (98, 115.5), (98, 86.5))
        excluded = flow[flow["excluded"] > 0]
        lines = [
            f"{REASONS.get(r, r)}: {fixed(n, 0)}"
            for r, n in zip(excluded["reason"], excluded["excluded"], strict=True)
        ]
        words = f"Excluded: {fixed(flow['excluded'].sum(), 0)}\n" + "\n".join(lines)
        # Beside the other boxes, however many the reasons are.
        style.box(axes, 150, 101, 42, 6 + 4.0 * (len(lines) + 1), words, size=6.5)
        axes.plot([98, 129], [101, 101], color=style.QUIET, lw=0.8)
    words = f"Analysed: n = {followup.text(everybody, 'n', 'count')}\n{_events(followup, everybody)}"
    style.box(axes, 98, 80, 58, 13, words, fill="#e3eef8", edge=style.BLUES[1], weight="bold")
    wanted = (
        ("no_cad", "No history of CAD"),
        ("paired", "Same-day standard\nCAC score"),
        ("paired_no_cad", "Both"),
    )
    axes.plot([98, 98], [73.5, 69], color=style.QUIET, lw=0.8)
    axes.plot([85.5, 155.5], [69, 69], color=style.QUIET, lw=0.8)
    for place, (population, name) in enumerate(wanted):
        row = followup.row(population=population)
        size = "none" if row is None else f"n = {followup.text(row, 'n', 'count')}\n{_events(followup, row)}"
        x = 85.5 + 35 * place
        style.box(axes, x, 55.5, 33, 19, f"{name}\n{size}")
        style.arrow(axes, (x, 69), (x, 65))


def _events(followup: File, row: int | None) -> str:
    return f"{followup.text(row, 'n_events', 'count')} with MACE"


def _evaluation(inputs: Mapping, followup: File) -> list[tuple[str, str]]:
    def found(file: str, column: str, format: str, **wanted) -> str:
        return first(inputs, f"statistics/{file}.csv", column, format, **wanted)

    internal = found("agreement", "kappa", "kappa", population="internal", weights="linear")
    same_day = {"population": "paired", "comparison": "standard vs dl_ctac", "weights": "linear"}
    kappa = found("agreement", "kappa", "kappa", **same_day)
    highest = {"population": "all", "score": "dl_ctac", "term": CATEGORIES[-1]}
    ratio, adjusted = (
        found("cox", "estimate", "hr", model=model, **highest) for model in ("univariable", "adjusted")
    )
    zero = {"population": "paired", "method": "crude"}
    npv = [found("npv", "estimate", "percent", score=score, **zero) for score in ("standard", "dl_ctac")]
    years = followup.text(followup.row(population="all"), "median_years", "years")
    tested = f"linear kappa {internal}" if internal != MISSING else "not in this study"
    compared = f"linear kappa {kappa}" if kappa != MISSING else "not in this study"
    risk = f"HR {CATEGORIES[-1]} vs 0: {ratio}" if ratio != MISSING else "no hazard ratio estimable"
    risk += f"\nadjusted for MFR and SDS: {adjusted}" if adjusted != MISSING else ""
    both = MISSING not in npv
    value = f"NPV of a score of 0:\n{npv[0]}% and {npv[1]}%" if both else "not in this study"
    return [
        ("Internal testing", f"\nDL vs expert on the same scan\n{tested}"),
        ("Agreement", f"\nDL-CTAC vs standard score\nof the gated scan\n{compared}"),
        ("Risk of MACE", f"\nmedian follow-up {years} years\n{risk}"),
        ("Standard vs DL-CTAC", f"\n{value}"),
    ]

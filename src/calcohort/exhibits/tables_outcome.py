"""Tables of outcome: Table 3, supplementary Table 5, net reclassification and negative predictive values."""

from collections.abc import Mapping

from calcohort.categories import CATEGORIES
from calcohort.exhibits import Unavailable
from calcohort.exhibits.catalogue import CATALOGUE
from calcohort.exhibits.cells import Cell, Table, join, text
from calcohort.exhibits.exhibit import SCORE_NAMES, SPARSE, File, any_sparse, open_file, population_name

CATEGORY_NAMES = dict(zip(CATEGORIES, ("CAC = 0", "CAC 1–100", "CAC 101–400", "CAC >400"), strict=True))
TERM_NAMES = CATEGORY_NAMES | {"mfr": "MFR, per unit", "sds": "SDS, per point"}
POPULATIONS = ("all", "no_cad", "paired", "paired_no_cad")
_COX = "statistics/cox.csv"
_RATIO_NOTE = "Cox models with Efron's handling of ties; HR against CAC = 0, Wald 95% confidence intervals."
_ABBREVIATIONS = (
    "CAC: coronary artery calcium; CI: confidence interval; CTAC: computed tomography attenuation "
    "correction; DL: deep learning; HR: hazard ratio; MFR: myocardial flow reserve; SDS: summed "
    "difference score."
)
METHOD_NAMES = {
    "km": "Kaplan–Meier",
    "binary": "Binary, whole follow-up",
    "ipw": "Inverse probability of censoring weights",
    "crude": "Crude, whole follow-up",
    "leisenring": "Generalized score statistic (Leisenring)",
    "kosinski": "Weighted generalized score statistic (Kosinski)",
}
COMPONENT_NAMES = {"event": "Events", "nonevent": "Non-events", "overall": "Overall"}


def table3(inputs: Mapping, meta: Mapping) -> Table:
    """Hazard ratios adjusted for flow reserve and ischemia, both scores side by side."""
    cox = _cox(inputs)
    found = {
        score: {
            term: cox.row(population="paired_no_cad", score=score, model="adjusted", term=term)
            for term in CATEGORIES
        }
        for score in ("standard", "dl_ctac")
    }
    estimates = [cox.value(row, "estimate") for rows in found.values() for row in rows.values()]
    if not any(estimates):
        raise Unavailable(_why_no_ratios(cox, "paired_no_cad"))
    rows = []
    for term in CATEGORIES:
        cells = [cell for score in found for cell in _ratio_cells(cox, found[score][term], term)]
        rows.append((text(CATEGORY_NAMES[term]), *cells))
    either = [row for score in ("dl_ctac", "standard") for row in found[score].values()]
    first = next(row for row in either if cox.value(row, "estimate"))
    heads = ("Category", "HR", "95% CI", "p-value", "HR", "95% CI", "p-value")
    spanners = ((SCORE_NAMES["standard"], 1, 3), (SCORE_NAMES["dl_ctac"], 4, 6))
    about = join(
        f"{_RATIO_NOTE} Adjusted for MFR and SDS; n = ",
        cox.cell(first, "n", "count"),
        ", ",
        cox.cell(first, "n_events", "count"),
        " patients with an event, with both measures known.",
    )
    notes = (about, _ABBREVIATIONS)
    if any_sparse(cox, [row for terms in found.values() for row in terms.values()]):
        notes = (*notes, SPARSE)
    title = CATALOGUE["table3"].title
    return Table(title, tuple(text(head) for head in heads), tuple(rows), notes, spanners)


def table_s5(inputs: Mapping, meta: Mapping) -> Table:
    """Every term of the univariable and adjusted models, in every population."""
    cox = _cox(inputs)
    rows, marked = [], False
    for population in POPULATIONS:
        for score in SCORE_NAMES:
            terms = {term: _both_models(cox, population, score, term) for term in TERM_NAMES}
            if not any(cox.value(row, "estimate") for pair in terms.values() for row in pair):
                continue
            sparse = any_sparse(cox, [row for pair in terms.values() for row in pair])
            marked |= sparse
            head = f"{population_name(population)}: {SCORE_NAMES[score]}{' †' if sparse else ''}"
            rows.append((text(head), *[text("")] * 6))
            for term, pair in terms.items():
                if term != CATEGORIES[0] and all(row is None for row in pair):
                    continue
                cells = [cell for row in pair for cell in _ratio_cells(cox, row, term)]
                rows.append((text(TERM_NAMES[term], indent=1), *cells))
            sizes = [
                cell
                for row in _both_models(cox, population, score, CATEGORIES[1])
                for cell in _sizes(cox, row)
            ]
            rows.append((text("Patients; with an event", indent=1), *sizes))
    if not rows:
        raise Unavailable(_why_no_ratios(cox, "all"))
    heads = ("Term", "HR", "95% CI", "p-value", "HR", "95% CI", "p-value")
    spanners = (("Univariable", 1, 3), ("Adjusted for MFR and SDS", 4, 6))
    title = CATALOGUE["tableS5"].title
    notes = (f"{_RATIO_NOTE} Adjusted models on patients with MFR and SDS known.", _ABBREVIATIONS)
    if marked:
        notes = (*notes, f"† {SPARSE}")
    return Table(title, tuple(text(head) for head in heads), tuple(rows), notes, spanners)


def table_nri(inputs: Mapping, meta: Mapping) -> Table:
    """Net reclassification of the standard score over the DL-CTAC score."""
    nri = open_file(
        inputs, "statistics/nri.csv", "population", "method", "horizon_years", "component", "estimate"
    )
    rows = []
    for population in POPULATIONS:
        block = [
            _nri_row(nri, population, method, overall)
            for method in ("km", "binary", "ipw")
            for overall in nri.rows(population=population, method=method, component="overall")
        ]
        rows += _headed(population, block)
    if not any(list(cell.numbers()) for row in rows for cell in row[2:-1]):
        raise Unavailable(
            "No reclassification can be computed: too few patients with both scores, or no events."
        )
    first = nri.rows(component="overall")[0]
    words = "Positive values favour the standard score; 95% bootstrap percentile intervals"
    has_replicates = "replicates" in nri.frame and nri.value(first, "replicates") is not None
    notes = (
        join(f"{words} from ", nri.cell(first, "replicates", "count"), " replicates.")
        if has_replicates
        else f"{words}.",
        "The binary method counts patients censored early as non-events; overall is the sum of the parts.",
    )
    heads = ("Method", "Horizon, years", *COMPONENT_NAMES.values(), "n")
    title = CATALOGUE["table_nri"].title
    return Table(title, tuple(text(head) for head in heads), tuple(rows), notes)


def table_npv(inputs: Mapping, meta: Mapping) -> Table:
    """Negative predictive value of a score of zero, and its comparison between scores."""
    npv = open_file(
        inputs, "statistics/npv.csv", "population", "score", "method", "horizon_years", "estimate"
    )
    versus = File("", npv.frame.iloc[:0])
    if "statistics/npv_comparison.csv" in inputs:
        file = "statistics/npv_comparison.csv"
        frame = inputs[file].reset_index(drop=True)
        versus = File(file, frame)
    rows = []
    for population in POPULATIONS:
        keys = npv.frame.iloc[npv.rows(population=population)][["method", "horizon_years"]].drop_duplicates()
        block = [_npv_row(npv, versus, population, *key) for key in keys.itertuples(index=False, name=None)]
        rows += _headed(population, block)
    if not any(list(cell.numbers()) for row in rows for cell in row[2:4]):
        raise Unavailable("No predictive value can be computed: nobody has a score of 0.")
    heads = ("Method", "Horizon, years", "Standard = 0", "DL-CTAC = 0", "Difference", "p-value")
    notes = (
        "Share without MACE among patients with a score of 0, % (95% CI; n with a score of 0). Crude: Wilson "
        "intervals; patients censored early count as event-free. Difference: standard minus DL-CTAC, "
        "percentage points (95% CI).",
        "P-values: generalized score statistic (crude) and bootstrap (Kaplan–Meier), on the same patients.",
    )
    title = CATALOGUE["table_npv"].title
    return Table(title, tuple(text(head) for head in heads), tuple(rows), notes)


def _cox(inputs: Mapping) -> File:
    return open_file(
        inputs, _COX, "population", "score", "model", "term", "estimate", "ci_low", "ci_high", "p"
    )


def _both_models(cox: File, population: str, score: str, term: str) -> list[int | None]:
    return [
        cox.row(population=population, score=score, model=m, term=term) for m in ("univariable", "adjusted")
    ]


def _ratio_cells(cox: File, row: int | None, term: str) -> tuple[Cell, Cell, Cell]:
    if term == CATEGORIES[0]:
        return text("1 (reference)"), text(""), text("")
    if cox.value(row, "estimate") is None:
        return text("–"), text("–"), text("–")
    interval = join(cox.cell(row, "ci_low", "hr"), ", ", cox.cell(row, "ci_high", "hr"))
    return cox.cell(row, "estimate", "hr"), interval, cox.cell(row, "p", "pvalue")


def _sizes(cox: File, row: int | None) -> tuple[Cell, Cell, Cell]:
    return join(cox.cell(row, "n", "count"), "; ", cox.cell(row, "n_events", "count")), text(""), text("")


def _why_no_ratios(cox: File, population: str) -> str:
    rows = cox.rows(population=population)
    notes = cox.frame["note"].iloc[rows].dropna() if "note" in cox.frame else []
    reason = f": {notes.iloc[0]}" if len(notes) else ""
    return f"No hazard ratio could be estimated{reason}." if rows else "The study has no such patients."


def _nri_row(nri: File, population: str, method: str, overall: int) -> tuple[Cell, ...]:
    horizon = nri.value(overall, "horizon_years")
    cells = []
    for component in COMPONENT_NAMES:
        candidates = nri.rows(population=population, method=method, component=component)
        row = next((r for r in candidates if nri.value(r, "horizon_years") == horizon), None)
        cells.append(_interval(nri, row, "estimate", "nri"))
    years = nri.cell(overall, "horizon_years", "fixed0")
    return text(METHOD_NAMES[method], indent=1), years, *cells, nri.cell(overall, "n", "count")


def _npv_row(npv: File, versus: File, population: str, method: str, horizon) -> tuple[Cell, ...]:
    def at(file: File, **wanted) -> int | None:
        rows = file.rows(population=population, **wanted) if len(file.frame) else []
        same = [
            r for r in rows if file.value(r, "horizon_years") == (None if horizon != horizon else horizon)
        ]
        return same[0] if same else None

    cells = []
    for score in ("standard", "dl_ctac"):
        row = at(npv, score=score, method=method)
        cell = _interval(npv, row, "estimate", "percent1")
        known = list(cell.numbers())
        cells.append(join(cell, "; n = ", npv.cell(row, "n_negative", "count")) if known else cell)
    compared = at(versus, method="leisenring" if method == "crude" else "km") if len(versus.frame) else None
    difference = _interval(versus, compared, "difference", "percent1") if compared is not None else text("–")
    p = versus.cell(compared, "p", "pvalue") if compared is not None else text("–")
    years = npv.cell(at(npv, score="dl_ctac", method=method), "horizon_years", "fixed0")
    return text(METHOD_NAMES[method], indent=1), years, *cells, difference, p


def _headed(population: str, block: list[tuple[Cell, ...]]) -> list[tuple[Cell, ...]]:
    """Rows of one population below a row with its name."""
    return [(text(population_name(population)), *[text("")] * (len(block[0]) - 1)), *block] if block else []


def _interval(file: File, row: int | None, column: str, format: str) -> Cell:
    if file.value(row, column) is None:
        return text("–")
    low, high = file.cell(row, "ci_low", format), file.cell(row, "ci_high", format)
    return join(file.cell(row, column, format), " (", low, ", ", high, ")")

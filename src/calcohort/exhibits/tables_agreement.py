"""Tables of agreement: supplementary Table 2 (kappas) and the concordance of all comparisons."""

from collections.abc import Mapping

from calcohort.exhibits import Unavailable
from calcohort.exhibits.catalogue import CATALOGUE
from calcohort.exhibits.cells import Cell, Table, join, text
from calcohort.exhibits.exhibit import File, open_file, population_name

SOURCE = "statistics/agreement.csv"
COMPARISON_NAMES = {
    "expert vs dl": "Expert vs DL, same scan",
    "standard vs dl_ctac": "Standard vs DL-CTAC (stress preferred)",
    "standard vs dl_ctac_rest_preferred": "Standard vs DL-CTAC (rest preferred)",
    "standard vs dl_gated": "Standard vs DL on the gated scan",
}
_NOTE = (
    "Four categories (0, 1–100, 101–400, >400); 95% confidence intervals with the standard error of Fleiss, "
    "Cohen and Everitt (1969)."
)


def table_s2(inputs: Mapping, meta: Mapping) -> Table:
    """Kappa without weights, with linear and with quadratic weights."""
    file = _open(inputs)
    rows = []
    for population, comparison in _pairs(file):
        found = {w: _find(file, population, comparison, w) for w in ("linear", "quadratic", "none")}
        kappas = [_interval(file, row) for row in found.values()]
        names = text(population_name(population)), text(COMPARISON_NAMES.get(comparison, comparison))
        rows.append((*names, *kappas, file.cell(found["linear"], "n", "count")))
    _require(rows)
    heads = ("Population", "Comparison", "Linear weights", "Quadratic weights", "Unweighted", "n")
    title = CATALOGUE["tableS2"].title
    return Table(title, tuple(text(head) for head in heads), tuple(rows), (_NOTE,))


def table_agreement(inputs: Mapping, meta: Mapping) -> Table:
    """Linearly weighted kappa with what it is made of, and the concordance index of the categories."""
    file = _open(inputs)
    index = None
    if "statistics/concordance_index.csv" in inputs:
        index = open_file(inputs, "statistics/concordance_index.csv", "population", "kind", "estimate")
    rows = []
    for population, comparison in _pairs(file):
        row = _find(file, population, comparison, "linear")
        exact = _find(file, population, comparison, "none")
        c = text("–")
        if index is not None and comparison in ("standard vs dl_ctac", "expert vs dl"):
            found = index.row(population=population, kind="ordinal")
            if index.value(found, "estimate") is not None:
                low, high = index.cell(found, "ci_low", "c_index"), index.cell(found, "ci_high", "c_index")
                c = join(index.cell(found, "estimate", "c_index"), " (", low, ", ", high, ")")
        same = file.cell(exact, "observed", "percent1")
        share = join(same, "%") if same.sources else same
        names = text(population_name(population)), text(COMPARISON_NAMES.get(comparison, comparison))
        rows.append((*names, share, _interval(file, row), c, file.cell(row, "n", "count")))
    _require(rows)
    heads = ("Population", "Comparison", "Same category", "Linear kappa (95% CI)", "C-index (95% CI)", "n")
    notes = (
        _NOTE,
        "C-index: the first score of the comparison is the reference; pairs tied on it do not count.",
    )
    title = CATALOGUE["table_agreement"].title
    return Table(title, tuple(text(head) for head in heads), tuple(rows), notes)


def _open(inputs: Mapping) -> File:
    return open_file(inputs, SOURCE, "population", "comparison", "weights", "kappa", "ci_low", "ci_high", "n")


def _pairs(file: File) -> list[tuple[str, str]]:
    pairs = file.frame[["population", "comparison"]].drop_duplicates()
    return list(pairs.itertuples(index=False, name=None))


def _find(file: File, population: str, comparison: str, weights: str) -> int | None:
    return file.row(population=population, comparison=comparison, weights=weights)


def _interval(file: File, row: int | None) -> Cell:
    if file.value(row, "kappa") is None:
        return text("–")
    low, high = file.cell(row, "ci_low", "kappa"), file.cell(row, "ci_high", "kappa")
    return join(file.cell(row, "kappa", "kappa"), " (", low, ", ", high, ")")


def _require(rows: list[tuple[Cell, ...]]) -> None:
    # The last cell is the number of pairs, which is known even where kappa is not.
    if not any(list(cell.numbers()) for row in rows for cell in row[2:-1]):
        raise Unavailable("No agreement can be computed: one category only, or nobody with both scores.")

"""Tables of characteristics: Table 1, Table 2 and supplementary Tables 3 and 4."""

from collections.abc import Mapping

from calcohort.exhibits import Unavailable
from calcohort.exhibits.baseline import CONTINUOUS, LEVELS, OVERALL, YES_NO
from calcohort.exhibits.catalogue import BASELINE as SOURCE
from calcohort.exhibits.catalogue import CATALOGUE
from calcohort.exhibits.cells import Cell, Table, join, text
from calcohort.exhibits.exhibit import File, open_file

LABELS = {
    "age": "Age, years",
    "male": "Male sex",
    "bmi": "BMI, kg/m²",
    "hypercholesterolemia": "Hypercholesterolemia",
    "smoking": "Smoking",
    "hypertension": "Hypertension",
    "diabetes": "Diabetes",
    "prior_pci": "Post-PCI",
    "prior_cabg": "Post-CABG",
    "history_of_cad": "History of CAD",
    "mfr": "MFR",
    "sds": "SDS",
    "cac_standard": "Standard CAC score",
    "cac_standard_category": "Standard CAC score category",
    "cac_dl": "DL-CTAC score",
    "cac_dl_category": "DL-CTAC score category",
    "agatston_expert": "Expert CAC score",
    "agatston_expert_category": "Expert CAC score category",
    "agatston_dl": "DL CAC score",
    "agatston_dl_category": "DL CAC score category",
    "gated": "ECG-gated",
    "site": "Site",
}
CATEGORY_LABELS = {"0": "CAC = 0", "1-100": "CAC 1–100", "101-400": "CAC 101–400", ">400": "CAC >400"}
GROUPS = {
    "table1": {"train": "Training", "validation": "Internal validation", "test": "Internal testing"},
    "table2": {"no_scan": "No CAC scan available", "scan": "CAC scan available"},
    "tableS3": {"ctac": "CTAC scans", "gated": "ECG-gated scans"},
    "tableS4": {"no_event": "No MACE", "event": "MACE"},
}
ABBREVIATIONS = {
    "BMI": "body mass index",
    "CABG": "coronary artery bypass grafting",
    "CAC": "coronary artery calcium",
    "CAD": "coronary artery disease",
    "CTAC": "computed tomography attenuation correction",
    "DL": "deep learning",
    "MACE": "major adverse cardiac event",
    "MFR": "myocardial flow reserve",
    "PCI": "percutaneous coronary intervention",
    "SDS": "summed difference score",
}
EMPTY = {
    "table1": "The study has no development cohort.",
    "table2": "The study has no standard CAC scores to tell patients with a CAC scan from those without.",
    "tableS3": "The development cohort has no scans for internal testing.",
    "tableS4": "The study has no patients in its analysis.",
}


def table1(inputs: Mapping, meta: Mapping) -> Table:
    """Development scans by split."""
    return _build("table1", inputs)


def table2(inputs: Mapping, meta: Mapping) -> Table:
    """Patients by availability of a standard score."""
    return _build("table2", inputs)


def table_s3(inputs: Mapping, meta: Mapping) -> Table:
    """Internal testing scans by type."""
    return _build("tableS3", inputs)


def table_s4(inputs: Mapping, meta: Mapping) -> Table:
    """Patients by outcome."""
    return _build("tableS4", inputs)


def _build(name: str, inputs: Mapping) -> Table:
    title = CATALOGUE[name].title
    file = open_file(inputs, SOURCE, "table", "variable", "level", "group", "n", "median", "count", "p")
    sizes = {group: file.row(table=name, variable="n", group=group) for group in (OVERALL, *GROUPS[name])}
    if sizes[OVERALL] is None or file.value(sizes[OVERALL], "n") == 0:
        raise Unavailable(EMPTY[name])
    heads = {OVERALL: "Overall"} | GROUPS[name]
    columns = [join(f"{heads[group]}, N = ", file.cell(row, "n", "count")) for group, row in sizes.items()]
    rows, tests = [], []
    variables = file.frame.loc[file.rows(table=name), "variable"].drop_duplicates()
    for variable in variables[variables != "n"]:
        rows += _rows(file, name, variable, list(sizes))
        test = file.value(file.row(table=name, variable=variable, level="", group=OVERALL), "test")
        tests += [test] if test and test not in tests else []
    who = {"table1": "scans", "tableS3": "scans"}.get(name, "patients")
    notes = [f"Median (first quartile, third quartile); n (%) of the {who} with a known value."]
    if tests:
        notes.append(f"P-values: {'; '.join(tests)}. No test where a group has no observations.")
    notes.append(abbreviations("".join(LABELS.get(v, v) for v in variables) + "".join(heads.values())))
    return Table(title, (text("Characteristic"), *columns, text("p-value")), tuple(rows), tuple(notes))


def _rows(file: File, table: str, variable: str, groups: list[str]) -> list[tuple[Cell, ...]]:
    def find(level: str) -> dict[str, int | None]:
        return {g: file.row(table=table, variable=variable, level=level, group=g) for g in groups}

    main = find("")
    kind = file.value(main[OVERALL], "kind")
    p = file.cell(main[OVERALL], "p", "pvalue")
    label = text(LABELS.get(variable, variable))
    if kind == CONTINUOUS:
        rows = [(label, *(_quartiles(file, row) for row in main.values()), p)]
    elif kind == YES_NO:
        rows = [(label, *(_share(file, row) for row in main.values()), p)]
    elif kind == LEVELS:
        rows = [(label, *(text("") for _ in groups), p)]
        levels = file.frame.loc[file.rows(table=table, variable=variable, group=OVERALL), "level"]
        for level in levels[~levels.isin(["", "missing"]) & levels.notna()]:
            words = text(CATEGORY_LABELS.get(level, level), indent=1)
            rows.append((words, *(_share(file, row) for row in find(level).values()), text("")))
    else:
        raise Unavailable(f"{SOURCE} gives {variable} the unknown kind {kind}.")
    if file.row(table=table, variable=variable, level="missing", group=OVERALL) is not None:
        counts = (file.cell(row, "count", "count") for row in find("missing").values())
        rows.append((text("Missing", indent=1), *counts, text("")))
    return rows


def _quartiles(file: File, row: int | None) -> Cell:
    format = file.value(row, "format")
    if format is None or file.value(row, "median") is None:
        return text("–")
    low, middle, high = (file.cell(row, column, format) for column in ("q1", "median", "q3"))
    return join(middle, " (", low, ", ", high, ")")


def _share(file: File, row: int | None) -> Cell:
    if not file.value(row, "n"):
        return text("–")
    return join(file.cell(row, "count", "count"), " (", file.cell(row, "fraction", "percent"), "%)")


def abbreviations(words: str) -> str:
    """Footnote that spells out the abbreviations that occur in `words`."""
    return "; ".join(f"{short}: {long}" for short, long in ABBREVIATIONS.items() if short in words) + "."

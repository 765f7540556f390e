"""One registry source, or several of one kind, as a table under calcohort's names."""

from dataclasses import replace

import pandas as pd

from calcohort.errors import InputError
from calcohort.registries import cells, files, people, redcap, schemas


def read_all(registries: dict, *, hide_paths: bool = False) -> dict[str, pd.DataFrame]:
    """Every source of a study, without the patients who withdrew.

    Parameters
    ----------
    registries : dict
        {name: source or list of sources}, as :func:`read` takes them.
    hide_paths : bool
        Errors name the source and not its file.

    Returns
    -------
    dict of DataFrame
        By name; `withdrawn` is among them where it was given, so that images and scores can follow it.

    Raises
    ------
    InputError
        The first violation of the first source that has one.
    """
    tables, crosswalk = {}, None
    for name in sorted(registries, key=lambda name: name != people.CROSSWALK):
        tables[name] = read(registries[name], name, crosswalk=crosswalk, hide_paths=hide_paths)
        if name == people.CROSSWALK:
            crosswalk = tables[name]
    tables = {name: tables[name] for name in registries}
    if people.WITHDRAWN not in tables:
        return tables
    gone = tables[people.WITHDRAWN]
    before = tables["patients"]["patient_id"].isin(gone["patient_id"]).sum()
    kept = people.without({n: t for n, t in tables.items() if n != people.WITHDRAWN}, gone["patient_id"])
    gone.attrs["findings"] = [
        *gone.attrs["findings"],
        _finding(people.WITHDRAWN, "patients_removed", int(before)),
    ]
    return kept | {people.WITHDRAWN: gone}


def read(source: dict | list[dict], name: str, **options) -> pd.DataFrame:
    """Read source `name`, put it under calcohort's names and check it.

    Parameters
    ----------
    source : dict, or list of dict
        ``path``, or ``url`` and ``query``; where the file differs ``columns`` {calcohort's name: the file's},
        ``values`` {column: {theirs: ours}}, ``date_format`` (one, or {column: format}), ``sep``, ``decimal``,
        ``encoding``, ``sheet``, ``identifier`` (a system of the crosswalk), ``skip_empty``; of a REDCap
        export ``instrument`` and ``event_name``. Deaths, events, followup and withdrawn may be a list, the
        most trusted first.
    name : str
        A key of ``schemas.SCHEMAS``.
    options
        ``crosswalk`` and ``hide_paths`` of :func:`check`.

    Returns
    -------
    DataFrame
        The columns of the schema that the source has, and ``source_rank`` (0 is the most trusted). What was
        repaired on the way lies in ``attrs["findings"]``, in the form of cohort/quality.csv.

    Raises
    ------
    InputError
        The first violation; :func:`check` gives all of them.
    """
    table, errors = check(source, name, **options)
    if errors:
        raise errors[0]
    return table


def check(
    source: dict | list[dict], name: str, *, crosswalk: pd.DataFrame | None = None, hide_paths: bool = False
) -> tuple[pd.DataFrame | None, list[InputError]]:
    """Like :func:`read`, but gives every violation; the table is None where there is one.

    Parameters
    ----------
    crosswalk : DataFrame, optional
        patient_id, system, identifier: for sources that have an ``identifier``.
    hide_paths : bool
        Errors name the source and not its file.
    """
    if name not in schemas.SCHEMAS:
        known = ", ".join(schemas.SCHEMAS)
        error = InputError("no such source", where=f"registries.{name}", cure=f"use one of {known}")
        return None, [error]
    sources = source if isinstance(source, list) else [source]
    if len(sources) > 1 and name not in schemas.SEVERAL:
        cure = f"give one source; a list is possible for {', '.join(schemas.SEVERAL)}"
        return None, [InputError("more than one source", where=f"registries.{name}", cure=cure)]
    tables, errors, findings = [], [], []
    for rank, one in enumerate(sources):
        label = f"{name}[{rank + 1}]" if len(sources) > 1 else name
        where = str(one["path"]) if "path" in one and not hide_paths else f"registries.{label}"
        try:
            table, problems, repaired = _one(one, name, label, where, crosswalk)
        except InputError as error:
            errors.append(error)
            continue
        errors += problems
        findings += repaired
        tables.append(table.assign(source_rank=rank))
    if errors:
        return None, errors
    together = pd.concat(tables, ignore_index=True)
    together.attrs["findings"] = findings
    return together, []


def _one(source: dict, name: str, label: str, where: str, crosswalk) -> tuple[pd.DataFrame, list, list]:
    """Table, violations as errors, and findings of one source."""
    schema = schemas.SCHEMAS[name]
    raw, present, skip_empty = _arranged(source, name, where)
    parsed, violations, findings, unread = {}, [], [], set()
    for column, theirs in present.items():
        result = cells.parse(
            raw[theirs].rename(column),
            schema.columns[column],
            recode=source.get("values", {}).get(column),
            date_format=_date_format(source, column),
            decimal=source.get("decimal", "."),
        )
        parsed[column] = result.values
        violations += result.violations
        unread |= {(column, row) for violation in result.violations for row in violation.rows}
        findings += [_finding(label, f"{rule}_{column}", n) for rule, n in result.repairs.items()]
    table = pd.DataFrame(parsed, index=raw.index)
    if skip_empty:
        identity = ["patient_id"] if name == "patients" else ["patient_id", "sex"]
        empty = _is_empty(table.drop(columns=identity, errors="ignore"), {row for _, row in unread})
        findings += [_finding(label, "empty_rows_skipped", int(empty.sum()))] if empty.any() else []
        table = table[~empty]
    if "identifier" in source:
        table["patient_id"], unknown = _translated(table["patient_id"], source, crosswalk, where)
        findings += [_finding(label, "identifier_not_in_crosswalk", unknown)] if unknown else []
    if name in REPEATED:
        again = table.duplicated()
        findings += [_finding(label, "same_row_twice_counted_once", int(again.sum()))] if again.any() else []
        table = table[~again]
    violations += [v for found in schemas.violations(table, name) if (v := _not_said_before(found, unread))]
    for column in REPORTED_ABSENT.get(name, ()):
        if column not in present:
            findings.append(_finding(label, f"no_column_{column}", 1))
    return table, [violation.as_error(where) for violation in violations], findings


def _arranged(source: dict, name: str, where: str) -> tuple[pd.DataFrame, dict, bool]:
    """Raw table, one row a record; {calcohort's name: the file's name}; whether to skip empty rows."""
    schema, renamed = schemas.SCHEMAS[name], source.get("columns", {})
    raw = files.load(source, where)
    skip_empty = source.get("skip_empty", redcap.is_export(raw))
    raw = redcap.select(raw, source, where)
    for column in schema.columns:
        theirs = renamed.get(column, column)
        if theirs not in raw and redcap.boxes(raw, theirs):
            raw = redcap.one_row_per_box(raw, theirs)
    if name == people.CROSSWALK:
        raw = people.long_crosswalk(raw, renamed.get("patient_id", "patient_id"), where)
    present = _columns(raw, source, schema, where)
    if name != "patients" and redcap.is_export(raw) and "sex" not in renamed:
        # One export serves for all sources: its sex column is the patients' own and in their codes.
        present.pop("sex", None)
    return raw, present, skip_empty


def _is_empty(content: pd.DataFrame, unread: set[int]) -> pd.Series:
    """Rows without content, which is more than who somebody is; `unread` have some that could not be read."""
    if content.columns.empty:
        return pd.Series(False, index=content.index)
    return content.isna().all(axis=1) & ~content.index.isin(list(unread))


def _translated(ids: pd.Series, source: dict, crosswalk, where: str) -> tuple[pd.Series, int]:
    """Identifiers of the study, and how many the crosswalk does not have."""
    system = source["identifier"]
    if crosswalk is None:
        cure = "add registries.crosswalk, or take `identifier` out"
        raise InputError("`identifier` needs a crosswalk", where=where, cure=cure)
    systems = sorted(set(crosswalk["system"]))
    if system not in systems:
        cure = f"use one of {', '.join(systems)}"
        raise InputError(f"the crosswalk has no system {system}", where=where, cure=cure)
    translated = people.translate(ids, crosswalk, system)
    return translated, int(translated.str.startswith(f"{system}:").sum())


def _not_said_before(violation: schemas.Violation, unread: set[tuple[str, int]]):
    """The violation without cells that could not be parsed, which are empty by now; None if none is left."""
    rows = tuple(row for row in violation.rows if (violation.column, row) not in unread)
    return replace(violation, rows=rows) if rows or not violation.rows else None


# Sources in which one record is often exported several times.
REPEATED = ("clinical_cac",)
REPORTED_ABSENT = {
    "patients": ("bmi", "hypercholesterolemia", "smoking", "hypertension", "diabetes"),
    "pet": ("mfr", "sds"),
}


def _columns(raw: pd.DataFrame, source: dict, schema, where: str) -> dict[str, str]:
    """{calcohort's name: the file's name} of the columns that the source has."""
    renamed = source.get("columns", {})
    for key in ("columns", "values", "date_format"):
        named = source.get(key, {})
        stray = sorted(set(named) - set(schema.columns)) if isinstance(named, dict) else []
        if stray:
            cure = f"use {', '.join(schema.columns)}"
            what = f"`{key}` names {stray[0]}, which this source does not have"
            raise InputError(what, where=where, cure=cure)
    names = {column: renamed.get(column, column) for column in schema.columns}
    if not set(names.values()) & set(raw.columns):
        # Row 1 may be a patient's: a file without a header must not be quoted.
        cure = "name them under `columns`, and see that row 1 holds the names"
        raise InputError("none of the columns is there", where=where, cure=cure)
    there = files.names_there(raw)
    twice = sorted(set(raw.columns[raw.columns.duplicated()]))
    if twice:
        raise InputError(f"column {twice[0]} stands there twice", where=where, cure="rename one of them")
    present = {}
    for column, rule in schema.columns.items():
        if names[column] in raw.columns:
            present[column] = names[column]
        elif rule.required or column in renamed:
            raise InputError(
                f"no column {names[column]}", where=where, cure=f"name it under `columns`; {there}"
            )
    either = (schema.metadata or {}).get("either", ())
    if either and not set(either) & set(present):
        words = " or ".join(either)
        raise InputError(f"no column {words}", where=where, cure=f"name one under `columns`; {there}")
    return present


def _date_format(source: dict, column: str) -> str:
    given = source.get("date_format", cells.ISO)
    return given.get(column, cells.ISO) if isinstance(given, dict) else given


def _finding(source: str, rule: str, count: int) -> dict:
    return {"source": source, "rule": rule, "severity": "note", "count": count}

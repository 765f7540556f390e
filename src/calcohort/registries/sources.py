"""One registry source, or several of one kind, as a table under calcohort's names."""

import pandas as pd

from calcohort.errors import InputError
from calcohort.registries import cells, files, schemas


def read(source: dict | list[dict], name: str) -> pd.DataFrame:
    """Read source `name`, put it under calcohort's names and check it.

    Parameters
    ----------
    source : dict, or list of dict
        ``path``, or ``url`` and ``query``; where the file differs ``columns`` {calcohort's name: the file's},
        ``values`` {column: {theirs: ours}}, ``date_format`` (one, or {column: format}), ``sep``, ``decimal``,
        ``encoding``, ``sheet``. Deaths, events and followup may be a list, the most trusted first.
    name : str
        A key of ``schemas.SCHEMAS``.

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
    table, errors = check(source, name)
    if errors:
        raise errors[0]
    return table


def check(source: dict | list[dict], name: str) -> tuple[pd.DataFrame | None, list[InputError]]:
    """Like :func:`read`, but gives every violation; the table is None where there is one."""
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
        try:
            table, problems, repaired = _one(one, name, label)
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


def _one(source: dict, name: str, label: str) -> tuple[pd.DataFrame, list[InputError], list[dict]]:
    where = str(source["path"]) if "path" in source else f"registries.{label}"
    schema = schemas.SCHEMAS[name]
    raw = files.load(source, where)
    present = _columns(raw, source, schema, where)
    findings = []
    parsed, violations, unread = {}, [], set()
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
    violations += [v for v in schemas.violations(table, name) if not _said_before(v, unread)]
    for column in REPORTED_ABSENT.get(name, ()):
        if column not in present:
            findings.append(_finding(label, f"no_column_{column}", 1))
    return table, [violation.as_error(where) for violation in violations], findings


def _said_before(violation: schemas.Violation, unread: set[tuple[str, int]]) -> bool:
    """A cell that could not be parsed is empty by now: it is no second violation."""
    return bool(violation.rows) and all((violation.column, row) in unread for row in violation.rows)


REPORTED_ABSENT = {
    "patients": ("bmi", "hypercholesterolemia", "smoking", "hypertension", "diabetes"),
    "pet": ("mfr", "sds"),
}


def _columns(raw: pd.DataFrame, source: dict, schema, where: str) -> dict[str, str]:
    """{calcohort's name: the file's name} of the columns that the source has."""
    renamed = source.get("columns", {})
    there = "the columns there are " + ", ".join(map(str, raw.columns))
    unknown = sorted(set(renamed) - set(schema.columns))
    if unknown:
        cure = f"use {', '.join(schema.columns)}"
        raise InputError(
            f"`columns` names {unknown[0]}, which this source does not have", where=where, cure=cure
        )
    twice = sorted(set(raw.columns[raw.columns.duplicated()]))
    if twice:
        raise InputError(f"column {twice[0]} stands there twice", where=where, cure="rename one of them")
    present = {}
    for column, rule in schema.columns.items():
        theirs = renamed.get(column, column)
        if theirs in raw.columns:
            present[column] = theirs
        elif rule.required or column in renamed:
            raise InputError(f"no column {theirs}", where=where, cure=f"name it under `columns`; {there}")
    either = (schema.metadata or {}).get("either", ())
    if either and not set(either) & set(present):
        words = " or ".join(either)
        raise InputError(f"no column {words}", where=where, cure=f"name one under `columns`; {there}")
    stray = sorted(set(source.get("values", {})) - set(schema.columns))
    if stray:
        cure = f"use {', '.join(schema.columns)}"
        raise InputError(
            f"`values` names {stray[0]}, which this source does not have", where=where, cure=cure
        )
    return present


def _date_format(source: dict, column: str) -> str:
    given = source.get("date_format", cells.ISO)
    return given.get(column, cells.ISO) if isinstance(given, dict) else given


def _finding(source: str, rule: str, count: int) -> dict:
    return {"source": source, "rule": rule, "severity": "note", "count": count}

"""Characteristics of patients and scans by group, as one tidy table behind Tables 1 and 2 and their like."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from calcohort.categories import CATEGORIES, categorise
from calcohort.exhibits.numbers import median_format
from calcohort.statistics import group_tests
from calcohort.statistics.agreement import is_tested

COLUMNS = [
    "table", "variable", "kind", "level", "group",
    "n", "missing", "count", "fraction", "median", "q1", "q3", "format", "statistic", "p", "test",
]  # fmt: skip

OVERALL = "overall"
CONTINUOUS, YES_NO, LEVELS = "continuous", "dichotomous", "categorical"


@dataclass(frozen=True)
class Variable:
    """A row of a table of characteristics: column, what kind, and for `LEVELS` the levels in order."""

    column: str
    kind: str
    levels: tuple[str, ...] = ()
    whole_numbers: bool = False


DEMOGRAPHICS = (
    Variable("age", CONTINUOUS, whole_numbers=True),
    Variable("male", YES_NO),
    Variable("bmi", CONTINUOUS),
    Variable("hypercholesterolemia", YES_NO),
    Variable("smoking", YES_NO),
    Variable("hypertension", YES_NO),
    Variable("diabetes", YES_NO),
    Variable("prior_pci", YES_NO),
    Variable("prior_cabg", YES_NO),
)
_EXTERNAL = (
    *DEMOGRAPHICS,
    Variable("mfr", CONTINUOUS),
    Variable("sds", CONTINUOUS, whole_numbers=True),
    Variable("history_of_cad", YES_NO),
    Variable("cac_standard", CONTINUOUS, whole_numbers=True),
    Variable("cac_standard_category", LEVELS, CATEGORIES),
    Variable("cac_dl", CONTINUOUS, whole_numbers=True),
    Variable("cac_dl_category", LEVELS, CATEGORIES),
)
_DEVELOPMENT = (
    *DEMOGRAPHICS,
    Variable("history_of_cad", YES_NO),
    Variable("agatston_expert", CONTINUOUS, whole_numbers=True),
    Variable("agatston_expert_category", LEVELS, CATEGORIES),
    Variable("gated", YES_NO),
)
_INTERNAL = (
    *_DEVELOPMENT[:-1],
    Variable("agatston_dl", CONTINUOUS, whole_numbers=True),
    Variable("agatston_dl_category", LEVELS, CATEGORIES),
    Variable("site", LEVELS),
)

SPLITS = ("train", "validation", "test")


def baseline(analysis: pd.DataFrame | None, scans: pd.DataFrame | None = None) -> pd.DataFrame:
    """Characteristics by group: of scans (table1, tableS3) and of patients (table2, tableS4).

    Parameters
    ----------
    analysis : DataFrame or None
        cohort/analysis.csv.
    scans : DataFrame or None
        development/scans.csv.

    Returns
    -------
    DataFrame
        `COLUMNS`; one row per table, variable, level and group ("overall" first). Levels of a variable are ""
        (the variable itself), its categories, and "missing". Quartiles are of type 2 (averaged inverse of the
        empirical distribution), as in gtsummary 2.0. `p` and `test` stand on the overall row of the variable
        and are empty where a group has no observation.
    """
    tables = []
    if scans is not None and not scans.empty:
        tables += _of_scans(scans)
    if analysis is not None and not analysis.empty:
        tables += _of_patients(analysis)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)


def _of_scans(scans: pd.DataFrame) -> list[pd.DataFrame]:
    development = _with_categories(scans.copy(), ("agatston_expert", "agatston_dl"))
    if "scan_type" in scans:
        development["gated"] = scans["scan_type"].astype(str).str.contains("gated", case=False).astype(float)
    split = scans["split"] if "split" in scans else pd.Series("train", index=scans.index)
    tables = [summarise("table1", development, split, SPLITS, _DEVELOPMENT)]
    testing = development[is_tested(scans)] if {"tested", "split"} & set(scans) else development[:0]
    if len(testing) and "gated" in testing:
        scan_type = testing["gated"].map({1.0: "gated", 0.0: "ctac"})
        tables.append(summarise("tableS3", testing, scan_type, ("ctac", "gated"), _INTERNAL))
    return tables


def _of_patients(analysis: pd.DataFrame) -> list[pd.DataFrame]:
    patients = _with_categories(analysis.copy(), ("cac_standard", "cac_dl"))
    tables = []
    if "cac_standard" in analysis:
        scanned = pd.Series(np.where(analysis["cac_standard"].notna(), "scan", "no_scan"), analysis.index)
        tables.append(summarise("table2", patients, scanned, ("no_scan", "scan"), _EXTERNAL))
    event = analysis["mace"].map({0: "no_event", 1: "event"})
    return [*tables, summarise("tableS4", patients, event, ("no_event", "event"), _EXTERNAL)]


def summarise(
    table: str,
    data: pd.DataFrame,
    group: pd.Series,
    groups: Sequence[str],
    variables: Sequence[Variable],
) -> pd.DataFrame:
    """Rows of one table of characteristics; a variable whose column is absent is left out."""
    members = {OVERALL: pd.Series(True, index=data.index)} | {name: group == name for name in groups}
    size = {"variable": "n", "kind": "size", "level": ""}
    rows = [size | {"group": name, "n": int(inside.sum())} for name, inside in members.items()]
    for variable in variables:
        if variable.column in data.columns:
            rows += _variable_rows(variable, data[variable.column], group, members)
    return pd.DataFrame(rows).assign(table=table).reindex(columns=COLUMNS)


def _variable_rows(
    variable: Variable, values: pd.Series, group: pd.Series, members: dict[str, pd.Series]
) -> list[dict]:
    levels = variable.levels or tuple(sorted(values.dropna().astype(str).unique()))
    format = ""
    if variable.kind == CONTINUOUS:
        format = median_format(_spread(values.dropna()), variable.whole_numbers)
    rows = []
    for name, inside in members.items():
        here = values[inside]
        known = here.dropna()
        facts = {"variable": variable.column, "kind": variable.kind, "group": name, "n": len(known)}
        row = facts | {"level": "", "missing": len(here) - len(known)}
        if variable.kind == CONTINUOUS:
            row |= _quartiles(known) | {"format": format}
        elif variable.kind == YES_NO:
            row |= _share(int((known == 1).sum()), len(known))
        if name == OVERALL:
            row |= _test(variable, values, group, [g for g in members if g != OVERALL])
        rows.append(row)
        if variable.kind == LEVELS:
            text = known.astype(str)
            rows += [
                facts | {"level": level} | _share(int((text == level).sum()), len(known)) for level in levels
            ]
        if values.isna().any():
            rows.append(facts | {"level": "missing"} | _share(len(here) - len(known), len(here)))
    return rows


def _test(variable: Variable, values: pd.Series, group: pd.Series, groups: list[str]) -> dict:
    inside = group.isin(groups) & values.notna()
    if any(not (inside & (group == name)).any() for name in groups):
        return {}
    kind = "continuous" if variable.kind == CONTINUOUS else "categorical"
    result = group_tests.compare(values[inside], group[inside], kind=kind)
    return {key: result[key] for key in ("statistic", "p", "test")} if result["p"] == result["p"] else {}


def _quartiles(values: pd.Series) -> dict:
    if values.empty:
        return {}
    q1, median, q3 = np.quantile(values.astype(float), [0.25, 0.5, 0.75], method="averaged_inverted_cdf")
    return {"median": float(median), "q1": float(q1), "q3": float(q3)}


def _spread(values: pd.Series) -> float:
    if values.empty:
        return float("nan")
    low, high = np.quantile(values.astype(float), [0.05, 0.95], method="averaged_inverted_cdf")
    return float(high - low)


def _share(count: int, total: int) -> dict:
    return {"count": count, "fraction": count / total if total else float("nan")}


def _with_categories(data: pd.DataFrame, scores: Sequence[str]) -> pd.DataFrame:
    if "sex" in data:
        data["male"] = data["sex"].map({"male": 1.0, "female": 0.0})
    for score in scores:
        if score in data:
            data[f"{score}_category"] = pd.Series(categorise(data[score]), index=data.index).astype(object)
    return data

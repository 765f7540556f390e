"""A run's number for a claim: a row of a statistics file, or a count, share or median of a data table."""

from dataclasses import replace

import numpy as np
import pandas as pd

from calcohort.audit.verdicts import Estimate, wilson
from calcohort.categories import categorise
from calcohort.exhibits.numbers import is_missing
from calcohort.seeds import rng

_CATEGORY_OF = {
    "standard_category": "cac_standard",
    "dl_category": "cac_dl",
    "expert_category": "agatston_expert",
}
_DRAWS_AT_ONCE = 1 << 22


class Unavailable(Exception):
    """The run does not hold this quantity; the message says why."""


def from_row(table: pd.DataFrame, spec: dict) -> Estimate:
    """The first row of `table` in which every column equals what ``spec["row"]`` says.

    Keys of `spec` beside row: file; column; low, high, p, n (names of columns, where there are any);
    scale (multiplies value and interval); largest (a column: of several such rows the one with most of it).
    A count without an interval gets Wilson's from its n.
    """
    wanted = dict(spec["row"])
    if "endpoint" in table.columns:
        wanted.setdefault("endpoint", "mace")
    keep = pd.Series(True, index=table.index)
    for column, value in wanted.items():
        _need(table, column, spec)
        keep &= _holds(table[column], value)
    positions = np.flatnonzero(keep.to_numpy())
    if len(positions) == 0:
        raise Unavailable(f"{spec['file']} has no row with {_words(spec['row'])}")
    position = int(positions[0])
    if "largest" in spec:
        _need(table, spec["largest"], spec)
        values = pd.to_numeric(table[spec["largest"]], errors="coerce").iloc[positions]
        position = int(positions[values.fillna(-np.inf).to_numpy().argmax()])

    def cell(key: str, scale: float = 1.0) -> float | None:
        name = spec.get(key)
        if name is None or name not in table.columns or is_missing(table[name].iloc[position]):
            return None
        return float(table[name].iloc[position]) * scale

    scale = spec.get("scale", 1.0)
    n, count = cell("n"), cell("column", scale)
    if spec.get("kind") == "count" and not spec.get("low") and n and count is not None and count <= n:
        low, high = wilson(count, n)
        facts = {
            "n": n,
            "interval": "Wilson",
            "file": spec["file"],
            "row": position,
            "column": spec["column"],
        }
        return Estimate(count, low * n, high * n, **facts)
    return Estimate(
        value=cell("column", scale),
        low=cell("low", scale),
        high=cell("high", scale),
        p=cell("p"),
        n=cell("n"),
        interval="as in the file" if spec.get("low") else "",
        file=spec["file"],
        row=position,
        column=spec.get("column", spec.get("p", "")),
    )


def from_data(table: pd.DataFrame, spec: dict, *, key: tuple, replicates: int) -> Estimate:
    """A count, percentage or median over the rows of a data table.

    Keys of `spec` beside file: within (conditions that choose the rows); and one of count, percent
    (conditions; Wilson interval) or median (a column; percentile bootstrap), with an optional `divide`.
    Rows in which a column of the condition is missing count for neither side.
    """
    rows = _with_categories(table)
    rows = rows[_where(rows, spec.get("within", {}), spec)]
    if "median" in spec:
        return _median(rows, spec, key, replicates)
    conditions = spec.get("count", spec.get("percent"))
    for column in conditions:
        _need(rows, column, spec)
    tests_presence = any(value in ("present", "absent") for value in conditions.values())
    known = rows if tests_presence else rows.dropna(subset=list(conditions))
    n = len(known)
    if n == 0:
        raise Unavailable(f"no row of {spec['file']} is in this group with {', '.join(conditions)} known")
    count = int(_where(known, conditions, spec).sum())
    low, high = wilson(count, n)
    unit = n if "count" in spec else 100.0
    return Estimate(
        value=count / n * unit if "percent" in spec else float(count),
        low=low * unit,
        high=high * unit,
        n=float(n),
        interval="Wilson",
        file=spec["file"],
        column=", ".join(conditions),
    )


def of_total(estimate: Estimate, total: float) -> Estimate:
    """The count of `estimate` as a part of another table's `total`, with its Wilson interval."""
    low, high = wilson(estimate.value, total)
    return replace(estimate, low=low * total, high=high * total, n=total)


def bootstrap_median(values: np.ndarray, key: tuple, replicates: int) -> tuple[float, float]:
    """Percentile bootstrap 95% interval of the median; the stream of draws is named by `key`."""
    generator = rng(*key)
    medians = np.empty(replicates)
    step = max(1, _DRAWS_AT_ONCE // max(1, len(values)))
    for start in range(0, replicates, step):
        size = min(step, replicates - start)
        draws = generator.integers(0, len(values), size=(size, len(values)))
        medians[start : start + size] = np.median(values[draws], axis=1)
    low, high = np.quantile(medians, [0.025, 0.975])
    return float(low), float(high)


def _median(rows: pd.DataFrame, spec: dict, key: tuple, replicates: int) -> Estimate:
    column = spec["median"]
    _need(rows, column, spec)
    values = rows[column].dropna().to_numpy(dtype=float) / spec.get("divide", 1.0)
    if len(values) == 0:
        raise Unavailable(f"no row of {spec['file']} in this group has a value of {column}")
    low, high = bootstrap_median(values, key, replicates)
    # The study prints medians as gtsummary does: quantile type 2, which is numpy's median.
    return Estimate(
        float(np.median(values)), low, high, None, float(len(values)), "bootstrap", spec["file"], None, column
    )


def _with_categories(table: pd.DataFrame) -> pd.DataFrame:
    present = {name: score for name, score in _CATEGORY_OF.items() if score in table.columns}
    categories = {
        name: pd.Series(categorise(table[score]), index=table.index) for name, score in present.items()
    }
    return table.assign(**categories)


def _where(rows: pd.DataFrame, conditions: dict, spec: dict) -> pd.Series:
    keep = pd.Series(True, index=rows.index)
    for column, value in conditions.items():
        _need(rows, column, spec)
        if value in ("present", "absent"):
            keep &= rows[column].notna() if value == "present" else rows[column].isna()
        else:
            keep &= _holds(rows[column], value)
    return keep


def _holds(column: pd.Series, value) -> pd.Series:
    wanted = value if isinstance(value, list) else [value]
    if all(isinstance(one, int | float) for one in wanted):
        return pd.to_numeric(column, errors="coerce").isin(wanted)
    return column.map(lambda cell: "" if is_missing(cell) else str(cell)).astype(str).isin(map(str, wanted))


def _need(table: pd.DataFrame, column: str, spec: dict) -> None:
    if column not in table.columns:
        raise Unavailable(f"{spec['file']} has no column {column}")


def _words(conditions: dict) -> str:
    return ", ".join(f"{column} {value}" for column, value in conditions.items())

"""Published numbers beside the numbers of a run: which row, which interval, which verdict.

A claims file (columns id, section, quantity, value, ci_low, ci_high, p, n, population, note) says what was
published; a mapping (config/paper/claims.yaml explains its keys) says where a run holds the same quantity.
"""

import itertools
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import pandas as pd
import yaml

from calcohort.audit.quantities import Unavailable, from_data, from_row, of_total
from calcohort.audit.verdicts import KINDS, VERDICTS, Estimate, Published, as_printed, judge, parse_published
from calcohort.errors import InputError

CLAIM_COLUMNS = ("id", "section", "quantity", "value", "ci_low", "ci_high", "p", "n", "population", "note")
NEEDED_COLUMNS = ("id", "value")
_NUMBERS = ("value", "ci_low", "ci_high", "p", "n")
# Columns by which a claims file says itself where a run holds a number; the last four have usual names.
OWN_MAPPING = ("kind", "file", "where", "column")
_USUAL = {"low": "ci_low", "high": "ci_high", "p": "p", "n": "n"}


@dataclass(frozen=True)
class Claim:
    """One line of audit/claims.csv."""

    id: str
    section: str
    quantity: str
    population: str
    published: str
    published_low: str
    published_high: str
    published_p: str
    published_n: str
    value: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    p: float | None = None
    n: float | None = None
    interval: str = ""
    file: str = ""
    row: int | None = None
    column: str = ""
    verdict: str = ""
    reason: str = ""
    note: str = ""
    as_printed: str = ""


def read_claims(path: str | Path) -> pd.DataFrame:
    """The claims file as text, every field a string; columns that it does not have are empty.

    A file separated by semicolons, as spreadsheets of many countries write it, has decimal commas.

    Raises
    ------
    InputError
        If id or value is missing, or an id is there twice.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as handle:
            head = handle.readline()
        sep = ";" if head.count(";") > head.count(",") else ","
        table = pd.read_csv(path, dtype=str, keep_default_na=False, sep=sep, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise InputError("cannot be read as CSV", where=str(path), cure="give a claims file") from error
    table = table.rename(columns=lambda name: str(name).strip())
    for column in _NUMBERS if sep == ";" else ():
        if column in table:
            table[column] = table[column].str.replace(",", ".", regex=False)
    missing = [column for column in NEEDED_COLUMNS if column not in table.columns]
    if missing:
        raise InputError(
            f"has no column {missing[0]}", where=str(path), cure=f"use {', '.join(CLAIM_COLUMNS)}"
        )
    for column in CLAIM_COLUMNS:
        if column not in table:
            table[column] = ""
    table = table.apply(lambda column: column.str.strip())
    twice = table.loc[table["id"].duplicated(), "id"]
    if len(twice):
        raise InputError(f"id {twice.iloc[0]} is there twice", where=str(path), cure="make every id unique")
    return table


def read_mapping(path: str | Path) -> dict[str, dict]:
    """The mapping with its patterns written out: id -> where to find that quantity, or why not.

    Raises
    ------
    InputError
        If the file is not readable or an id is mapped twice.
    """
    try:
        raw = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError("cannot be read as YAML", where=str(path), cure="give a claims mapping") from error
    if not isinstance(raw, dict) or not isinstance(raw.get("quantities"), list):
        cure = "give quantities, as config/paper/claims.yaml explains"
        raise InputError("has no list of quantities", where=str(path), cure=cure)
    mapping: dict[str, dict] = {}
    for entry in raw["quantities"]:
        for identifier, spec in _expand(entry, raw.get("named", {})):
            if identifier in mapping:
                raise InputError(f"maps {identifier} twice", where=str(path), cure="keep one of them")
            mapping[identifier] = spec
    return mapping


def own_mapping(claims: pd.DataFrame) -> dict[str, dict]:
    """What a claims file says itself: columns kind, file, where ("population=all; term=>400") and column.

    low, high, p, n and scale may be columns too; else ci_low, ci_high, p, n and 1 (100 for a percent).
    Lines without a file are left to the mapping.
    """
    if not set(OWN_MAPPING) <= set(claims.columns):
        return {}
    found = {}
    for row in claims[claims["file"] != ""].to_dict("records"):
        pairs = (part.partition("=") for part in row["where"].split(";") if part.strip())
        spec = {key: row[key] for key in ("kind", "file", "column")}
        spec["row"] = {name.strip(): value.strip() for name, _, value in pairs}
        spec |= {key: row.get(f"{key}_column") or usual for key, usual in _USUAL.items()}
        spec["scale"] = float(row.get("scale") or (100 if row["kind"] == "percent" else 1))
        if row["kind"] not in KINDS:
            raise InputError(f"claim {row['id']} is of no kind", where="kind", cure=f"use {', '.join(KINDS)}")
        found[row["id"]] = spec
    return found


def compare(
    claims: pd.DataFrame,
    mapping: dict[str, dict],
    table: Callable[[str], pd.DataFrame | None],
    *,
    calibrated: bool = False,
    seed: int = 1,
    replicates: int = 2000,
) -> pd.DataFrame:
    """Every claim with this run's number and a verdict.

    Parameters
    ----------
    claims : DataFrame
        As of :func:`read_claims`.
    mapping : dict
        As of :func:`read_mapping`.
    table : callable
        Gives the table of a file of the run, or None where there is none.
    calibrated : bool
        The run's cohort was simulated from the published numbers: quantities that the mapping marks
        `calibrated` agree by construction.
    seed, replicates : int
        Of the bootstrap intervals of medians.

    Returns
    -------
    DataFrame
        Columns of :class:`Claim`; rows in the order of `claims`.
    """
    rows, published_n = [], dict(zip(claims["id"], claims["value"], strict=True))
    for claim in claims.to_dict("records"):
        spec = mapping.get(claim["id"], {"not_computable": "no entry in the mapping"})
        if "published_n" in spec:
            # The published total of this number is another claim of the file.
            claim = claim | {"n": published_n.get(spec["published_n"], claim["n"])}
        rows.append(asdict(_compare_one(claim, spec, table, calibrated, seed, replicates)))
    result = pd.DataFrame(rows, columns=[field.name for field in fields(Claim)])
    return result.astype({"row": "Int64"})


def summary(compared: pd.DataFrame) -> pd.DataFrame:
    """How many claims got each verdict: columns verdict, count; all five verdicts in their order."""
    counts = compared["verdict"].value_counts()
    return pd.DataFrame({"verdict": VERDICTS, "count": [int(counts.get(name, 0)) for name in VERDICTS]})


def _compare_one(claim: dict, spec: dict, table, calibrated: bool, seed: int, replicates: int) -> Claim:
    published = parse_published(claim)
    head = {key: claim[key] for key in ("id", "section", "quantity", "population", "note")}
    head |= {
        "published": claim["value"],
        "published_low": claim["ci_low"],
        "published_high": claim["ci_high"],
        "published_p": claim["p"],
        "published_n": claim["n"],
    }
    if "not_computable" in spec:
        return Claim(**head, verdict="not computable", reason=spec["not_computable"])
    try:
        estimate = _estimate(claim["id"], spec, table, seed, replicates)
    except Unavailable as reason:
        return Claim(**head, verdict="not computable", reason=str(reason))
    if spec["kind"] == "size":
        estimate = replace(estimate, low=None, high=None, interval="")
    if "share_of" in spec and published.n:
        published = replace(published, n=published.n * _share(spec, table))
    verdict, reason = _verdict(published, estimate, spec, calibrated)
    same = as_printed(claim, estimate, spec["kind"])
    return Claim(
        **head,
        value=estimate.value,
        ci_low=estimate.low,
        ci_high=estimate.high,
        p=estimate.p,
        n=estimate.n,
        interval=estimate.interval,
        file=estimate.file,
        row=estimate.row,
        column=estimate.column,
        verdict=verdict,
        reason=reason,
        as_printed="" if same is None else "yes" if same else "no",
    )


def _share(spec: dict, table) -> float:
    """The share of the run's group that its number is about, where only the whole group's n was published."""
    whole = from_row(_needed(table, spec["file"]), spec | {"column": spec["share_of"], "scale": 1.0}).value
    part = from_row(_needed(table, spec["file"]), spec | {"column": spec["n"], "scale": 1.0}).value
    return part / whole if part and whole else 1.0


def _verdict(published: Published, estimate: Estimate, spec: dict, calibrated: bool) -> tuple[str, str]:
    if calibrated and spec.get("calibrated"):
        return "by construction", "the simulated cohort was made to have this number; it supports nothing"
    return judge(published, estimate, spec["kind"])


def _estimate(identifier: str, spec: dict, table, seed: int, replicates: int) -> Estimate:
    frame = _needed(table, spec["file"])
    if "row" in spec:
        return from_row(frame, spec)
    estimate = from_data(frame, spec, key=("claims", seed, identifier), replicates=replicates)
    if "total" not in spec:
        return estimate
    total = from_row(_needed(table, spec["total"]["file"]), {"row": {}} | spec["total"]).value
    return of_total(estimate, total)


def _needed(table, file: str) -> pd.DataFrame:
    frame = table(file)
    if frame is None or frame.empty:
        raise Unavailable(f"this run has no rows in {file}")
    return frame


def _expand(entry: dict, named: dict):
    """One entry with lists under `for` becomes one entry for each combination of its names."""
    loops = entry.get("for", {})
    names = {key: (value if isinstance(value, list) else list(value)) for key, value in loops.items()}
    body = {key: value for key, value in entry.items() if key not in ("id", "ids", "for")}
    for combination in itertools.product(*names.values()):
        chosen = dict(zip(names, combination, strict=True))
        values = {key: _named(loops[key], name, key, named) for key, name in chosen.items()}
        filled = _fill(body, values)
        for identifier in entry.get("ids", [entry.get("id")]):
            yield identifier.format(**chosen), filled


def _named(loop, name: str, key: str, named: dict):
    return loop[name] if isinstance(loop, dict) else named.get(key, {}).get(name, name)


def _fill(node, values: dict):
    """Replace the text "<name>" by the value that the loop gives to name, whatever its type."""
    if isinstance(node, dict):
        return {key: _fill(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [_fill(value, values) for value in node]
    if isinstance(node, str):
        whole = re.fullmatch(r"<(\w+)>", node)
        return values[whole[1]] if whole and whole[1] in values else node
    return node

"""Arithmetic of published numbers: which of them cannot be true together.

Works on a claims file (see :mod:`calcohort.audit.claims`). Ids carry the structure: X.n and X.pct (or X_n
and X_pct) are a count and its percentage; SECTION.N.GROUP is the size of a column and
SECTION.VARIABLE.GROUP[.n|.pct] a line of that table; the group `all` is the whole of the others. What ids do
not show goes into a relations file (a list of {equal: [a, b]} and {total: t, parts: [...]}).
"""

import itertools
import math
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import pandas as pd
import yaml
from scipy.stats import norm

from calcohort.audit.verdicts import Z, decimals, number, p_text
from calcohort.errors import InputError
from calcohort.exhibits.numbers import round_half_away

WHOLE = "all"
# More missing values than this, and nowhere a word of them: a percentage is then taken for wrong.
MOST_MISSING = 0.20
# Percentile and likelihood intervals are a little uneven; more than this share of half the width is not.
UNEVEN = 0.20


@dataclass(frozen=True)
class Contradiction:
    """A rule of arithmetic that printed numbers break.

    Attributes
    ----------
    rule : str
        Name of the rule.
    ids : str
        The claims it is about, separated by spaces.
    message : str
        The numbers, and why they do not agree.
    certain : bool
        False where something left unsaid (missing values) could explain it.
    """

    rule: str
    ids: str
    message: str
    certain: bool = True


class _Claims:
    """Claims by id, as numbers with the rounding that they were printed with."""

    def __init__(self, table: pd.DataFrame):
        self.rows = {row["id"]: row for row in table.to_dict("records")}

    def value(self, identifier: str, column: str = "value") -> float | None:
        row = self.rows.get(identifier)
        return None if row is None else number(row[column])

    def is_median(self, identifier: str) -> bool:
        return "median" in self.rows[identifier]["quantity"].lower()

    def text(self, identifier: str) -> str:
        return self.rows[identifier]["value"]

    def half_unit(self, identifier: str) -> float:
        return 0.5 * 10.0 ** -decimals(self.text(identifier))

    def tables(self) -> dict[str, list[str]]:
        """Section of each table -> its groups, the whole first."""
        found: dict[str, list[str]] = {}
        for identifier in self.rows:
            match = re.fullmatch(r"(\w+)\.N\.(\w+)", identifier)
            if match:
                found.setdefault(match[1], []).append(match[2])
        return {section: groups for section, groups in found.items() if WHOLE in groups}

    def variables(self, section: str) -> list[str]:
        """Names of the lines of a table, in order."""
        found = (re.fullmatch(rf"{section}\.(\w+)\.\w+(?:\.\w+)?", identifier) for identifier in self.rows)
        return list(dict.fromkeys(match[1] for match in found if match and match[1] != "N"))


def check_file(path: str | Path, relations: str | Path | None = None) -> pd.DataFrame:
    """Contradictions of a claims file; a file relations.yaml beside it is used unless another is given."""
    from calcohort.audit.claims import read_claims

    beside = Path(relations) if relations else Path(path).with_name("relations.yaml")
    links = read_relations(beside) if relations or beside.is_file() else []
    return contradictions(read_claims(path), links)


def run(path: str | Path, relations: str | Path | None = None) -> int:
    """Print the contradictions of a claims file and return 1 if any is certain, else 0."""
    found = check_file(path, relations)
    for row in found.itertuples():
        mark = "" if row.certain else " (possible)"
        print(f"{row.rule}{mark}: {row.ids}: {row.message}")
    certain = int(found["certain"].sum())
    print(f"{path}: {certain} contradictions, {len(found) - certain} that something unsaid could explain")
    return 1 if certain else 0


def read_relations(path: str | Path) -> list[dict]:
    """The list of relations in a YAML file.

    Raises
    ------
    InputError
        If it is not a list of `equal` and `total` relations.
    """
    try:
        links = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError("cannot be read as YAML", where=str(path), cure="give a relations file") from error
    if not isinstance(links, list):
        raise InputError("is no list of relations", where=str(path), cure="see config/paper/relations.yaml")
    for link in links:
        if not isinstance(link, dict) or ("equal" not in link and not {"total", "parts"} <= set(link)):
            raise InputError("a relation is neither equal nor total", where=str(path), cure="see its header")
    return links


def contradictions(claims: pd.DataFrame, relations: list[dict] = ()) -> pd.DataFrame:
    """Every rule that the claims break: columns of :class:`Contradiction`, in the order of the rules."""
    known = _Claims(claims)
    rules = (
        _percentages,
        _counts_in_totals,
        _wholes_from_parts,
        _categories,
        _between_parts,
        _tests_of_one_group,
        _intervals,
        _p_from_interval,
    )
    found = list(itertools.chain.from_iterable(rule(known) for rule in rules))
    found += itertools.chain.from_iterable(_relation(known, link) for link in relations)
    return pd.DataFrame(
        [asdict(one) for one in found], columns=[field.name for field in fields(Contradiction)]
    )


def _percentages(claims: _Claims):
    for identifier in claims.rows:
        match = re.fullmatch(r"(.+[._])n", identifier)
        percent = claims.value(f"{match[1]}pct") if match else None
        count, total = claims.value(identifier), number(claims.rows[identifier]["n"])
        if percent is None or count is None or not total or count > total:
            continue
        other = f"{match[1]}pct"
        exact, half = 100 * count / total, claims.half_unit(other)
        printed = round_half_away(exact, decimals(claims.text(other)))
        if math.isclose(printed, percent):
            continue
        numbers = f"{count:g} of {total:g} is {exact:.2f}%, printed {claims.text(other).rstrip('%')}%"
        needed = 100 * count / (percent + half), 100 * count / max(percent - half, 1e-9)
        if exact > percent:
            yield Contradiction("percentage from count", f"{identifier} {other}", numbers)
        elif needed[1] < (1 - MOST_MISSING) * total:
            hint = f"{numbers}; it would take {needed[0]:.0f} to {needed[1]:.0f} patients in all"
            yield Contradiction("percentage from count", f"{identifier} {other}", hint)
        else:
            fewest = total - needed[1]
            hint = f"{numbers}; true only with at least {fewest:.0f} missing values, which are not stated"
            yield Contradiction("percentage from count", f"{identifier} {other}", hint, certain=False)


def _counts_in_totals(claims: _Claims):
    for identifier in claims.rows:
        count, total = claims.value(identifier), number(claims.rows[identifier]["n"])
        is_count = re.fullmatch(r".+[._]n", identifier)
        if is_count and count is not None and total is not None and count > total:
            yield Contradiction(
                "count within its total", identifier, f"{count:g} of {total:g} is more than all"
            )


def _wholes_from_parts(claims: _Claims):
    for section, groups in claims.tables().items():
        parts = [group for group in groups if group != WHOLE]
        for variable in claims.variables(section):
            ids = [f"{section}.{variable}.{group}.n" for group in (WHOLE, *parts)]
            values = [claims.value(identifier) for identifier in ids]
            if None in values or math.isclose(values[0], sum(values[1:])):
                continue
            parts_text = " + ".join(f"{value:g}" for value in values[1:])
            message = f"{parts_text} = {sum(values[1:]):g}, printed {values[0]:g}"
            yield Contradiction("whole from its parts", " ".join(ids), message)


def _categories(claims: _Claims):
    for section, groups in claims.tables().items():
        variables = claims.variables(section)
        stems = dict.fromkeys(name[:-1] for name in variables if name[-1].isdigit())
        for stem, group in itertools.product(stems, groups):
            levels = [name for name in variables if re.fullmatch(rf"{stem}\d", name)]
            ids = [f"{section}.{name}.{group}.n" for name in levels]
            values = [claims.value(identifier) for identifier in ids]
            total = claims.value(f"{section}.N.{group}")
            if not ids or None in values or total is None or math.isclose(sum(values), total):
                continue
            message = f"the categories add up to {sum(values):g}, the column has {total:g}"
            yield Contradiction(
                "categories sum to the total", " ".join([f"{section}.N.{group}", *ids]), message
            )


def _between_parts(claims: _Claims):
    columns = (("", "value"), (".pct", "value"), ("", "ci_low"), ("", "ci_high"))
    for section, groups in claims.tables().items():
        for variable, (ending, column) in itertools.product(claims.variables(section), columns):
            ids = {group: f"{section}.{variable}.{group}{ending}" for group in groups}
            # Quartiles of a whole lie between those of its groups; ends of a confidence interval need not.
            if column != "value" and not all(claims.is_median(i) for i in ids.values() if i in claims.rows):
                continue
            known = {group: claims.value(i, column) for group, i in ids.items()}
            known = {group: value for group, value in known.items() if value is not None}
            parts = [value for group, value in known.items() if group != WHOLE]
            if WHOLE not in known or not parts:
                continue
            slack = max(claims.half_unit(ids[group]) for group in known) * 2
            if min(parts) - slack <= known[WHOLE] <= max(parts) + slack:
                continue
            only = "its only group has" if len(parts) == 1 else "the groups have"
            what = {"ci_low": "first quartile overall ", "ci_high": "third quartile overall "}.get(
                column, "overall "
            )
            message = f"{what}{known[WHOLE]:g}, but {only} {', '.join(f'{part:g}' for part in parts)}"
            yield Contradiction(
                "overall between the groups", " ".join(ids[group] for group in known), message
            )


def _tests_of_one_group(claims: _Claims):
    for section, groups in claims.tables().items():
        parts = [group for group in groups if group != WHOLE]
        for variable, ending in itertools.product(claims.variables(section), ("", ".n")):
            ids = [f"{section}.{variable}.{group}{ending}" for group in parts]
            whole = claims.rows.get(f"{section}.{variable}.{WHOLE}{ending}")
            with_data = [identifier for identifier in ids if claims.value(identifier) is not None]
            if whole and whole["p"] and len(with_data) == 1 and len(parts) > 1:
                message = f"p {whole['p']} is printed, but only one group has data"
                yield Contradiction("a test needs two groups", f"{whole['id']} {with_data[0]}", message)


def _intervals(claims: _Claims):
    for identifier, row in claims.rows.items():
        value, low, high = (number(row[key]) for key in ("value", "ci_low", "ci_high"))
        if None in (value, low, high):
            continue
        shown = f"{row['value']} ({row['ci_low']}, {row['ci_high']})"
        if not low <= value <= high:
            yield Contradiction("estimate within its interval", identifier, shown)
        elif _is_ratio(row) and low < 0:
            yield Contradiction("a ratio is positive", identifier, shown)
        elif "median" not in row["quantity"].lower():
            yield from _uneven(row, value, low, high, shown)


def _uneven(row: dict, value: float, low: float, high: float, shown: str):
    half_unit = 0.5 * 10.0 ** -_finest(row)
    scale = math.log if _is_ratio(row) and low > half_unit else float
    middle, half = (scale(low) + scale(high)) / 2, (scale(high) - scale(low)) / 2
    # Each end is known to half a printed unit, the middle therefore too; so is the estimate.
    slack = (
        scale(value + half_unit)
        - scale(value)
        + (scale(low + half_unit) - scale(low) + scale(high + half_unit) - scale(high)) / 2
    )
    if half > 0 and abs(scale(value) - middle) - slack > UNEVEN * half:
        centre = math.exp(middle) if scale is math.log else middle
        message = f"{shown}: the middle of the interval is {centre:.3g}"
        yield Contradiction("interval even around the estimate", row["id"], message)


def _p_from_interval(claims: _Claims):
    for identifier, row in claims.rows.items():
        value, low, high = (number(row[key]) for key in ("value", "ci_low", "ci_high"))
        if None in (value, low, high) or "median" in row["quantity"].lower():
            continue
        p = p_text(row["p"])
        printed, possible = number(p.lstrip("<>")), _p_range(row, value, low, high)
        if printed is None or possible is None:
            continue
        lowest, highest = possible
        half = 0.5 * 10.0 ** -decimals(p)
        agrees = {"<": lowest <= printed, ">": highest >= printed}.get(
            p[0], lowest <= printed + half and highest >= printed - half
        )
        if not agrees:
            message = (
                f"{row['value']} ({row['ci_low']}, {row['ci_high']}) gives p {lowest:.2g} to {highest:.2g}, "
                f"printed {row['p']}"
            )
            yield Contradiction("p from the interval", identifier, message)


def _p_range(row: dict, value: float, low: float, high: float) -> tuple[float, float] | None:
    """Smallest and largest p that an interval printed so can give; None where it cannot be an interval."""
    half_unit = 0.5 * 10.0 ** -_finest(row)
    scale = math.log if _is_ratio(row) else float
    corners = []
    for signs in itertools.product((-1, 1), repeat=3):
        estimate, lower, upper = (x + s * half_unit for x, s in zip((value, low, high), signs, strict=True))
        if (scale is math.log and min(estimate, lower) <= 0) or upper <= lower:
            continue
        error = (scale(upper) - scale(lower)) / (2 * Z)
        corners.append(2 * float(norm.sf(abs(scale(estimate)) / error)))
    return (min(corners), max(corners)) if corners else None


def _relation(claims: _Claims, link: dict):
    ids = link.get("equal") or [link["total"], *link["parts"]]
    values = [claims.value(identifier.lstrip("-")) for identifier in ids]
    if None in values:
        return
    reason = f"; {link['because']}" if link.get("because") else ""
    if "equal" in link:
        coarse = max(claims.half_unit(identifier) for identifier in ids)
        if max(values) - min(values) > coarse * (1 + 1e-9):
            printed = " and ".join(claims.text(identifier) for identifier in ids)
            yield Contradiction("one quantity, one number", " ".join(ids), f"printed {printed}{reason}")
        return
    signed = [-v if i.startswith("-") else v for i, v in zip(ids[1:], values[1:], strict=True)]
    # Counts are printed whole; of what is rounded, the parts may add up to a little more or less.
    is_rounded = any(decimals(claims.text(identifier.lstrip("-"))) for identifier in ids)
    slack = sum(claims.half_unit(identifier.lstrip("-")) for identifier in ids) if is_rounded else 0.0
    if abs(values[0] - sum(signed)) > slack * (1 + 1e-9) + 1e-9:
        sum_text = " ".join(f"{value:+g}" for value in signed).lstrip("+")
        message = f"{sum_text} = {sum(signed):g}, printed {values[0]:g}{reason}"
        yield Contradiction("total from its parts", " ".join(i.lstrip("-") for i in ids), message)


def _is_ratio(row: dict) -> bool:
    return re.search(r"\b(HR|OR|RR|ratio)\b", row["quantity"]) is not None


def _finest(row: dict) -> int:
    return max(decimals(row[key]) for key in ("value", "ci_low", "ci_high"))

"""The protocol of a series by an ordered list of rules on its DICOM tags."""

import re
from collections.abc import Mapping, Sequence

import pandas as pd
from pydicom.datadict import tag_for_keyword

from calcohort.config import default
from calcohort.dicom.facts import FACT_COLUMNS, NUMBER_COLUMNS
from calcohort.errors import InputError

PROTOCOLS = ("ctac_stress", "ctac_rest", "cac_gated")
UNKNOWN = "unknown"

# The rules of a study that names none, as config/schemas/config.schema.yaml has them: the first that matches
# wins; every tag of a rule must match; tags joined by | are alternatives.
DEFAULT_RULES: tuple[dict, ...] = tuple(default("imaging", "protocols"))


def rule_keywords(rules: Sequence[Mapping]) -> tuple[str, ...]:
    """DICOM keywords that `scan_folder` must keep beside its own columns for these rules."""
    named = {keyword for rule in rules for tags in rule["match"] for keyword in tags.split("|")}
    return tuple(sorted(named - set(FACT_COLUMNS) - set(NUMBER_COLUMNS)))


def check_rules(rules: Sequence[Mapping]) -> None:
    """Refuse rules with an unknown tag, protocol or a malformed expression.

    Raises
    ------
    InputError
    """
    for number, rule in enumerate(rules, start=1):
        where = f"imaging.protocols line {number}"
        if rule.get("protocol") not in (*PROTOCOLS, UNKNOWN):
            allowed = ", ".join((*PROTOCOLS, UNKNOWN))
            raise InputError(
                f"unknown protocol {rule.get('protocol')!r}", where=where, cure=f"use one of {allowed}"
            )
        for tags, expression in rule.get("match", {}).items():
            for keyword in tags.split("|"):
                if tag_for_keyword(keyword) is None:
                    raise InputError(
                        f"{keyword!r} is no DICOM keyword", where=where, cure="e.g. SeriesDescription"
                    )
            try:
                re.compile(str(expression))
            except re.error as error:
                raise InputError(
                    f"malformed expression for {tags}: {error}", where=where, cure="see Python's re syntax"
                ) from None


def classify(series: pd.DataFrame, rules: Sequence[Mapping] = DEFAULT_RULES) -> pd.Series:
    """Protocol of each series; `unknown` where no rule matches.

    Expressions are searched anywhere in the value, in any letter case; an underscore may stand for a space.
    """
    check_rules(rules)
    number = matching_rule(series, rules)
    return number.map(lambda found: rules[found]["protocol"] if found >= 0 else UNKNOWN).astype(object)


def matching_rule(series: pd.DataFrame, rules: Sequence[Mapping] = DEFAULT_RULES) -> pd.Series:
    """Position of the first rule that matches each series; -1 where none does."""
    found = pd.Series(-1, index=series.index, dtype=int)
    for number, rule in enumerate(rules):
        hit = found < 0
        for tags, expression in rule["match"].items():
            hit &= _matches(series, tags.split("|"), str(expression))
        found[hit] = number
    return found


def rule_words(rules: Sequence[Mapping], number: int) -> str:
    """What stands beside a series for the rule that named its protocol."""
    if number < 0:
        return "no rule matches its tags"
    rule = rules[number]
    name = rule.get("name") or ", ".join(f"{tags} ~ {text}" for tags, text in rule["match"].items())
    return f"imaging.protocols line {number + 1}: {name}"


def _matches(series: pd.DataFrame, keywords: Sequence[str], expression: str) -> pd.Series:
    pattern = re.compile(expression, re.IGNORECASE)
    hit = pd.Series(False, index=series.index)
    for keyword in keywords:
        column = FACT_COLUMNS.get(keyword) or NUMBER_COLUMNS.get(keyword) or keyword
        if column in series:
            hit |= series[column].map(lambda value: _found(pattern, _text(value)))
    return hit


def _found(pattern: re.Pattern, text: str) -> bool:
    # Words end at an underscore as well; an expression with underscores means them as they stand.
    return bool(pattern.search(text) or pattern.search(text.replace("_", " ")))


def _text(value) -> str:
    if value is None or value != value:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)

"""The protocol of a series by an ordered list of rules on its DICOM tags."""

import re
from collections.abc import Mapping, Sequence

import pandas as pd
from pydicom.datadict import tag_for_keyword

from calcohort.dicom.facts import FACT_COLUMNS, NUMBER_COLUMNS
from calcohort.errors import InputError

PROTOCOLS = ("ctac_stress", "ctac_rest", "cac_gated")
UNKNOWN = "unknown"

_CALCIUM = r"\bca[ _-]?(sc|score|scoring)|calcium|\bcacs?\b|agatston|smart ?score"
_ATTENUATION = r"ct[ _-]?ac|\bac[ _-]?ct\b|\bac\b|attenuation|\bctmac\b|low[ _-]?dose"
_STRESS = r"stress|\bstr\b|regadenoson|lexiscan|adenosin|dipyrid|dobut|persant"
_NAMES = "SeriesDescription|ProtocolName"

# First rule that matches wins; every tag of a rule must match. Tags joined by | are alternatives.
DEFAULT_RULES: tuple[dict, ...] = (
    {"match": {_NAMES: _CALCIUM}, "protocol": "cac_gated"},
    {
        "match": {_NAMES: _ATTENUATION, _NAMES + "|StudyDescription": r"\brest\b.*stress|stress.*\brest\b"},
        "protocol": UNKNOWN,
    },
    {"match": {_NAMES: _ATTENUATION, "ProtocolName|SeriesDescription": _STRESS}, "protocol": "ctac_stress"},
    {"match": {_NAMES: _ATTENUATION, "ProtocolName|SeriesDescription": r"rest"}, "protocol": "ctac_rest"},
)


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
    for number, rule in enumerate(rules):
        where = f"imaging.protocols[{number}]"
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
    found = pd.Series(UNKNOWN, index=series.index, dtype=object)
    undecided = pd.Series(True, index=series.index)
    for rule in rules:
        hit = undecided.copy()
        for tags, expression in rule["match"].items():
            hit &= _matches(series, tags.split("|"), str(expression))
        found[hit] = rule["protocol"]
        undecided &= ~hit
    return found


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

"""Which of several series of one patient, day and protocol is scored: a table of preferences decides."""

import re
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import pandas as pd

from calcohort.config import default
from calcohort.errors import InputError

# The table of a study that names none, as config/schemas/config.schema.yaml has it.
DEFAULT_CHOICE: tuple[dict, ...] = tuple(default("imaging", "choice"))
KINDS = ("avoid", "favour", "nearest", "prefer")


@cache
def columns() -> frozenset[str]:
    """Columns of the table of series that a line of the table may compare."""
    from calcohort.dicom.series import check_series

    identity = {"patient_id", "study_date", "study"}
    return frozenset(check_series(()).facts) - identity | {"warnings", "source", "site"}


def check_choice(choice: Sequence[Mapping]) -> None:
    """Refuse a line that compares nothing, or in no way.

    Raises
    ------
    InputError
        With the number of the line, from 1.
    """
    for number, step in enumerate(choice, start=1):
        where = f"imaging.choice line {number}"
        kinds = [kind for kind in KINDS if kind in step]
        if len(kinds) != 1:
            what = f"compares by {' and '.join(kinds)}" if kinds else "does not say what is better"
            raise InputError(what, where=where, cure=f"give one of {', '.join(KINDS)}")
        unknown = [name for name in step["column"].split("|") if name not in columns()]
        if unknown:
            cure = f"one of {', '.join(sorted(columns()))}"
            raise InputError(f"there is no column {unknown[0]!r}", where=where, cure=cure)
        try:
            re.compile(str(step.get("avoid", step.get("favour", ""))))
        except re.error as error:
            cure = "see Python's re syntax"
            raise InputError(f"malformed expression: {error}", where=where, cure=cure) from None


def best(group: pd.DataFrame, choice: Sequence[Mapping]) -> tuple[object, str]:
    """Index of the preferred series among those of one patient, day and protocol, and what decided.

    The first line of the table that tells series apart leaves the better ones; what it cannot tell apart goes
    on to the next line, and in the end the smaller key wins.
    """
    left, decided = group, []
    protocol = group["protocol"].iloc[0]
    for step in choice:
        if len(left) == 1 or protocol not in step.get("protocols", [protocol]):
            continue
        costs = _costs(left, step)
        better = left[costs == costs.min()]
        if 0 < len(better) < len(left):
            decided.append(words(step))
        left = better if len(better) else left
    if len(left) > 1:
        decided.append("first by key")
    return left.sort_values("series").index[0], ", then ".join(decided)


def words(step: Mapping) -> str:
    """What a line of the table prefers, for people."""
    if "words" in step:
        return step["words"]
    if "nearest" in step:
        return f"{step['column']} nearest to {step['nearest']:g}"
    if "prefer" in step:
        return f"{step['prefer']} {step['column']}"
    verb = "without" if "avoid" in step else "with"
    return f"{step['column']} {verb} {step.get('avoid', step.get('favour'))}"


def _costs(series: pd.DataFrame, step: Mapping) -> pd.Series:
    """What the line charges each series: the smallest wins, missing is dearest."""
    names = [name for name in step["column"].split("|") if name in series]
    if not names:
        return pd.Series(0.0, index=series.index)
    if "avoid" in step or "favour" in step:
        pattern = re.compile(step.get("avoid", step.get("favour")), re.IGNORECASE)
        hit = pd.Series(False, index=series.index)
        for name in names:
            hit |= series[name].map(lambda value: bool(pattern.search(_text(value))))
        return (hit if "avoid" in step else ~hit).astype(float)
    values = pd.to_numeric(series[names[0]], errors="coerce")
    if "nearest" in step:
        values = (values - step["nearest"]).abs().round(6)
    elif step["prefer"] == "most":
        values = -values
    return values.fillna(np.inf)


def _text(value) -> str:
    text = "" if value is None or value != value else str(value)
    # Words end at an underscore as well; a pattern with underscores means them as they stand.
    return f"{text}\n{text.replace('_', ' ')}"

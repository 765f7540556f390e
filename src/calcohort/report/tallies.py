"""Counts of codes over the scans of a run, as a table of their own, so that the report can point at each."""

from collections import Counter

import pandas as pd

from calcohort.exhibits.numbers import is_missing
from calcohort.report.run import Run

TALLIES = "audit/tallies.csv"
COLUMNS = ("topic", "code", "count", "of")
_FILES = "imaging/files.parquet"
_SERIES = "imaging/series.csv"
_SCORES = "scores/scores.csv"


def tallies(run: Run) -> pd.DataFrame:
    """How often each code occurs: topic (file | series | flag | protocol), code, count, of (all in topic).

    `file` and `series` count reason codes of what was not used, `flag` the warnings and quality flags of what
    was scored, `protocol` the accepted series.
    """
    rows = []
    files = run.root / _FILES
    if files.is_file():
        reasons = pd.read_parquet(files, columns=["reason"])["reason"]
        rows += _count("file", reasons, len(reasons))
    series = run.table(_SERIES)
    if series is not None:
        if "reason" in series.columns:
            rows += _count("series", series["reason"], len(series))
        if {"protocol", "accepted"} <= set(series.columns):
            accepted = series[series["accepted"].astype(str).str.lower().isin(["true", "1"])]
            rows += _count("protocol", accepted["protocol"], len(accepted))
    scores = run.table(_SCORES)
    if scores is not None and "warnings" in scores.columns:
        rows += _count("flag", scores["warnings"], len(scores))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _count(topic: str, codes: pd.Series, of: int) -> list[dict]:
    counter = Counter(code for cell in codes if not is_missing(cell) for code in _split(str(cell)))
    ordered = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
    return [{"topic": topic, "code": code, "count": count, "of": of} for code, count in ordered]


def _split(cell: str) -> list[str]:
    # Several codes of one scan stand in one field; a JSON list and separators are both in use.
    words = cell.replace("[", " ").replace("]", " ").replace('"', " ").replace("'", " ")
    return [word for word in words.replace(";", " ").replace(",", " ").split() if word]

"""Counts of codes over the scans of a run, as a table of their own, so that the report can point at each."""

from collections import Counter

import pandas as pd

from calcohort.exhibits.numbers import is_missing
from calcohort.report.run import Run

TALLIES = "audit/tallies.csv"
COLUMNS = ("topic", "code", "count", "of", "share")
_FILES = "imaging/files.parquet"
_SERIES = "imaging/series.csv"
_SCORES = "scores/scores.csv"
_QUALITY = "cohort/quality.csv"
_DEVELOPMENT, _DEVELOPMENT_FLOW = "development/scans.csv", "development/flow.csv"


def tallies(run: Run) -> pd.DataFrame:
    """How often each code occurs: topic, code, count, of (all in topic), share (count / of).

    Topics `file` and `series` count reason codes of what was not used, `scan` those of scans without a score,
    `flag` the warnings and quality flags of what was scored (`flag, site X` where the study tells sites
    apart), `protocol` the accepted series; `development` and `development flag, site X` those of the
    development cohort; `linked` the rows of each source that belong to somebody of the study.
    """
    rows = _development(run) + _linked(run)
    files = run.root / _FILES
    if files.is_file():
        reasons = pd.read_parquet(files, columns=["reason"])["reason"]
        rows += _count("file", reasons, len(reasons))
    series = run.table(_SERIES)
    if series is not None:
        if "reason" in series.columns:
            rows += _count("series", series["reason"], len(series))
        if {"protocol", "accepted"} <= set(series.columns):
            accepted = series[_true(series["accepted"])]
            rows += _count("protocol", accepted["protocol"], len(accepted))
    scores = run.table(_SCORES)
    if scores is not None and "warnings" in scores.columns:
        if "reason" in scores.columns:
            rows += _count("scan", scores["reason"], len(scores))
        accepted = _true(scores["accepted"]) if "accepted" in scores.columns else scores["agatston"].notna()
        rows += _count("flag", scores.loc[accepted, "warnings"], int(accepted.sum()))
        rows += _by_site(scores[accepted], series)
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.assign(share=table["count"].astype(float) / table["of"].astype(float))


def _linked(run: Run) -> list[dict]:
    rows = []
    for there in run.rows(_QUALITY, rule="rows"):
        linked = run.row(_QUALITY, rule="rows_linked", source=there.value("source"))
        if linked is not None and there.value("count"):
            facts = {"topic": "linked", "code": there.value("source")}
            rows.append(facts | {"count": int(linked.value("count")), "of": int(there.value("count"))})
    return rows


def _true(values: pd.Series) -> pd.Series:
    return values.astype(str).str.lower().isin(["true", "1"])


def _by_site(scores: pd.DataFrame, series: pd.DataFrame | None) -> list[dict]:
    if series is None or "site" not in series.columns or series["site"].isna().all():
        return []
    site = scores["series"].map(series.set_index("series")["site"])
    return [
        row
        for name, group in scores.groupby(site.fillna("unknown").astype(str))
        for row in _count(f"flag, site {name}", group["warnings"], len(group))
    ]


def _development(run: Run) -> list[dict]:
    rows, flow, scans = [], run.table(_DEVELOPMENT_FLOW), run.table(_DEVELOPMENT)
    if flow is not None:
        left_out = flow[flow["excluded"] > 0]
        listed = int(flow["n_in"].iloc[0])
        for code, count in zip(left_out["reason"], left_out["excluded"], strict=True):
            rows.append({"topic": "development", "code": code, "count": int(count), "of": listed})
    if scans is not None and "warnings" in scans.columns:
        tested = scans[scans["tested"] == 1]
        for name, group in tested.groupby(tested["site"].astype(str)):
            rows += _count(f"development flag, site {name}", group["warnings"], len(group))
    return rows


def _count(topic: str, codes: pd.Series, of: int) -> list[dict]:
    counter = Counter(code for cell in codes if not is_missing(cell) for code in _split(str(cell)))
    ordered = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
    return [{"topic": topic, "code": code, "count": count, "of": of} for code, count in ordered]


def _split(cell: str) -> list[str]:
    # Several codes of one scan stand in one field; a JSON list and separators are both in use.
    words = cell.replace("[", " ").replace("]", " ").replace('"', " ").replace("'", " ")
    return [word for word in words.replace(";", " ").replace(",", " ").split() if word]

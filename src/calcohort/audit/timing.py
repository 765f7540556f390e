"""How long each job took and how much memory it used, from Snakemake's benchmark files; seconds per scan."""

import html
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from calcohort.errors import InputError

COLUMNS = (
    "rule",
    "job",
    "repeat",
    "seconds",
    "cpu_seconds",
    "max_rss_mb",
    "mean_load",
    "read_mb",
    "written_mb",
    "scans",
)
# What a scan goes through, from its files to its score, in shards of several scans.
SCAN_RULES = ("convert", "segment", "score")
_NAMES = {
    "s": "seconds",
    "cpu_time": "cpu_seconds",
    "max_rss": "max_rss_mb",
    "mean_load": "mean_load",
    "io_in": "read_mb",
    "io_out": "written_mb",
}


def collect(benchmark_dir: str | Path, scans: Mapping[str, int] | None = None) -> pd.DataFrame:
    """One row per benchmarked job (and repeat) below `benchmark_dir`, sorted by rule and job.

    `scans` is the number of scans of each job of `SCAN_RULES`, by the job's name.

    A file RULE.tsv is the job of rule RULE; a file RULE/WILDCARDS.tsv is one job of several. Files may be
    Snakemake's TSV or its extended JSON lines, which name the rule themselves.
    """
    root = Path(benchmark_dir)
    rows = []
    for path in sorted([*root.rglob("*.tsv"), *root.rglob("*.jsonl")]):
        relative = path.relative_to(root).with_suffix("")
        rule = relative.parts[0]
        job = "/".join(relative.parts[1:])
        for repeat, record in enumerate(_records(path), start=1):
            row = {"rule": record.get("rule_name", rule), "job": job, "repeat": repeat}
            rows.append(row | {ours: _number(record.get(theirs)) for theirs, ours in _NAMES.items()})
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    of_scans = table["rule"].isin(SCAN_RULES)
    table["scans"] = table["job"].map(scans or {}).where(of_scans).astype("Int64")
    return table.sort_values(["rule", "job", "repeat"], ignore_index=True)


def seconds_per_scan(timing: pd.DataFrame) -> pd.DataFrame:
    """End-to-end seconds per scan of each shard, starting the programs included: job, seconds, scans.

    Shards of which a rule has no benchmark (its result was there before) are left out.
    """
    columns = ["job", "seconds", "scans"]
    kept = timing[timing["rule"].isin(SCAN_RULES) & (timing["repeat"] == 1) & (timing["scans"] > 0)]
    if kept.empty:
        return pd.DataFrame(columns=columns)
    groups = kept.groupby("job").agg(
        total=("seconds", "sum"), rules=("rule", "nunique"), scans=("scans", "max")
    )
    whole = groups[groups["rules"] == len(SCAN_RULES)]
    seconds = whole["total"] / whole["scans"].astype(float)
    return whole.assign(seconds=seconds).reset_index()[columns]


def reading_times(path: str | Path) -> list[float]:
    """Seconds that a reader took for each of some scans: column `seconds` of a CSV table.

    Raises
    ------
    InputError
        If there is no such column, or it holds something that is no time.
    """
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise InputError("cannot be read as CSV", where="reading_times", cure="give a table") from error
    if "seconds" not in table.columns:
        raise InputError("has no column seconds", where="reading_times", cure="one row per scan, in seconds")
    seconds = pd.to_numeric(table["seconds"], errors="coerce")
    if not (seconds > 0).all() or table.empty:
        cure = "give every scan its seconds"
        raise InputError("holds something that is no positive time", where="reading_times", cure=cure)
    return seconds.astype(float).tolist()


def by_rule(timing: pd.DataFrame) -> pd.DataFrame:
    """Number of jobs, total and longest time and largest memory of each rule, the costliest first."""
    groups = timing.groupby("rule", sort=True)
    table = groups.agg(
        jobs=("rule", "size"),
        seconds=("seconds", "sum"),
        longest_seconds=("seconds", "max"),
        max_rss_mb=("max_rss_mb", "max"),
    )
    return table.sort_values(["seconds", "jobs"], ascending=False, kind="stable").reset_index()


def render(timing: pd.DataFrame, picture: str = "", words: str = "") -> str:
    """A small self-contained page: seconds per scan (`picture` is an SVG), then one bar per rule."""
    table = by_rule(timing)
    longest = max(table["seconds"].max(), 1e-9) if len(table) else 1.0
    rows = "".join(
        f"<tr><th scope=row>{html.escape(str(row.rule))}<td>{row.jobs}<td>{_fixed(row.seconds)}"
        f"<td>{_fixed(row.longest_seconds)}<td>{_fixed(row.max_rss_mb)}"
        f"<td class=bar><span style='width:{100 * row.seconds / longest:.1f}%'></span>"
        for row in table.itertuples()
    )
    body = (
        f"<table><thead><tr><th scope=col>Rule<th scope=col>Jobs<th scope=col>Seconds"
        f"<th scope=col>Longest job, s<th scope=col>Memory, MB<th scope=col>Share</thead>"
        f"<tbody>{rows}</table>"
        if rows
        else "<p>No job of this run was benchmarked."
    )
    scans = f"<h2>Seconds per scan</h2><p>{html.escape(words)}</p>{picture}<h2>Jobs</h2>" if words else ""
    return _PAGE.replace("BODY", scans + body)


def _records(path: Path) -> Iterator[dict]:
    if path.suffix == ".jsonl":
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                yield json.loads(line)
        return
    try:
        table = pd.read_csv(path, sep="\t", na_values=["-"])
    except pd.errors.EmptyDataError:
        # A job that was killed as it was written down.
        return
    yield from table.to_dict("records")


def _number(value) -> float:
    return float(pd.to_numeric(value, errors="coerce")) if value is not None else float("nan")


def _fixed(value: float) -> str:
    return "–" if pd.isna(value) else f"{value:,.1f}"


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Time and memory of the run</title>
<style>
body{font:16px/1.5 system-ui,sans-serif;color:#1c2430;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}
th,td{padding:.25rem .6rem;text-align:right;border-bottom:1px solid #dde}
th:first-child{text-align:left;font-weight:400}thead th{border-bottom:2px solid #1c2430;font-weight:600}
svg{max-width:100%;height:auto}
.bar{width:30%;text-align:left}.bar span{display:block;height:.7rem;background:#33658a}
</style>
<h1>Time and memory of the run</h1>
BODY
</html>
"""

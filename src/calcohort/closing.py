"""What a finished run says last: time, jobs, scans without a score, where the report is."""

import csv
from collections import Counter
from pathlib import Path


def closing(results: str | Path, seconds: float, jobs: int) -> list[str]:
    """Lines for the terminal about the run in folder `results`."""
    minutes, rest = divmod(round(seconds), 60)
    lines = [f"{jobs} jobs in {minutes} min {rest} s." if minutes else f"{jobs} jobs in {rest} s."]
    scores, report = Path(results, "scores/scores.csv"), Path(results, "report.html")
    if scores.is_file():
        with open(scores, encoding="utf-8", newline="") as handle:
            rows = [(row["accepted"], row["reason"]) for row in csv.DictReader(handle)]
        reasons = Counter(reason for accepted, reason in rows if accepted != "True")
        why = ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items()))
        lines.append(f"{reasons.total()} of {len(rows)} scans have no score{f' ({why})' if why else ''}.")
    if report.is_file():
        lines.append(f"The report is {report}")
    return lines

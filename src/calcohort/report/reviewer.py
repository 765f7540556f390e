"""What a reviewer would ask: one question each, answered from a statistics file of the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from markupsafe import Markup

from calcohort.report.prose import Column, missing, paragraph, rows_table
from calcohort.report.run import Row, Run

_QUESTIONS = Path(__file__).with_name("questions.yaml")


@dataclass(frozen=True)
class Question:
    """A question, how to read its answer, and the file that answers it.

    `where` chooses rows; `other_endpoints` takes every endpoint but the primary one;
    more than `most_rows` (0: no limit) are thinned out evenly.
    """

    id: str
    title: str
    guide: str
    file: str
    columns: tuple[Column, ...]
    where: Mapping[str, object]
    other_endpoints: bool
    most_rows: int


def questions() -> list[Question]:
    """The questions, in the order in which they are asked."""
    entries = yaml.safe_load(_QUESTIONS.read_text(encoding="utf-8"))
    return [
        Question(
            id=entry["id"],
            title=entry["title"],
            guide=entry["guide"],
            file=entry["file"],
            columns=tuple(Column(*(part.strip() for part in line.split("|"))) for line in entry["columns"]),
            where=entry.get("where", {}),
            other_endpoints=entry.get("other_endpoints", False),
            most_rows=entry.get("most_rows", 0),
        )
        for entry in entries
    ]


def answer(run: Run, question: Question) -> Markup:
    """How to read it, then its rows; the sentence that says why where there are none."""
    rows = _rows(run, question)
    if not rows:
        reason = (
            "This run analysed no other definition of the endpoint."
            if question.other_endpoints and run.rows(question.file)
            else run.why_not(question.file)
        )
        return paragraph(question.guide) + missing(reason)
    shown = _spread(rows, question.most_rows or len(rows))
    html = paragraph(question.guide) + rows_table(shown, question.columns, f"From {question.file}")
    if len(shown) < len(rows):
        html += paragraph(f"Rows at even distances; all of them are in {question.file}.")
    return html


def _rows(run: Run, question: Question) -> list[Row]:
    if not question.other_endpoints:
        return run.rows(question.file, **question.where)
    table = run.table(question.file)
    if table is None or "endpoint" not in table.columns:
        return []
    others = [name for name in dict.fromkeys(table["endpoint"].dropna()) if name != "mace"]
    return [row for name in others for row in run.rows(question.file, endpoint=name, **question.where)]


def _spread(rows: Sequence[Row], most: int) -> list[Row]:
    if len(rows) <= most:
        return list(rows)
    return [rows[round(i * (len(rows) - 1) / (most - 1))] for i in range(most)]

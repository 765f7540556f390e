"""What a reviewer would ask: one question each, answered from a statistics file of the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from markupsafe import Markup

from calcohort.report.prose import Column, missing, paragraph, rows_table, text
from calcohort.report.run import Row, Run

_QUESTIONS = Path(__file__).with_name("questions.yaml")


@dataclass(frozen=True)
class Question:
    """A question, how to read its answer, and the file that answers it.

    `where` chooses rows, by the first of its entries that finds any; `other_endpoints` takes every endpoint
    but the primary one; `at` (column, values, each) keeps of every curve, told apart by the columns `each`,
    the last row up to each of the values; more than `most_rows` (0: no limit) are thinned out evenly.
    `figure` names the exhibit that draws the answer.
    """

    id: str
    title: str
    guide: str
    file: str
    columns: tuple[Column, ...]
    where: tuple[Mapping[str, object], ...]
    other_endpoints: bool
    at: Mapping | None
    most_rows: int
    figure: str | None


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
            where=tuple(entry.get("where", [{}])),
            other_endpoints=entry.get("other_endpoints", False),
            at=entry.get("at"),
            most_rows=entry.get("most_rows", 0),
            figure=entry.get("figure"),
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
    return html + _drawn(run, question.figure)


def _drawn(run: Run, figure: str | None) -> Markup:
    facts = run.json(f"exhibits/{figure}.json") if figure else None
    if not facts or not facts.get("made"):
        return Markup("")
    return text(
        '<p>Drawn in <a href="#{name}">{title}</a>.</p>', name=figure, title=facts.get("title") or figure
    )


def _rows(run: Run, question: Question) -> list[Row]:
    for where in question.where:
        rows = _chosen(run, question, where)
        if rows:
            return _at(rows, **question.at) if question.at else rows
    return []


def _at(rows: Sequence[Row], column: str, values: Sequence[float], each: Sequence[str]) -> list[Row]:
    """Of each curve the last row up to each of `values`, once, and what has no place on a curve."""
    curves: dict[tuple, list[Row]] = {}
    for row in rows:
        curves.setdefault(tuple(row.value(name) for name in each), []).append(row)
    kept = []
    for curve in curves.values():
        placed = [row for row in curve if row.has(column)]
        last = [max((i for i, r in enumerate(placed) if r.value(column) <= v), default=None) for v in values]
        kept += [placed[i] for i in dict.fromkeys(last) if i is not None]
        kept += [row for row in curve if not row.has(column)]
    return kept


def _chosen(run: Run, question: Question, where: Mapping[str, object]) -> list[Row]:
    if not question.other_endpoints:
        return run.rows(question.file, **where)
    table = run.table(question.file)
    if table is None or "endpoint" not in table.columns:
        return []
    others = [name for name in dict.fromkeys(table["endpoint"].dropna()) if name != "mace"]
    return [row for name in others for row in run.rows(question.file, endpoint=name, **where)]


def _spread(rows: Sequence[Row], most: int) -> list[Row]:
    if len(rows) <= most:
        return list(rows)
    return [rows[round(i * (len(rows) - 1) / (most - 1))] for i in range(most)]

"""Checklists as tables of a manuscript: PRIME (the study's other Supplementary Table 5), TRIPOD+AI."""

from collections.abc import Mapping

from calcohort.audit.checklist import PRIME, TRIPOD_AI, Checklist
from calcohort.exhibits.catalogue import CATALOGUE
from calcohort.exhibits.cells import Table, text
from calcohort.exhibits.exhibit import open_file

_WORDS = {
    "answered": "Answered",
    "in part": "In part; a person must add the rest",
    "person": "Needs a person",
    "missing": "Not in this run",
}


def table_prime(inputs: Mapping, meta: Mapping) -> Table:
    """The PRIME checklist, filled from the run."""
    return _table(inputs, PRIME, CATALOGUE["tableS5_prime"].title)


def table_tripod_ai(inputs: Mapping, meta: Mapping) -> Table:
    """The TRIPOD+AI checklist, filled from the run."""
    return _table(inputs, TRIPOD_AI, CATALOGUE["table_tripod_ai"].title)


def _table(inputs: Mapping, checklist: Checklist, title: str) -> Table:
    file = open_file(inputs, checklist.file, "domain", "item", "asks", "status", "answer", "where")
    rows, domain, unchecked = [], None, []
    for row in range(len(file.frame)):

        def words(column: str, row=row) -> str:
            return str(file.value(row, column) or "")

        if words("domain") != domain:
            domain = words("domain")
            rows.append((text(domain), *(text("") for _ in range(3))))
        if words("wording_checked").lower() == "false":
            unchecked.append(words("item"))
        where = ", ".join(place for place in words("where").split("; ") if not place.startswith("#"))
        answer = " ".join(part for part in (words("answer"), f"({where})" if where else "") if part)
        rows.append(
            (
                text(words("item"), indent=1),
                text(words("asks")),
                text(_WORDS.get(words("status"), words("status"))),
                text(answer),
            )
        )
    notes = [f"{checklist.source}. Items in short words."]
    if unchecked:
        items = f"{unchecked[0]} to {unchecked[-1]}"
        notes.append(f"The wording of items {items} was not compared with the published table.")
    heads = ("Item", "Asks for", "Status", "Answer, and files of the run")
    return Table(title, tuple(text(head) for head in heads), tuple(rows), tuple(notes))

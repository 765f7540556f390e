"""Every code is explained once, and the page of the docs says what the code says."""

from pathlib import Path

from calcohort.imaging.codes import CODES, as_markdown

DOCS = Path(__file__).parents[3] / "docs" / "imaging.md"


def test_the_docs_hold_the_tables_of_the_code():
    assert as_markdown() in DOCS.read_text(encoding="utf-8"), (
        "put the output of `python -m calcohort.imaging.codes` between the headings of docs/imaging.md"
    )


def test_every_code_has_one_line_of_meaning_and_cure():
    for code, reason in CODES.items():
        assert code == reason.code and reason.meaning and reason.cure
        assert "\n" not in reason.meaning + reason.cure and "|" not in reason.meaning + reason.cure

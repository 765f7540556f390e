"""Recheck a finished run: every checksum, and every printed number against the row it names."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from calcohort.audit.checksums import CHECKSUMS, outputs, sha256
from calcohort.errors import InputError
from calcohort.exhibits.numbers import FORMATS, is_missing

PROVENANCE = "audit/provenance.json"
PAGES = ("report.html", "tables/*.html")


@dataclass(frozen=True)
class Difference:
    """Something that is not as the run left it.

    Attributes
    ----------
    kind : str
        missing file | changed file | changed number | unresolved number | unlisted file.
    file : str
        The file it was seen in, relative to the run.
    detail : str
        What was expected and what was found.
    """

    kind: str
    file: str
    detail: str = ""

    @property
    def breaks(self) -> bool:
        """Whether the run fails for it; a file that nobody listed is told, and does not."""
        return self.kind != "unlisted file"

    def __str__(self) -> str:
        return f"{self.kind}: {self.file}" + (f": {self.detail}" if self.detail else "")


@dataclass(frozen=True)
class Number:
    """A `<data class="n">` element of a page."""

    text: str
    value: str
    file: str
    row: str
    column: str
    format: str


def verify(run_dir: str | Path) -> list[Difference]:
    """All differences between a run's files and its checksum list, and between its pages and its tables.

    Raises
    ------
    InputError
        If the folder holds no checksum list.
    """
    root = Path(run_dir)
    if not (root / CHECKSUMS).is_file():
        raise InputError(
            f"there is no {CHECKSUMS}", where=str(run_dir), cure="let the run finish (snakemake audit) first"
        )
    return [*_check_files(root), *check_numbers(root)]


def run(run_dir: str | Path) -> int:
    """Verify, print what differs, and return 1 if anything breaks the run, else 0."""
    differences = verify(run_dir)
    for difference in differences:
        print(difference)
    broken = sum(difference.breaks for difference in differences)
    print(f"{run_dir}: {'as the run wrote it' if not broken else f'{broken} differences'}")
    return 1 if broken else 0


def check_numbers(run_dir: str | Path) -> list[Difference]:
    """Differences between the numbers printed in the pages of a run and the rows they name."""
    root = Path(run_dir)
    tables: dict[str, list[dict[str, str]] | None] = {}
    found = []
    for page in sorted(path for pattern in PAGES for path in root.glob(pattern)):
        name = page.relative_to(root).as_posix()
        for number in numbers_in(page.read_text(encoding="utf-8")):
            if number.file not in tables:
                tables[number.file] = _read(root, number.file)
            problem = _compare(number, tables[number.file])
            if problem:
                found.append(Difference(problem[0], name, problem[1]))
    return found


def numbers_in(page: str) -> list[Number]:
    """The numbers of an HTML page, in order."""
    reader = _NumberReader()
    reader.feed(page)
    reader.close()
    return reader.numbers


def _check_files(root: Path) -> Iterator[Difference]:
    record = root / PROVENANCE
    if record.is_file():
        expected = json.loads(record.read_text(encoding="utf-8")).get("checksums_sha256")
        if expected and expected != sha256(root / CHECKSUMS):
            yield Difference("changed file", CHECKSUMS, f"{PROVENANCE} holds another digest of it")
    with open(root / CHECKSUMS, newline="", encoding="utf-8") as handle:
        listed = {row["path"]: row["sha256"] for row in csv.DictReader(handle)}
    for path, expected in listed.items():
        if not (root / path).is_file():
            yield Difference("missing file", path)
        elif sha256(root / path) != expected:
            yield Difference("changed file", path, "its content is not what the run wrote")
    for path in outputs(root):
        if path not in listed:
            yield Difference("unlisted file", path, "not written by the run, or written after its audit")


def _read(root: Path, file: str) -> list[dict[str, str]] | None:
    path = (root / file).resolve()
    if not path.is_relative_to(root.resolve()) or not path.is_file():
        return None
    with open(path, newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def _compare(number: Number, table: list[dict[str, str]] | None) -> tuple[str, str] | None:
    place = f"{number.file} row {number.row} column {number.column}"
    if table is None:
        return "unresolved number", f"“{number.text}” names {number.file}, which is not there"
    if (
        not number.row.isdigit()
        or int(number.row) >= len(table)
        or number.column not in table[int(number.row)]
    ):
        return "unresolved number", f"“{number.text}” names {place}, which is not there"
    if number.format not in FORMATS:
        return "unresolved number", f"“{number.text}” has the unknown format “{number.format}”"
    raw = table[int(number.row)][number.column]
    cell = _typed(raw)
    # Text is printed as it stands in the file: "1.0" stays "1.0".
    expected = raw if number.format == "text" else FORMATS[number.format](cell)
    if number.text != expected or _typed(number.value) != cell:
        return "changed number", f"“{number.text}” ({number.value}) is printed, {place} gives “{expected}”"
    return None


def _typed(text: str):
    """A field as pandas would have read it: a number, text, or None when empty."""
    if text == "":
        return None
    try:
        value = float(text)
    except ValueError:
        return text
    return None if is_missing(value) else value


class _NumberReader(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.numbers: list[Number] = []
        self._open: dict[str, str | None] | None = None
        self._text: list[str] = []

    def handle_starttag(self, tag, attrs):
        facts = dict(attrs)
        if tag == "data" and "n" in (facts.get("class") or "").split():
            self._open, self._text = facts, []

    def handle_data(self, data):
        if self._open is not None:
            self._text.append(data)

    def handle_endtag(self, tag):
        if tag != "data" or self._open is None:
            return
        names = ("value", "data-file", "data-row", "data-column", "data-format")
        self.numbers.append(Number("".join(self._text), *(self._open.get(name) or "" for name in names)))
        self._open = None

"""A table as tidy numbers (CSV), as a page fragment (HTML) and as a Word table (DOCX)."""

import datetime
import zipfile
from pathlib import Path

import great_tables
import pandas as pd
from docx import Document
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from calcohort.exhibits.cells import Cell, Table, as_cell, full
from calcohort.tables import write_csv

# Office programs show this date as the document's; zip archives cannot hold an earlier one.
_FIXED_DATE = datetime.datetime(1980, 1, 1)
_INDENT_EM = 1.2


def tidy(table: Table) -> pd.DataFrame:
    """One row per printed number: where it stands, its full value, its text and the file row it came from."""
    rows = []
    for row_number, row in enumerate(table.rows):
        for column, cell in zip(table.columns, row, strict=True):
            pieces = list(cell.numbers()) or [cell]
            for part, piece in enumerate(pieces):
                file, source_row, source_column = piece.sources[0] if piece.sources else ("", None, "")
                rows.append(
                    {
                        "row": row_number,
                        "label": row[0].text,
                        "column": column.text,
                        "part": part,
                        "value": "" if piece.value is None else full(piece.value),
                        "text": piece.text,
                        "format": piece.format,
                        "file": file,
                        "file_row": source_row,
                        "file_column": source_column,
                    }
                )
    return pd.DataFrame(rows).astype({"file_row": "Int64"})


def write_table_csv(table: Table, path: Path, name: str) -> None:
    """Write the numbers of `table` at full precision (see `tidy`)."""
    write_csv(tidy(table), path)


def write_table_html(table: Table, path: Path, name: str) -> None:
    """Write `table` as a fragment of a page; every number is a `<data>` element that names its source."""
    keys = [f"c{i}" for i in range(len(table.columns))]
    frame = pd.DataFrame([[_indented(cell) for cell in row] for row in table.rows], columns=keys)
    page = great_tables.GT(frame, id=f"exhibit-{name}").fmt_passthrough(escape=False)
    page = page.tab_header(title=table.title)
    page = page.cols_label(
        {key: great_tables.html(cell.html()) for key, cell in zip(keys, table.columns, strict=True)}
    )
    of_words = [key for place, key in enumerate(keys) if not _has_numbers(table, place)]
    page = page.cols_align("center", columns=keys)
    page = page.cols_align("left", columns=[keys[0], *of_words])
    for label, first, last in table.spanners:
        page = page.tab_spanner(label=label, columns=keys[first : last + 1])
    for note in table.footnotes:
        page = page.tab_source_note(great_tables.html(as_cell(note).html()))
    page = page.tab_options(
        table_font_size="13px",
        heading_align="left",
        heading_title_font_weight="bold",
        data_row_padding="3px",
        table_width="100%",
        table_border_top_style="none",
    )
    path.write_text(page.as_raw_html(inline_css=False) + "\n", encoding="utf-8")


def _has_numbers(table: Table, column: int) -> bool:
    return any(list(row[column].numbers()) for row in table.rows)


def _indented(cell: Cell) -> str:
    looks = []
    if cell.indent:
        looks.append(f"padding-left:{cell.indent * _INDENT_EM:.1f}em")
    if list(cell.numbers()):
        looks.append("white-space:nowrap")
    return f'<span style="{";".join(looks)}">{cell.html()}</span>' if looks else cell.html()


def write_table_docx(table: Table, path: Path, name: str) -> None:
    """Write `table` as a Word document with one real table: repeated heading, three rules, notes."""
    document = Document()
    _page(document, landscape=len(table.columns) > 6)
    properties = document.core_properties
    properties.title, properties.author, properties.comments = table.title, "calcohort", ""
    properties.created = properties.modified = properties.last_printed = _FIXED_DATE
    properties.last_modified_by, properties.revision = "calcohort", 1
    heading = document.add_paragraph()
    run = heading.add_run(table.title)
    run.bold, run.font.size = True, Pt(10)
    _fill(document, table)
    for note in table.footnotes:
        document.add_paragraph().add_run(as_cell(note).text).font.size = Pt(8)
    document.save(path)
    _fix_dates(path)


def _page(document, landscape: bool) -> None:
    section = document.sections[0]
    width, height = Mm(210), Mm(297)
    if landscape:
        section.orientation, width, height = WD_ORIENT.LANDSCAPE, height, width
    section.page_width, section.page_height = width, height
    section.left_margin = section.right_margin = Mm(18)
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = "Arial", Pt(9)
    normal.paragraph_format.space_after = Pt(2)


def _fill(document, table: Table) -> None:
    header_rows = 2 if table.spanners else 1
    grid = document.add_table(rows=header_rows + len(table.rows), cols=len(table.columns))
    grid.alignment = WD_TABLE_ALIGNMENT.LEFT
    # python-docx walks the whole grid for every cell that it is asked for, so each row is asked once.
    lines = [row.cells for row in grid.rows]
    for label, first, last in table.spanners:
        merged = lines[0][first].merge(lines[0][last])
        _put(merged, Cell(label), bold=True, centred=True)
    of_numbers = [column > 0 and _has_numbers(table, column) for column in range(len(table.columns))]
    for column, cell in enumerate(table.columns):
        _put(lines[header_rows - 1][column], cell, bold=True, centred=of_numbers[column])
    for line, row in zip(lines[header_rows:], table.rows, strict=True):
        for column, cell in enumerate(row):
            _put(line[column], cell, bold=False, centred=of_numbers[column])
    for row in grid.rows[:header_rows]:
        mark = OxmlElement("w:tblHeader")
        mark.set(qn("w:val"), "true")
        row._tr.get_or_add_trPr().append(mark)
    _rule(lines[0], "top")
    _rule(lines[header_rows - 1], "bottom")
    _rule(lines[-1], "bottom")


def _put(place, cell: Cell, *, bold: bool, centred: bool) -> None:
    paragraph = place.paragraphs[0]
    run = paragraph.add_run(cell.text)
    run.bold, run.font.size = bold, Pt(8.5)
    paragraph.alignment = 1 if centred else 0
    paragraph.paragraph_format.space_after = Pt(1)
    if cell.indent:
        paragraph.paragraph_format.left_indent = Mm(3 * cell.indent)


def _rule(cells, side: str) -> None:
    for cell in cells:
        properties = cell._tc.get_or_add_tcPr()
        borders = properties.find(qn("w:tcBorders"))
        if borders is None:
            borders = OxmlElement("w:tcBorders")
            properties.append(borders)
        line = OxmlElement(f"w:{side}")
        for key, value in (("val", "single"), ("sz", "8"), ("space", "0"), ("color", "000000")):
            line.set(qn(f"w:{key}"), value)
        borders.append(line)


def _fix_dates(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for filename, content in members:
            info = zipfile.ZipInfo(filename, date_time=_FIXED_DATE.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)

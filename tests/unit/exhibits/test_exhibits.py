"""Every exhibit is made from a whole run, traces its numbers, or gives way to a sentence that says why."""

import json
import shutil
import zipfile
from itertools import combinations

import pandas as pd
import pytest
from docx import Document
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.text import Text

from calcohort.audit.verify import check_numbers
from calcohort.cohort.flow import REASONS
from calcohort.exhibits import Unavailable, style
from calcohort.exhibits.catalogue import CATALOGUE
from calcohort.exhibits.exhibit import read_inputs
from calcohort.exhibits.numbers import show
from calcohort.exhibits.registry import EXHIBITS
from calcohort.exhibits.write import outputs, write
from tests.unit.exhibits.conftest import META, inputs_of, make_analysis, write_run

TABLES = [name for name, entry in CATALOGUE.items() if entry.kind == "table"]
# Made from tables of the run; the others from pictures, or from the model.
PICTURES = ("figure6", "figureS3", "figureS4", "figureS7")
TABULAR = [name for name in EXHIBITS if name not in (*PICTURES, "figureS2")]
# Checklists: answers, no numbers.
OF_WORDS = ("tableS5_prime", "table_tripod_ai")
FIGURES = [name for name, entry in CATALOGUE.items() if entry.kind == "figure"]
IN_COLUMNS = [(name, part) for name in FIGURES for part in CATALOGUE[name].column_parts]


def build(name, folder, meta=META):
    with style.house():
        return EXHIBITS[name].build(inputs_of(folder, name), meta)


@pytest.mark.parametrize("name", [name for name in TABLES if name not in OF_WORDS])
def test_every_number_of_a_table_is_its_source_formatted_anew(name, run):
    numbers = [n for row in build(name, run).rows for cell in row for n in cell.numbers()]
    assert numbers
    files = {}
    for cell in numbers:
        ((file, row, column),) = cell.sources
        assert file in EXHIBITS[name].sources
        files.setdefault(file, read_inputs(run, [file])[file])
        assert show(files[file][column].iloc[row], cell.format) == cell.text


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_in_a_figure_overlaps_or_leaves_the_page(name, run):
    check_layout(build(name, run), style.FULL_WIDTH_MM)


@pytest.mark.parametrize(("name", "part"), IN_COLUMNS)
def test_nothing_in_a_column_overlaps_or_leaves_it(name, part, run):
    inputs, size = inputs_of(run, name), {"part": part} if part else {}
    if name == "figure2":
        # Three matrices fill a column; by site there is no room.
        with pytest.raises(Unavailable, match="do not fit"), style.house():
            EXHIBITS[name].build(inputs, META, width_mm=style.COLUMN_WIDTH_MM)
        inputs = {file: without_sites(table) for file, table in inputs.items()}
    with style.house():
        figure = EXHIBITS[name].build(inputs, META, width_mm=style.COLUMN_WIDTH_MM, **size)
    check_layout(figure, style.COLUMN_WIDTH_MM)


def test_no_box_of_the_overview_lies_on_another(run):
    inputs = inputs_of(run, "figure1")
    reasons = [*REASONS][:8]
    flow = pd.DataFrame({"reason": reasons, "n_in": 500, "excluded": 3, "n_out": 497})
    with style.house():
        figure = EXHIBITS["figure1"].build(inputs | {"cohort/flow.csv": flow}, META)
        FigureCanvasAgg(figure).draw()
        boxes = [box.get_window_extent() for box in figure.findobj(FancyBboxPatch)]
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))


def without_sites(table):
    return table[~table["population"].str.startswith("internal_site_")]


def out_of_view(figure):
    """Labels of ticks beyond the ends of their axis: they exist and are not drawn."""
    hidden = set()
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        slack = 1e-6 * (high - low)
        for tick in axis.get_major_ticks():
            if not low - slack <= tick.get_loc() <= high + slack:
                hidden |= {tick.label1, tick.label2}
    return hidden


def check_layout(figure, width_mm):
    assert isinstance(figure, Figure)
    assert figure.get_figwidth() == pytest.approx(width_mm * style.MM)
    assert figure.get_figheight() <= style.PAGE_HEIGHT_MM * style.MM
    with style.house():
        style.add_note(figure, META["simulated_note"])
        FigureCanvasAgg(figure).draw()
        page = figure.bbox
        boxes = [
            (text.get_text(), text.get_window_extent())
            for text in set(figure.findobj(Text)) - out_of_view(figure)
            if text.get_visible() and text.get_text().strip()
        ]
    for words, box in boxes:
        inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= page.x1 + 1 and box.y1 <= page.y1 + 1
        assert inside, f"{words!r} leaves the page at {box.extents.round()} of {page.extents.round()}"
    for (one, a), (other, b) in combinations(boxes, 2):
        width = min(a.x1, b.x1) - max(a.x0, b.x0)
        height = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert width < 1 or height < 1.5, f"{one!r} overlaps {other!r}"


@pytest.mark.parametrize("name", [name for name in EXHIBITS if EXHIBITS[name].sources])
def test_without_its_files_an_exhibit_says_why(name):
    with pytest.raises(Unavailable, match=r"\.$"):
        EXHIBITS[name].build({}, META)


@pytest.mark.parametrize("name", TABULAR)
def test_with_empty_files_an_exhibit_says_why(name, run):
    inputs = {file: table.iloc[:0] for file, table in inputs_of(run, name).items()}
    with pytest.raises(Unavailable, match=r"\.$"):
        EXHIBITS[name].build(inputs, META)


@pytest.mark.parametrize("name", TABULAR)
def test_a_missing_column_is_named(name, run):
    inputs = inputs_of(run, name)
    first = EXHIBITS[name].sources[0 if name != "figure1" else 2]
    lost = {
        "statistics/baseline.csv": "count",
        "development/scans.csv": "split",
        "cohort/analysis.csv": "cac_dl",
    }
    column = lost.get(first) or ("n" if "followup" in first else inputs[first].columns[0])
    inputs[first] = inputs[first].drop(columns=column)
    with pytest.raises(Unavailable, match=f"The column {column} "):
        EXHIBITS[name].build(inputs, META)


def without_events(analysis):
    return analysis.assign(mace=0, event_type=None, death=0)


def without_standard(analysis):
    return analysis.drop(columns=["cac_standard", "cac_dl_gated", "cac_dl_rest_preferred"])


def without_flow_reserve(analysis):
    return analysis.drop(columns=["mfr", "sds"])


def unknown_flow_reserve(analysis):
    return analysis.assign(mfr=float("nan"))


def one_category(analysis):
    return analysis.assign(cac_dl=7.0, cac_standard=9.0)


def bare(analysis):
    return analysis[["patient_id", "cac_dl", "followup_days", "mace"]]


DEGRADED = {
    without_events: {"central", "figure3", "figure4", "figure5", "table3", "tableS5"},
    without_standard: {
        "central",
        "figure4",
        "figure5",
        "figureS5",
        "figureS6",
        "table2",
        "table3",
        "table_nri",
    },
    without_flow_reserve: {"table3", "figure_decision_curve"},
    unknown_flow_reserve: {"table3", "figure_decision_curve"},
    one_category: {"table3", "table_npv"},
    bare: {
        *("figure4", "figure5", "table1", "table2", "table3", "tableS1", "tableS2", "tableS3", "figure2"),
        "table_conventions",
    },
}


# Each takes some seconds; the others show the same with `-m "not slow"`.
SLOW = (without_flow_reserve, unknown_flow_reserve, one_category)
CHANGES = [pytest.param(c, id=c.__name__, marks=[pytest.mark.slow] if c in SLOW else []) for c in DEGRADED]


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_study_lacks_takes_only_the_exhibits_that_need_it(change, tmp_path):
    write_run(tmp_path, change(make_analysis(150)))
    reasons = {}
    for name in EXHIBITS:
        if name == "figureS2":
            continue
        try:
            build(name, tmp_path)
        except Unavailable as why:
            reasons[name] = str(why)
    assert DEGRADED[change] <= set(reasons), "made from nothing"
    assert all(reason.endswith(".") and "nan" not in reason for reason in reasons.values())
    assert "tableS4" not in reasons and "figure1" not in reasons


@pytest.mark.parametrize("gone", ["0", "101-400"])
def test_an_empty_category_leaves_its_place_and_the_others_stay(gone, tmp_path):
    low, high = {"0": (-1, 0), "101-400": (100, 400)}[gone]
    analysis = make_analysis(150)
    inside = [((analysis[name] > low) & (analysis[name] <= high)) for name in ("cac_dl", "cac_standard")]
    read = ("km", "logrank", "cox", "agreement", "npv", "nri")
    write_run(tmp_path, analysis[~(inside[0] | inside[1])].reset_index(drop=True), families=read)
    figure = build("figure4", tmp_path)
    words = [text.get_text() for text in figure.findobj(Text)]
    assert words.count("no patients") == 2 and "nan" not in " ".join(words).lower()
    if gone == "0":
        with pytest.raises(Unavailable, match="empty reference category"):
            build("table3", tmp_path)
    else:
        row = next(row for row in build("table3", tmp_path).rows if row[0].text == "CAC 101–400")
        assert [cell.text for cell in row[1:]] == ["–"] * 6


def test_hazard_ratios_of_one_score_stand_where_the_other_has_none(tmp_path):
    analysis = make_analysis(150)
    write_run(tmp_path, analysis[analysis["cac_dl"] > 0].reset_index(drop=True), families=("cox",))
    row = next(row for row in build("table3", tmp_path).rows if row[0].text == "CAC 101–400")
    assert row[1].text != "–" and [cell.text for cell in row[4:]] == ["–"] * 3


def test_checklists_are_real_word_tables(run, tmp_path):
    for name in OF_WORDS:
        assert write(name, EXHIBITS[name], inputs_of(run, name), META, tmp_path)
        (grid,) = Document(tmp_path / f"tables/{name}.docx").tables
        assert [cell.text for cell in grid.rows[0].cells][:3] == ["Item", "Asks for", "Status"]
        words = " ".join(cell.text for row in grid.rows for cell in row.cells)
        assert "Needs a person" in words and "statistics/" in words


def test_files_of_a_table(run, tmp_path):
    assert write("table3", EXHIBITS["table3"], inputs_of(run, "table3"), META, tmp_path)
    assert sorted(outputs("table3", EXHIBITS["table3"])) == sorted(
        str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()
    )
    (grid,) = Document(tmp_path / "tables/table3.docx").tables
    assert [cell.text for cell in grid.rows[1].cells][:3] == ["Category", "HR", "95% CI"]
    numbers = pd.read_csv(tmp_path / "tables/table3.csv")
    source = read_inputs(run, ["statistics/cox.csv"])["statistics/cox.csv"]
    first = numbers[numbers["file"].notna()].iloc[0]
    assert float(first["value"]) == source[first["file_column"]].iloc[int(first["file_row"])]
    page = (tmp_path / "tables/table3.html").read_text()
    assert 'data-file="statistics/cox.csv"' in page and META["simulated_note"] in page


def test_the_audit_finds_every_number_of_the_tables(run, tmp_path):
    for name in ("table2", "tableS5", "table_npv"):
        write(name, EXHIBITS[name], inputs_of(run, name), META, tmp_path)
    shutil.copytree(run / "statistics", tmp_path / "statistics")
    assert list(check_numbers(tmp_path)) == []


def test_a_card_stands_in_the_place_of_what_cannot_be_made(tmp_path):
    for name in ("table2", "figure4"):
        assert not write(name, EXHIBITS[name], {}, META, tmp_path)
        facts = json.loads((tmp_path / f"exhibits/{name}.json").read_text())
        assert facts["made"] is False and facts["reason"].endswith(".")
        assert all((tmp_path / path).stat().st_size for path in outputs(name, EXHIBITS[name]))
    assert facts["reason"].split(":")[0] in "There is no statistics/km.csv in this run"


def files_twice(names, run, tmp_path):
    for copy in ("one", "two"):
        for name in names:
            write(name, EXHIBITS[name], inputs_of(run, name), META, tmp_path / copy)
    for path in sorted((tmp_path / "one").rglob("*")):
        if path.is_file():
            yield path, tmp_path / "two" / path.relative_to(tmp_path / "one")


def test_two_runs_give_the_same_bytes(run, tmp_path):
    for one, two in files_twice(("figureS1", "table1"), run, tmp_path):
        assert one.read_bytes() == two.read_bytes(), one.name
    with zipfile.ZipFile(tmp_path / "one/tables/table1.docx") as archive:
        assert {info.date_time[0] for info in archive.infolist()} == {1980}
    assert b"/FontFile2" in (tmp_path / "one/figures/figureS1.pdf").read_bytes()


@pytest.mark.slow
def test_two_runs_give_the_same_bytes_for_everything(run, tmp_path):
    for one, two in files_twice(EXHIBITS, run, tmp_path):
        assert one.read_bytes() == two.read_bytes(), one.name


def test_models_on_few_events_say_so(run):
    inputs = inputs_of(run, "tableS5")
    rare = inputs["statistics/cox.csv"].assign(note="sparse")
    table = EXHIBITS["tableS5"].build(inputs | {"statistics/cox.csv": rare}, META)
    assert any("ten events per parameter" in note for note in table.footnotes)
    table = EXHIBITS["tableS5"].build(inputs | {"statistics/cox.csv": rare.assign(note="")}, META)
    assert not any("ten events per parameter" in note for note in table.footnotes)

"""The gallery holds every scan, orders them as asked and needs nothing but itself."""

import re

import pandas as pd
import pytest

from calcohort.pictures import Card, gallery
from calcohort.pictures.run import write_gallery, write_pictures
from calcohort.scoring.rows import rejected_row, score_row, scores_table


def attributes(page, name):
    return re.findall(rf'data-{name}="([^"]*)"', re.sub(r"<header>.*?</header>", "", page, flags=re.DOTALL))


def test_cards_stand_by_score_and_carry_what_they_are_ordered_by():
    page = gallery(
        [
            Card("low", None, 5.0, "1-100", standard=450.0),
            Card("high", b"png", 900.5, ">400", flags=("noise", "metal"), standard=800.0),
            Card("none", None, None, flags=("no_heart",)),
        ],
        title="Run",
    )
    assert re.findall(r"<b>(.*?)</b>", page) == ["high", "low", "none"]
    assert attributes(page, "score") == ["900.5", "5.0", "-1.0"]
    assert attributes(page, "flag") == ["2", "0", "1"]
    assert attributes(page, "difference") == ["100.5", "445.0", "-1.0"]
    assert attributes(page, "flags") == ["noise metal", "", "no_heart"]
    assert re.findall(r'<option value="(.*?)">', page) == ["", "metal", "no_heart", "noise"]


def test_page_is_self_contained_and_escapes_what_it_is_given():
    page = gallery([Card("<script>x", b"\x89PNG", 1.0)], title="A & B", note="<i>")
    assert "<script>x" not in page and "A &amp; B" in page and "&lt;i&gt;" in page
    assert not re.search(r'(?:src|href)="(?!data:)', page) and "http" not in page
    assert "data:image/png;base64,iVBORw" in page


@pytest.fixture
def run(crop, empty, tmp_path):
    crops = {"aaaa": crop, "bbbb": empty}
    rows = [
        {"patient_id": f"p{n}"} | score_row(one, source="dicom", series=series, protocol="ctac_stress")
        for n, (series, one) in enumerate(crops.items())
    ]
    rows.append({"patient_id": "p2"} | rejected_row(source="dicom", series="cccc", reason="no_heart"))
    scores = scores_table(rows)
    write_pictures(scores, crops.__getitem__, tmp_path)
    write_gallery(scores, tmp_path, tmp_path, title="Run", note="Simulated scans.", standard={"p1": 50.0})
    return tmp_path


def test_a_run_gets_a_picture_per_scored_scan_and_a_page_of_all(run):
    assert sorted(p.name for p in run.iterdir()) == ["aaaa.png", "bbbb.png", "gallery.csv", "index.html"]
    assert all(path.stat().st_size <= 60_000 for path in run.glob("*.png"))
    page = (run / "index.html").read_text()
    assert re.findall(r"<b>(.*?)</b>", page) == ["p0", "p1", "p2"]
    assert page.count("data:image/png") == 2 and "no_heart" in page and "Simulated scans." in page
    assert attributes(page, "difference") == ["-1.0", "50.0", "-1.0"]


def test_gallery_list_names_each_picture(run):
    table = pd.read_csv(run / "gallery.csv")
    assert table["file"].tolist() == ["aaaa.png", "bbbb.png"]
    assert table["caption"][0].startswith("p0, ctac stress, Agatston 190 (101-400), noise")
    assert "standard 50" in table["caption"][1]

"""What a reader of report.html relies on."""

import json
import re

import made_run
import pandas as pd
import pytest

from calcohort.audit.verify import check_numbers, numbers_in
from calcohort.report.page import build_report


def page_of(run):
    return (run / "report.html").read_text(encoding="utf-8")


def build(run, **meta):
    return build_report(run, made_run.complete_config(), made_run.META | meta)


def test_every_number_is_found_in_the_row_that_it_names(full_run):
    numbers = numbers_in(page_of(full_run))
    assert len(numbers) > 300
    assert check_numbers(full_run) == []


def test_the_page_needs_nothing_from_outside(full_run):
    page = page_of(full_run)
    assert not re.findall(r"""(?:src|href|action)=["'](?!#|data:)""", page)
    assert not re.findall(r"url\((?!['\"]?data:)|@import", page)
    assert "http://" not in page.replace("http://www.w3.org/", "") and "https://" not in page


def test_every_link_of_the_page_has_its_target(full_run):
    page = re.sub(r"<script.*?</script>", "", page_of(full_run), flags=re.DOTALL)
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert targets and targets <= set(ids)


def test_two_builds_are_the_same_bytes(full_run):
    assert build(full_run) == build(full_run) == page_of(full_run)


def test_summary_comes_first_and_simulation_is_said_at_the_top(full_run):
    page = page_of(full_run)
    headings = re.findall(r'<h2 id="([^"]+)-title">', page)
    assert headings[0] == "summary"
    assert page.index(made_run.META["simulated_note"]) < page.index('id="summary"')


def test_real_scans_show_agreement_before_the_cohort(full_run):
    page = build(full_run, simulated=False, weights_simulated=False)
    headings = re.findall(r'<h2 id="([^"]+)-title">', page)
    assert headings.index("agreement") < headings.index("flow")
    assert 'class="banner"' not in page


def test_a_run_with_headers_only_says_why_instead_of_numbers(sparse_run):
    page = page_of(sparse_run)
    assert "statistics/npv.csv has no rows" in page
    assert "This run made no exhibits." in page
    assert check_numbers(sparse_run) == []


def test_an_empty_folder_still_gives_a_page(tmp_path):
    page = build(tmp_path)
    assert "no statistics yet" in page
    assert numbers_in(page) == []


@pytest.mark.parametrize(
    "path", ["statistics/cox.csv", "statistics/nri.csv", "cohort/flow.csv", "exhibits/table2.json"]
)
def test_any_missing_file_leaves_a_page(full_run, path):
    (full_run / path).unlink()
    assert "<h2" in build(full_run)


def test_an_exhibit_that_was_not_made_is_a_sentence(full_run):
    page = page_of(full_run)
    assert "There is no gated scan in this study." in page
    assert re.search(r'id="supplement".*?Fewer than two patients', page, re.DOTALL)


def test_missing_estimates_print_no_number(full_run):
    cox = pd.read_csv(full_run / "statistics/cox.csv")
    cox[["estimate", "ci_low", "ci_high"]] = float("nan")
    cox.to_csv(full_run / "statistics/cox.csv", index=False)
    page = build(full_run)
    assert "times the rate" not in page
    assert "nan" not in re.sub(r"<[^>]+>", "", page).lower().split()


def test_equality_is_never_read_from_a_large_p(full_run):
    text = re.sub(r"<[^>]+>", " ", page_of(full_run)).lower()
    assert "similar" not in text
    assert "does not exclude a loss of" in text


def test_text_of_users_is_escaped(full_run):
    config = made_run.complete_config() | {"title": "<script>alert(1)</script>"}
    assert "<script>alert" not in build_report(full_run, config, made_run.META)


def test_methods_follow_the_config(full_run):
    config = made_run.complete_config()
    config["cohort"]["censoring"] = "last_contact"
    config["statistics"]["bootstrap_replicates"] = 321
    page = build_report(full_run, config, made_run.META)
    assert ">321</span> replicates" in page and "last contact or hospital event" in page
    assert "this exclusion conditions on the future" in page
    assert "Shown beside it: these patients kept" in page and "; the clock started on the last" in page
    config["cohort"]["sensitivity"] = []
    assert "Shown beside it" not in build_report(full_run, config, made_run.META)
    del config["imaging"]
    config["scores"] = "scores.csv"
    assert "no scan was read or segmented" in build_report(full_run, config, made_run.META)


def test_reason_codes_come_with_their_meaning_and_count(full_run):
    page = page_of(full_run)
    line = re.search(r"<code>truncated</code>.*?</tr>", page, re.DOTALL)[0]
    assert "a file ends early" in line and ">2</data>" in line


def test_the_smaller_of_svg_and_png_goes_into_the_page(full_run):
    assert "data:image/svg+xml" in page_of(full_run)
    (full_run / "figures/figure3.png").write_bytes(b"\x89PNG")
    assert "data:image/svg+xml" not in build(full_run)


def test_no_date_or_path_of_this_machine_is_in_the_page(full_run):
    page = page_of(full_run)
    assert str(full_run) not in page
    assert not re.search(r"\b20[2-9]\d-\d\d-\d\d\b", page.replace("2020-12-31", ""))
    assert json.loads((full_run / "exhibits/table2.json").read_text())["made"]


def test_no_row_of_an_answer_is_dropped_without_a_word(full_run):
    page = page_of(full_run)
    answer = re.search(r'<section class="block" id="q-nri".*?</section>', page, re.DOTALL)[0]
    assert answer.count("<tr>") - 1 == len(pd.read_csv(full_run / "statistics/nri.csv"))
    thinned = re.search(r'<section class="block" id="q-decision".*?</section>', page, re.DOTALL)[0]
    assert "Rows at even distances" in thinned


def test_the_match_rate_of_each_source_is_shown(full_run):
    rows = re.findall(r"<tr><th scope='row'>deaths</th>.*?</tr>", page_of(full_run))
    assert any("200</data>" in row and "150</data>" in row and ">75.0</data>%" in row for row in rows)


@pytest.mark.parametrize("part", ["found", "sure", "flow", "quality"])
def test_no_result_is_printed_without_its_address(part, full_run):
    page = re.sub(r'<data class="n".*?</data>', "", page_of(full_run), flags=re.DOTALL)
    section = re.search(rf'<section class="[a-z]+" id="{part}".*?</section>', page, re.DOTALL)[0]
    words = re.sub(r"<[^>]+>", " ", section)
    # What is left are names: of intervals, categories and the level of significance.
    assert set(re.findall(r"(?<![A-Za-z])\d[\d.,]*\d|(?<![A-Za-z\d])\d(?![\d])", words)) <= {
        "95",
        "0",
        "400",
        "0.05",
    }

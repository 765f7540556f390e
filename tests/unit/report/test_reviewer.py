"""What a reviewer would ask: every question of the study's critics is answered, from the run's own files."""

import re

import numpy as np
import pandas as pd
import pytest

from calcohort.exhibits.numbers import FORMATS
from calcohort.report.prose import Column, rows_table
from calcohort.report.reviewer import answer, questions
from calcohort.report.run import Run
from calcohort.statistics.run import FAMILIES
from calcohort.statistics.tidy import COLUMNS
from calcohort.tables import write_csv

ASKED = {question.id: question for question in questions()}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Statistics of a cohort whose hazards cross, so that everything there is to say is said."""
    from ..statistics.conftest import QUICK, simulated

    frame = simulated(400)
    high = frame["cac_dl"] > 400
    early = high & (frame["mace"] == 1)
    frame["followup_days"] = np.where(early, 40 + frame.index, frame["followup_days"])
    root = tmp_path_factory.mktemp("reviewer")
    for name in (
        "competing_risks",
        "proportional_hazards",
        "subgroups",
        "splines",
        "noninferiority",
        "calibration",
    ):
        for file, table in FAMILIES[name](frame, None, QUICK).items():
            write_csv(table, root / f"statistics/{file}.csv")
    return Run(root)


@pytest.mark.parametrize("question", ASKED.values(), ids=list(ASKED))
def test_questions_name_files_and_columns_that_there_are(question):
    columns = COLUMNS[question.file.removeprefix("statistics/").removesuffix(".csv")]
    asked = [name for column in question.columns for name in column.names]
    if question.at:
        asked += [question.at["column"], *question.at["each"]]
    assert set(asked) | {name for where in question.where for name in where} <= set(columns)
    assert {column.format for column in question.columns} <= {"", "forest", *FORMATS}


@pytest.mark.parametrize(
    "file",
    [
        "npv",
        "nri",
        "decision_curve",
        "calibration",
        "competing_risks",
        "competing_risks_cox",
        "proportional_hazards",
        "rmst",
        "split_hazard_ratios",
        "splines",
        "spline_tests",
        "subgroups",
        "noninferiority",
    ],
)
def test_what_the_study_could_not_say_is_asked(file):
    assert f"statistics/{file}.csv" in {question.file for question in ASKED.values()}


@pytest.mark.parametrize("name", ["q-rmst", "q-split", "q-spline-curve", "q-noninferiority", "q-calibration"])
def test_answers_hold_numbers(run, name):
    html = answer(run, ASKED[name])
    assert html.count("<data") > 10 and 'class="absent"' not in html


def test_incidences_are_those_of_the_last_step_within_five_years(run):
    table = run.table("statistics/competing_risks.csv")
    keys = ["population", "score", "category", "cause"]
    last = table[table["time_years"] <= 5].groupby(keys).tail(1)
    html = answer(run, ASKED["q-incidence"])
    shown = re.findall(
        r'value="([^"]+)" data-file="[^"]+" data-row="(\d+)" data-column="cumulative_incidence"', html
    )
    assert [int(row) for _, row in shown] == list(last.index)
    assert [float(value) for value, _ in shown] == list(last["cumulative_incidence"])


def test_a_forest_shows_each_ratio_on_one_axis(run):
    html = answer(run, ASKED["q-subgroups"])
    rows = run.table("statistics/subgroups.csv")
    assert html.count("<svg") == rows["estimate"].notna().sum()
    # A ratio above 1 lies right of the middle.
    ratio, place = rows["estimate"].dropna().iloc[0], re.search(r'circle cx="([\d.]+)"', html)[1]
    assert (float(place) > 70) == (ratio > 1)


def test_a_forest_survives_intervals_without_end(tmp_path):
    ratios = {"estimate": [1.0, 1e-9, 3.0], "ci_low": [1.0, 0.0, 2.9], "ci_high": [1.0, 1e9, float("inf")]}
    write_csv(pd.DataFrame(ratios), tmp_path / "f.csv")
    html = rows_table(Run(tmp_path).rows("f.csv"), [Column("F", "estimate, ci_low, ci_high", "forest")], "f")
    places = [float(x) for x in re.findall(r'(?:x1|x2|cx)="([\d.]+)"', html)]
    assert html.count("<svg") == 3 and all(0 <= x <= 140 for x in places)


def test_decision_curves_need_no_second_score(tmp_path):
    rows = {"population": ["all"], "endpoint": ["mace"], "model": ["mfr_sds"], "threshold": [0.1]}
    write_csv(pd.DataFrame(rows).assign(net_benefit=0.2), tmp_path / "statistics/decision_curve.csv")
    assert answer(Run(tmp_path), ASKED["q-decision"]).count("<data") == 2


def test_what_was_not_shown_is_a_no(run):
    html = answer(run, ASKED["q-noninferiority"])
    assert re.search(r'data-column="noninferior"[^>]*>(yes|no)<', html)

"""The scores table of the second door, and of a run."""

import pandas as pd
import pytest

from calcohort.errors import InputError
from calcohort.registries.scores import read_scores

SIMPLE = "patient_id,scan_date,protocol,agatston\nA,2015-01-02,ctac_stress,12.5\nB,2015-01-02,ctac_rest,\n"


@pytest.fixture
def path(tmp_path):
    def write(text: str):
        file = tmp_path / "scores.csv"
        file.write_text(text)
        return file

    return write


def test_the_simple_form(path):
    table = read_scores(path(SIMPLE))
    assert table["scan_date"].tolist() == [pd.Timestamp("2015-01-02")] * 2
    assert table["agatston"].tolist()[0] == 12.5
    assert table["agatston"].isna().tolist() == [False, True]


def test_the_form_of_a_run_with_days_and_rejected_scans(path):
    text = (
        "patient_id,scan_date,protocol,source,series,accepted,reason,agatston,category\n"
        "A,0,ctac_stress,x,s1,True,,12.5,1-100\nB,-3,ctac_rest,x,s2,False,no_heart,,\n,,,x,s3,False,not_ct,,\n"
    )
    table = read_scores(path(text))
    assert table["scan_date"].tolist()[:2] == [0.0, -3.0]
    assert table["accepted"].tolist() == [True, False, False]
    assert table["reason"].tolist()[1] == "no_heart"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("agatston", "score", "no column agatston"),
        ("12.5", "12 AU", "column agatston is text where a number belongs in row 2"),
        ("12.5", "-1", "column agatston is below 0 in row 2"),
        ("ctac_stress", "stress", "column protocol is not one of ctac_stress.* in row 2"),
        ("2015-01-02,ctac_s", ",ctac_s", "column scan_date is empty in row 2"),
        ("\nA,", "\n,", "column patient_id is empty in row 2"),
        ("2015-01-02,ctac_s", "02.01.2015,ctac_s", "two formats"),
    ],
)
def test_what_is_wrong_is_named_with_its_row(path, old, new, words):
    with pytest.raises(InputError, match=words):
        read_scores(path(SIMPLE.replace(old, new)))


def test_a_table_without_rows_is_no_error(path):
    assert read_scores(path(SIMPLE.splitlines()[0] + "\n")).empty

"""The small shared parts: categories, tables, seeds, errors, volumes."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcohort import tables
from calcohort.categories import CATEGORIES, categorise
from calcohort.errors import InputError
from calcohort.seeds import rng
from calcohort.volume import Volume


def test_categories_have_the_studys_borders():
    scores = [0, 1e-9, 100, 100.0001, 400, 400.0001, np.nan]
    assert list(categorise(scores)[:-1]) == ["0", "1-100", "1-100", "101-400", "101-400", ">400"]
    assert categorise(scores).codes[-1] == -1


@given(st.lists(st.floats(0, 1e5), min_size=2, max_size=20))
def test_a_higher_score_is_never_in_a_lower_category(scores):
    codes = categorise(sorted(scores)).codes
    assert list(codes) == sorted(codes)


@pytest.mark.parametrize("score", [-1, np.inf])
def test_an_impossible_score_is_refused(score):
    with pytest.raises(ValueError, match="finite number"):
        categorise([score])
    assert len(CATEGORIES) == 4


def test_tables_keep_every_digit_and_leading_zeros(tmp_path):
    table = pd.DataFrame({"patient_id": ["007", "NA"], "x": [0.1 + 0.2, np.nan]})
    tables.write_csv(table, tmp_path / "t.csv")
    back = tables.read_csv(tmp_path / "t.csv")
    assert list(back["patient_id"]) == ["007", "NA"]
    assert back["x"][0] == 0.1 + 0.2
    assert (tmp_path / "t.csv").read_text().endswith("NA,\n")


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError), tables.whole_file(path) as beside:
        beside.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_streams_are_named():
    assert rng("a", 1).random() == rng("a", 1).random()
    assert rng("a", 1).random() != rng("a", "1").random()


def test_errors_cross_process_borders():
    error = InputError("is wrong", where="file.csv", cure="mend it")
    assert str(pickle.loads(pickle.dumps(error))) == "file.csv: is wrong; mend it"


def test_a_crop_stays_where_it_was_in_the_patient():
    volume = Volume(np.zeros((4, 5, 6), np.int16), (1.0, 2.0, 3.0), (10.0, 20.0, 30.0))
    crop = volume.crop((1, 3, 2, 5, 3, 6))
    assert crop.origin_lps_mm == volume.point_lps_mm((1, 2, 3)) == (13.0, 24.0, 33.0)
    assert crop.shape_zyx == (2, 3, 3)

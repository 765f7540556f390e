"""The effect of each rule of counting, scan by scan and in sum."""

import numpy as np
import pytest

from calcohort.scoring.conventions import CONVENTIONS, Conventions
from calcohort.scoring.effect import EFFECT_COLUMNS, effect_table, scan_effect, scans_table
from calcohort.segmentation.store import HeartCrop


def _crop(*blocks, spacing=(1.0, 1.0, 1.5)):
    hu, labels = np.full((6, 30, 30), 40, dtype=np.int16), np.full((6, 30, 30), 3, dtype=np.uint8)
    for z, y, x, size, value in blocks:
        hu[z, y : y + size, x : x + size], labels[z, y : y + size, x : x + size] = value, 1
    return HeartCrop(hu, labels, (0, 0, 0), hu.shape, spacing, (0.0, 0.0, 0.0), 600.0)


@pytest.fixture(scope="module")
def table():
    rows = []
    # 4 x 4 pixels of weight 2, one pixel of weight 1; then a scan with that one pixel alone; then none.
    for series, blocks in {
        "a": [(1, 5, 5, 4, 250), (3, 20, 20, 1, 150)],
        "b": [(2, 8, 8, 1, 150)],
        "c": [],
    }.items():
        row = {"patient_id": "p", "series": series, "protocol": "ctac_rest", "agatston_kvp_adjusted": None}
        rows += scan_effect(_crop(*blocks), row, Conventions())
    return scans_table(rows)


def test_each_scan_stands_under_each_rule(table):
    assert len(table) == 3 * (1 + len(CONVENTIONS))
    by = table.set_index(["series", "convention"])["agatston"]
    assert by["a", "study"] == by["a", "standard"] == (16 * 2 + 1) * 0.5
    assert by["a", "minimum_2_voxels"] == 16 * 2 * 0.5
    assert by["b", "minimum_2_voxels"] == 0
    assert by["a", "no_increment_correction"] == 33


def test_the_sum_tells_the_change_and_who_changes_category(table):
    effect = effect_table(table).set_index("convention")
    assert list(effect_table(table).columns) == list(EFFECT_COLUMNS)
    pairs = effect.loc["minimum_2_voxels"]
    assert (pairs["n"], pairs["n_with_calcium"]) == (3, 2)
    assert pairs["relative_difference"] == pytest.approx(16 / 17 - 1)
    assert (pairs["largest_difference"], pairs["n_lower_category"], pairs["n_higher_category"]) == (
        -0.5,
        1,
        0,
    )
    assert effect.loc["study", "relative_difference"] == 0
    assert effect.loc["no_increment_correction", "relative_difference"] == pytest.approx(1)


def test_a_run_without_calcium_has_no_relative_change():
    row = {"patient_id": "p", "series": "c", "protocol": "cac_gated", "agatston_kvp_adjusted": 0.0}
    effect = effect_table(scans_table(scan_effect(_crop(), row, Conventions())))
    assert effect["relative_difference"].isna().all() and (effect["mean"] == 0).all()
    assert effect["convention"].iloc[-1] == "kvp_adjusted"
    assert effect_table(scans_table([])).empty

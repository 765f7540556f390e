"""Rows keep the contract's columns, on paper and in JSON, for good scans and for rejected ones."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from calcohort.scoring.rows import (
    JSON_KEYS,
    LESION_COLUMNS,
    SCORE_COLUMNS,
    details,
    lesions_table,
    rejected_row,
    score_row,
    scores_table,
)
from calcohort.segmentation.store import HeartCrop
from calcohort.tables import read_csv, write_csv

CONTRACT = [
    *("source", "series", "accepted", "reason", "warnings", "protocol", "shape_zyx", "spacing_xyz_mm", "kvp"),
    *("agatston", "agatston_kvp_adjusted", "volume_mm3", "mass_mg", "category", "n_lesions"),
    *("heart_volume_ml", "seconds", "lesions"),
]


@pytest.fixture
def crop():
    """A heart of 600 ml from slice 10 on with a coronary lesion of 24 and an aortic one."""
    hu, labels = np.full((40, 80, 80), 40, dtype=np.int16), np.zeros((40, 80, 80), dtype=np.uint8)
    labels[2:38, 10:70, 10:70] = 3
    hu[5:7, 30:34, 30:36], labels[5:7, 30:34, 30:36] = 250, 1
    hu[20, 50:54, 50:56], labels[20, 50:54, 50:56] = 800, 2
    return HeartCrop(
        hu, labels, (10, 20, 30), (60, 512, 512), (0.5, 0.5, 3.0), (5.0, 6.0, 7.0), 600.0, ("w",)
    )


def test_keys_are_those_of_the_contract_and_json_holds_them(crop):
    good = score_row(crop, source="a", series="0" * 16, kvp=np.float64(100))
    bad = rejected_row(source="a", series="1" * 16, reason="no_heart", shape_zyx=(3, 4, 5))
    assert list(good) == list(bad) == CONTRACT == list(JSON_KEYS)
    assert json.loads(json.dumps([good, bad])) == [good, bad]


def test_score_row_counts_the_coronary_lesion_on_the_scans_own_slices(crop):
    row = score_row(crop, source="a", series="s", protocol="ctac_rest", kvp=100, warnings=("padding", "w"))
    assert (row["agatston"], row["agatston_kvp_adjusted"], row["category"]) == (24, 24, "1-100")
    assert (row["accepted"], row["reason"], row["n_lesions"], row["mass_mg"]) == (True, None, 1, None)
    assert row["shape_zyx"] == [60, 512, 512]
    assert row["warnings"] == ["padding", "w"]
    (lesion,) = row["lesions"]
    assert list(lesion) == ["label", "z_slices", "max_hu", "agatston", "volume_mm3", "centroid_lps_mm"]
    assert lesion["z_slices"] == [15, 16]
    assert lesion["centroid_lps_mm"] == pytest.approx([5 + 32.5 * 0.5, 6 + 31.5 * 0.5, 7 + 5.5 * 3])


def test_image_quality_joins_the_warnings(crop):
    assert (
        "heart_volume_implausible"
        in score_row(replace(crop, heart_volume_ml=2000.0), source="a", series="s")["warnings"]
    )


def test_tables_survive_a_round_trip(tmp_path, crop):
    patient = {"patient_id": "0042", "scan_date": "0"}
    good = patient | score_row(crop, source="a", series="00112233", warnings=("b", "a")) | details(crop)
    bad = {"patient_id": "0043"} | rejected_row(source="b", series="7", reason="no_heart")
    write_csv(scores_table([good, bad]), tmp_path / "scores.csv")
    table = read_csv(tmp_path / "scores.csv")
    assert tuple(table.columns) == SCORE_COLUMNS
    assert table["patient_id"].tolist() == ["0042", "0043"]
    assert table["series"].tolist() == ["00112233", "7"]
    assert table["accepted"].tolist() == [True, False]
    assert table.loc[0, ["warnings", "shape_zyx", "spacing_xyz_mm"]].tolist() == [
        "b;a;w",
        "60x512x512",
        "0.5x0.5x3.0",
    ]
    assert table.loc[0, "agatston"] == table.loc[0, "agatston_minimum_3_voxels"] == 24
    assert table.loc[1, ["agatston", "category", "noise_hu", "spacing_xyz_mm"]].isna().all()


def test_lesions_table_has_one_row_per_lesion(crop):
    good = {"patient_id": "p"} | score_row(crop, source="a", series="s")
    table = lesions_table([good, rejected_row(source="b", series="7", reason="no_heart")])
    assert tuple(table.columns) == LESION_COLUMNS
    assert table[["patient_id", "series", "z_slices", "agatston"]].values.tolist() == [
        ["p", "s", "15;16", 24.0]
    ]
    assert tuple(lesions_table([]).columns) == LESION_COLUMNS
    assert isinstance(scores_table([]), pd.DataFrame)

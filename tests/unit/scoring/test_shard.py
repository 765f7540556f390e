"""A scan that cannot be scored is a row with a reason; the others of its shard keep their scores."""

from dataclasses import replace

import numpy as np

from calcohort.scoring.conventions import STANDARD
from calcohort.scoring.rows import scores_table
from calcohort.scoring.shard import score_scan
from calcohort.segmentation.store import HeartCrop

PATIENT = {"patient_id": "A", "scan_date": 0}


def made(crop: HeartCrop):
    about = {"source": "x", "series": "s", "protocol": "ctac_rest", "kvp": 100.0, "warnings": ("padding",)}
    return score_scan(crop, PATIENT, about, STANDARD, 1.0)


def test_a_poisonous_scan_is_lost_alone_and_with_a_reason(capsys):
    hu, labels = np.full((20, 60, 60), 40, dtype=np.int16), np.full((20, 60, 60), 3, dtype=np.uint8)
    hu[5:7, 30:34, 30:36], labels[5:7, 30:34, 30:36] = 250, 1
    crop = HeartCrop(hu, labels, (0, 0, 0), (20, 60, 60), (1.0, 1.0, 3.0), (0.0, 0.0, 0.0), 600.0)
    (good, effects), (lost, none) = made(crop), made(replace(crop, labels=labels[:, :50]))
    assert good["accepted"] and good["agatston"] > 0 and len(effects) > 1
    assert none == []
    assert "Traceback" in capsys.readouterr().err
    table = scores_table([good, lost])
    assert table["reason"].tolist() == [None, "scoring_failed"]
    assert table["agatston"].isna().tolist() == [False, True]
    assert table["patient_id"].tolist() == ["A", "A"]

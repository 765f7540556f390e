"""The real chest CT: scores where a careful reader saw calcium, and what the shipped weights make of it."""

import os
from pathlib import Path

import numpy as np
import pytest

from calcohort.dicom import load_series
from calcohort.scoring import score

ROOT = Path(__file__).parents[3]
SCAN = Path(os.environ.get("CALCOHORT_REALDATA", ROOT.parent / "shared" / "realdata")) / "lung1-001"
MODEL = ROOT / "models" / "clstm-fast"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SCAN.is_dir(), reason="the real scan lung1-001 is not here (CALCOHORT_REALDATA)"),
]


@pytest.mark.parametrize(
    ("z", "y", "x", "reader"),
    [((40, 45), 230, 260, 990), ((49, 58), 193, 245, 560)],
    ids=["low RCA", "high RCA"],
)
def test_score_where_the_reader_saw_a_lesion(z, y, x, reader):
    volume = load_series(SCAN).volume
    mask = np.zeros(volume.shape_zyx, dtype=bool)
    mask[slice(*z), y - 20 : y + 20, x - 20 : x + 20] = True
    assert score(volume, mask).agatston == pytest.approx(reader, rel=0.05)


@pytest.mark.skipif(not MODEL.is_dir(), reason="the weights models/clstm-fast are not here")
def test_network_finds_the_heart_and_its_heavy_coronary_calcium():
    from calcohort.score_paths import score_paths
    from calcohort.segmentation import Segmenter

    (row,) = score_paths([SCAN], Segmenter.load(MODEL, "cpu"))
    assert (row["accepted"], row["category"]) == (True, ">400")
    assert row["shape_zyx"] == [134, 512, 512] and row["kvp"] == 120
    # The coronary lesions lie in slices 40-66; the largest ones must be among those found.
    largest = [lesion["z_slices"] for lesion in row["lesions"][:3]]
    assert any(40 <= z <= 66 for slices in largest for z in slices)
    assert 400 <= row["heart_volume_ml"] <= 1200

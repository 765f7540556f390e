"""The real chest CT: scores where a careful reader saw calcium, and what the shipped weights make of it."""

import os
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from calcohort.dicom import load_series
from calcohort.score_paths import score_paths
from calcohort.scoring import score
from calcohort.segmentation import Segmenter, vote
from calcohort.volume import Volume

ROOT = Path(__file__).parents[3]
SCAN = Path(os.environ.get("CALCOHORT_REALDATA", ROOT.parent / "shared" / "realdata")) / "lung1-001"
MODEL = ROOT / "models" / "clstm-fast"

# The heart of the scan, with a hand's breadth around it, as a gated scan shows it.
CARDIAC = (30, 79, 102, 332, 172, 402)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SCAN.is_dir(), reason="the real scan lung1-001 is not here (CALCOHORT_REALDATA)"),
]


@pytest.fixture(scope="module")
def volume():
    return load_series(SCAN).volume


@pytest.fixture(scope="module")
def segmenter():
    if not MODEL.is_dir():
        pytest.skip("the weights models/clstm-fast are not here")
    return Segmenter.load(MODEL, "cpu")


@pytest.fixture(scope="module")
def bare(volume, segmenter):
    # By rules of its own: what a stricter model leaves out would stay in the scan as calcium.
    lenient = copy(segmenter)
    lenient.rules = replace(segmenter.rules, coronary_threshold=0.65, hollow_share=1.0)
    return without(volume, lenient(volume).labels == vote.CORONARY, np.random.default_rng(1))


@pytest.mark.parametrize(
    ("z", "y", "x", "reader"),
    [((40, 45), 230, 260, 990), ((49, 58), 193, 245, 560)],
    ids=["low RCA", "high RCA"],
)
def test_score_where_the_reader_saw_a_lesion(volume, z, y, x, reader):
    mask = np.zeros(volume.shape_zyx, dtype=bool)
    mask[slice(*z), y - 20 : y + 20, x - 20 : x + 20] = True
    assert score(volume, mask).agatston == pytest.approx(reader, rel=0.05)


def test_network_finds_the_heart_and_its_heavy_coronary_calcium(segmenter):
    (row,) = score_paths([SCAN], segmenter)
    assert (row["accepted"], row["category"]) == (True, ">400")
    assert row["shape_zyx"] == [134, 512, 512] and row["kvp"] == 120
    # The coronary lesions lie in slices 40-66; the largest ones must be among those found.
    largest = [lesion["z_slices"] for lesion in row["lesions"][:3]]
    assert any(40 <= z <= 66 for slices in largest for z in slices)
    assert 400 <= row["heart_volume_ml"] <= 1200


def noisier(volume: Volume, rng: np.random.Generator, hu: float = 30.0) -> Volume:
    noise = ndimage.gaussian_filter(rng.standard_normal(volume.shape_zyx), (0, 0.8, 0.8))
    return _like(volume, volume.hu + noise * hu / noise.std())


def cardiac(volume: Volume, rng: np.random.Generator) -> Volume:
    return volume.crop(CARDIAC)


def finer_pixels(volume: Volume, rng: np.random.Generator, factor: float = 2.2) -> Volume:
    part = volume.crop(CARDIAC)
    x, y, z = part.spacing_xyz_mm
    hu = ndimage.zoom(part.hu.astype(np.float32), (1, factor, factor), order=1)
    return Volume(hu.round().astype(np.int16), (x / factor, y / factor, z))


def thick_slices(volume: Volume, rng: np.random.Generator) -> Volume:
    x, y, z = volume.spacing_xyz_mm
    pairs = volume.hu.reshape(-1, 2, *volume.shape_zyx[1:]).mean(1)
    return Volume(pairs.round().astype(np.int16), (x, y, 2 * z))


def fewer_slices(volume: Volume, rng: np.random.Generator) -> Volume:
    x, y, z = volume.spacing_xyz_mm
    return Volume(volume.hu[::2], (x, y, 2 * z))


def sharper(volume: Volume, rng: np.random.Generator) -> Volume:
    return _like(volume, volume.hu + 0.8 * (volume.hu - _blurred(volume.hu, 1.0)))


def softer(volume: Volume, rng: np.random.Generator) -> Volume:
    return _like(volume, _blurred(volume.hu, 1.0))


def at_100_kv(volume: Volume, rng: np.random.Generator) -> Volume:
    return _like(volume, np.where(volume.hu > 0, 1.15 * volume.hu, volume.hu))


VARIANTS = [noisier, cardiac, finer_pixels, thick_slices, fewer_slices, sharper, softer, at_100_kv]


@pytest.mark.parametrize("changed", VARIANTS, ids=lambda variant: variant.__name__)
def test_another_scanner_would_have_shown_the_same_category(volume, segmenter, changed):
    assert agatston(segmenter, changed(volume, np.random.default_rng(1))) > 400


@pytest.mark.parametrize("changed", [None, noisier, cardiac, thick_slices])
def test_without_its_coronary_calcium_hardly_anything_is_found(bare, segmenter, changed):
    """Noise, valves, aorta, pleura and bones of a real chest stay what they are."""
    assert agatston(segmenter, changed(bare, np.random.default_rng(2)) if changed else bare) < 50


def agatston(segmenter: Segmenter, volume: Volume) -> float:
    return score(volume, segmenter(volume).labels == vote.CORONARY).agatston


def without(volume: Volume, calcium: np.ndarray, rng: np.random.Generator) -> Volume:
    """The scan with its coronary calcium, and the blur around it, replaced by voxels from nearby."""
    around = ndimage.binary_dilation(calcium, np.ones((3, 5, 5)))
    plane = np.ones((1, 3, 3))
    spot = ndimage.binary_dilation(around & (volume.hu > 60), plane)
    tissue = ndimage.binary_dilation(spot, plane, iterations=4) & ~spot & (abs(volume.hu) < 110)
    hu = volume.hu.copy()
    hu[spot] = rng.choice(hu[tissue], spot.sum())
    return _like(volume, hu)


def _like(volume: Volume, hu: np.ndarray) -> Volume:
    return Volume(np.clip(hu, -1024, 3071).round().astype(np.int16), volume.spacing_xyz_mm)


def _blurred(hu: np.ndarray, pixels: float) -> np.ndarray:
    return ndimage.gaussian_filter(hu.astype(np.float32), (0, pixels, pixels))

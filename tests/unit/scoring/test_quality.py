"""Image quality flags on a synthetic heart: a ball of blood in air, one fault at a time."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from calcohort.scoring.quality import FLAGS, assess, cut_share


@dataclass(frozen=True)
class Crop:
    hu: np.ndarray
    labels: np.ndarray
    offset_zyx: tuple
    shape_zyx: tuple
    spacing_xyz_mm: tuple
    heart_volume_ml: float


@pytest.fixture(scope="module")
def crop():
    """A heart of 700 ml with 20 HU of noise, in the middle of a scan of 60 slices."""
    z, y, x = np.mgrid[-22:22, -64:64, -64:64]
    heart = (3.0 * z) ** 2 + y**2 + x**2 <= 55**2
    noise = np.random.default_rng(0).normal(0, 20, heart.shape)
    hu = np.where(heart, 45 + noise, -100 + noise).astype(np.int16)
    return Crop(
        hu, np.where(heart, 3, 0).astype(np.uint8), (8, 100, 100), (60, 512, 512), (1.0, 1.0, 3.0), 700.0
    )


def test_a_plain_scan_has_no_flag_and_its_noise_is_measured(crop):
    quality = assess(crop)
    assert quality.flags == ()
    assert quality.noise_hu == pytest.approx(20, rel=0.05)
    assert quality.blood_hu == pytest.approx(45, abs=5)
    assert quality.heart_slices == 37


def test_noise_is_measured_beside_calcium_and_vessels(crop):
    hu = crop.hu.copy()
    hu[20:23, 60:64, 60:64] = 900
    assert assess(replace(crop, hu=hu)).noise_hu == pytest.approx(20, rel=0.1)


def _brighter(crop, by):
    return replace(crop, hu=np.where(crop.labels == 3, crop.hu + by, crop.hu).astype(np.int16))


def _noisier(crop):
    noise = np.random.default_rng(1).normal(0, 55, crop.hu.shape)
    return replace(crop, hu=(crop.hu + noise).astype(np.int16))


def _painted(crop, voxels, hu):
    painted = crop.hu.copy()
    painted[22, 64, 40 : 40 + voxels] = hu
    return replace(crop, hu=painted)


def _cut(crop, at, slices):
    kept = slice(at, at + slices)
    return replace(
        crop, hu=crop.hu[kept], labels=crop.labels[kept], offset_zyx=(0, 0, 0), shape_zyx=(slices, 512, 512)
    )


@pytest.mark.parametrize(
    ("change", "flags"),
    [
        (lambda crop: _noisier(crop), ("noise",)),
        (lambda crop: _brighter(crop, 120), ("contrast",)),
        (lambda crop: _brighter(crop, 25), ()),
        (lambda crop: _cut(crop, 14, 30), ("heart_cut_off",)),
        (lambda crop: _cut(crop, 0, 30), ("heart_cut_off",)),
        (lambda crop: _cut(crop, 3, 40), ()),
        (lambda crop: _painted(crop, 3, 2800), ("metal",)),
        (lambda crop: _painted(crop, 2, 1800), ("metal",)),
        (lambda crop: _painted(crop, 2, 1300), ()),
        (lambda crop: _painted(crop, 9, 1900), ()),
        (lambda crop: replace(crop, heart_volume_ml=1350.0), ("heart_volume_implausible",)),
        (lambda crop: replace(crop, heart_volume_ml=120.0), ("heart_volume_implausible",)),
        (lambda crop: _painted(crop, 1, -2000), ("padding",)),
        (lambda crop: replace(crop, hu=crop.hu[::3], labels=crop.labels[::3]), ("few_slices",)),
    ],
)
def test_each_fault_raises_its_flag_and_no_other(crop, change, flags):
    assert assess(change(crop)).flags == flags


def test_a_crop_without_a_heart_is_judged_without_a_guess(crop):
    quality = assess(replace(crop, labels=np.zeros_like(crop.labels), heart_volume_ml=0.0))
    assert (quality.noise_hu, quality.blood_hu) == (None, None)
    assert set(quality.flags) == {"few_slices", "heart_volume_implausible"}


def test_every_flag_is_explained():
    for flag in FLAGS.values():
        assert flag.meaning and flag.limit
        assert "\n" not in flag.meaning + flag.limit


@pytest.mark.parametrize("lost", [0.02, 0.1, 0.3, 0.5])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_share_of_a_ball_outside_the_scan_is_estimated(axis, lost):
    z, y, x = np.mgrid[-30:31, -30:31, -30:31]
    ball = z**2 + y**2 + x**2 <= 29.5**2
    volume = np.cumsum(np.count_nonzero(ball, axis=(1, 2))) / np.count_nonzero(ball)
    first = int(np.searchsorted(volume, lost))
    offset = [5, 5, 5]
    offset[axis] = 0
    kept = np.moveaxis(ball[first:], 0, axis)
    share = cut_share(kept, tuple(offset), (99, 99, 99))
    assert share == pytest.approx(volume[first - 1], abs=0.02)
    assert cut_share(ball, (5, 5, 5), (99, 99, 99)) == 0.0

"""The segmenter with networks that know the toy's truth: what is left is geometry, vote and bookkeeping."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from calcohort.networks.files import Model, Network
from calcohort.networks.inputs import default_inputs
from calcohort.scoring import score
from calcohort.segmentation import NoHeart, Segmenter, store
from calcohort.volume import Volume

BLOOD, FAT, CORONARY_HU, OTHER_HU = 45, -90, 400, 900


class KnowsHeart(nn.Module):
    """Heart where the soft-tissue window is above fat; calcium dots are too small to matter."""

    def forward(self, stacks):
        blood = (stacks[:, :, 0] - 0.25) * 40
        return torch.stack((-blood, blood), dim=2)


class KnowsLesion(nn.Module):
    """Below 650 HU coronary, above other."""

    def forward(self, stacks):
        hu = stacks[:, :, 1] * 2500 - 1000
        background, coronary = (120 - hu) / 20, 5 - ((hu - 320) / 90) ** 2
        return torch.stack((background, coronary, (hu - 520) / 40), dim=2)


def segmenter():
    networks = [
        Network("toy", task, {}, default_inputs("clstm-fast", task), module)
        for task, module in (("heart", KnowsHeart()), ("lesion", KnowsLesion()))
    ]
    return Segmenter(Model(*networks), "cpu")


def scan(pixel=0.7, slice_mm=3.0, depth=40, side=280, heart_mm=45.0):
    z, y, x = np.ogrid[:depth, :side, :side]
    centre = (depth * slice_mm / 2, side * pixel / 2, side * pixel / 2 + 10)
    away = np.sqrt(
        (z * slice_mm - centre[0]) ** 2 + (y * pixel - centre[1]) ** 2 + (x * pixel - centre[2]) ** 2
    )
    hu = np.where(away < heart_mm, BLOOD, FAT)
    truth = np.where(away < heart_mm, 3, 0).astype(np.uint8)

    def plant(offset_mm, size_mm, value, label):
        spot = np.ones(hu.shape, dtype=bool)
        for axis, (grid, step) in enumerate(((z, slice_mm), (y, pixel), (x, pixel))):
            spot &= np.abs(grid * step - centre[axis] - offset_mm[axis]) <= size_mm
        hu[spot], truth[spot] = value, label

    plant((0, -heart_mm + 4, 0), 2.5, CORONARY_HU, 1)
    plant((9, 0, heart_mm - 6), 3.5, CORONARY_HU, 1)
    # Its blurred edge looks coronary to these networks: less than a tenth of it, so that it is not divided.
    plant((0, 5, 5), 6.0, OTHER_HU, 2)
    plant((0, 0, -heart_mm - 25), 5.0, CORONARY_HU, 0)
    return Volume(hu.astype(np.int16), (pixel, pixel, slice_mm), (-50.0, -60.0, 7.0)), truth


@pytest.mark.parametrize(("pixel", "slice_mm", "depth"), [(0.7, 3.0, 40), (0.42, 2.5, 48), (1.2, 1.0, 120)])
def test_planted_calcium_is_found_on_every_grid(pixel, slice_mm, depth):
    volume, truth = scan(pixel, slice_mm, depth, side=round(196 / pixel))
    found = segmenter()(volume)
    assert found.labels.shape == volume.shape_zyx and found.labels.dtype == np.uint8
    assert np.array_equal(found.labels == 1, truth == 1)
    assert np.array_equal(found.labels == 2, truth == 2)
    both = ((found.labels > 0) & (truth > 0)).sum()
    assert 2 * both / ((found.labels > 0).sum() + (truth > 0).sum()) > 0.95
    assert found.heart_volume_ml == pytest.approx((truth > 0).sum() * volume.voxel_volume_mm3 / 1000, rel=0.1)


def test_a_hollow_part_is_left_out_and_told():
    volume, truth = scan(pixel=0.42, side=467)
    assert "hollow_part" not in segmenter()(volume).warnings
    hu = volume.hu.copy()
    y, x = np.ogrid[:467, :467]
    away = np.hypot(y - 200, x - 210) * 0.42
    walls = np.zeros(hu.shape, dtype=bool)
    walls[18:22] = (away > 1.1) & (away < 1.9)
    hu[walls] = 420
    found = segmenter()(Volume(hu, volume.spacing_xyz_mm, volume.origin_lps_mm))
    assert "hollow_part" in found.warnings
    assert not np.any(found.labels[walls] == 1)
    assert np.array_equal(found.labels == 1, truth == 1)
    # It was the hollow that kept it out.
    filled = hu.copy()
    filled[18:22][:, away < 1.9] = 420
    found = segmenter()(Volume(filled, volume.spacing_xyz_mm, volume.origin_lps_mm))
    assert "hollow_part" not in found.warnings
    assert np.all(found.labels[walls] == 1)


def test_the_box_holds_the_heart_and_its_margin():
    volume, truth = scan()
    z0, z1, y0, y1, x0, x1 = segmenter()(volume).heart_box
    outside = truth.copy()
    outside[z0:z1, y0:y1, x0:x1] = 0
    assert not outside.any()
    assert (y1 - y0) * 0.7 == pytest.approx(90 + 12, abs=6)


def test_a_scan_without_a_heart_says_so_and_others_go_on():
    volume, _ = scan()
    empty = Volume(np.full((20, 128, 128), -900, dtype=np.int16), (1.0, 1.0, 3.0))
    with pytest.raises(NoHeart) as caught:
        segmenter()(empty)
    assert caught.value.reason == "no_heart"
    results = list(segmenter().many([empty, volume]))
    assert isinstance(results[0], NoHeart)
    assert (results[1].labels == 1).any()


def test_a_heart_without_bright_voxels_scores_zero():
    volume, truth = scan()
    hu = np.where(truth > 0, BLOOD, FAT).astype(np.int16)
    found = segmenter()(replace(volume, hu=hu))
    assert set(np.unique(found.labels)) == {0, 3}


def test_masks_do_not_depend_on_the_number_of_threads():
    rng = np.random.default_rng(4)
    volume, _ = scan(0.9, 3.0, 40, 220)
    noisy = replace(volume, hu=(volume.hu + rng.normal(0, 30, volume.hu.shape)).astype(np.int16))
    before, masks = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            masks.append(segmenter()(noisy).labels)
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(*masks)


def test_the_stored_crop_scores_as_the_scan_and_is_written_alike(tmp_path):
    volume, _ = scan()
    found = segmenter()(volume)
    crop = store.crop(volume, found)
    path = tmp_path / "series.npz"
    store.save(path, crop)
    first = path.read_bytes()
    again = store.load(path)
    store.save(path, again)
    assert path.read_bytes() == first
    assert np.array_equal(again.full_labels(), found.labels)
    whole, part = score(volume, found.labels == 1), score(again.volume(), again.labels == 1)
    assert part.agatston == whole.agatston > 0
    for near, far in zip(part.lesions, whole.lesions, strict=True):
        assert near.centroid_lps_mm == pytest.approx(far.centroid_lps_mm)
    assert (again.heart_volume_ml, again.warnings) == (found.heart_volume_ml, found.warnings)


def test_a_damaged_crop_is_named(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"broken")
    with pytest.raises(ValueError, match="x.npz"):
        store.load(tmp_path / "x.npz")

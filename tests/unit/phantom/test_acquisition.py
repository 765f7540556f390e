"""The simulated scan: geometry, physics and a truth that agrees with its HU."""

import dataclasses

import numpy as np
import pytest

from calcohort.errors import InputError
from calcohort.phantom import PROTOCOLS, acquire, draw_anatomy, heart_grid
from calcohort.phantom.acquisition import _own_grid
from calcohort.phantom.draws import Draw
from calcohort.phantom.solids import field_at
from calcohort.phantom.truth import METAL


def positions(volume):
    """LPS coordinates (z, y, x, 3) of every voxel."""
    z, y, x = np.indices(volume.shape_zyx)
    return np.stack([x, y, z], -1) * np.array(volume.spacing_xyz_mm) + np.array(volume.origin_lps_mm)


def test_the_same_seed_gives_the_same_bytes(rich_anatomy, rich_crop):
    again = acquire(draw_anatomy(5, burden=">400"), "ctac_stress", 1,
                    grid=heart_grid(rich_anatomy, (40, 160, 160), (1.0, 1.0, 3.5)))  # fmt: skip
    assert again.volume.hu.tobytes() == rich_crop.volume.hu.tobytes()
    assert again.labels.tobytes() == rich_crop.labels.tobytes()


def test_another_seed_gives_other_noise(rich_anatomy):
    grid = heart_grid(rich_anatomy, (4, 60, 60), (2.0, 2.0, 5.0))
    scans = [acquire(rich_anatomy, "ctac_stress", seed, grid=grid).volume.hu for seed in (1, 2)]
    assert (scans[0] != scans[1]).mean() > 0.8


def test_geometry_is_what_was_asked_for(rich_crop):
    assert rich_crop.volume.hu.dtype == np.int16
    assert rich_crop.labels.dtype == np.uint8 == rich_crop.vessels.dtype
    assert rich_crop.volume.shape_zyx == rich_crop.labels.shape == (40, 160, 160)
    assert rich_crop.volume.spacing_xyz_mm == (1.0, 1.0, 3.5)
    assert rich_crop.kvp == 100


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
def test_each_protocol_covers_the_heart_with_its_own_pixels(protocol, rich_anatomy):
    rules = PROTOCOLS[protocol]
    low, high = rich_anatomy.heart.envelope.bounds()
    for seed in range(5):
        grid = _own_grid(Draw(np.random.default_rng(seed), "demo"), rich_anatomy, rules, 0.0)
        assert grid.shape_zyx[1:] == (512, 512)
        assert rules.slices[0] <= grid.shape_zyx[0] <= rules.slices[1]
        pixel, _, increment = grid.spacing_xyz_mm
        assert rules.fov_mm[0] / 512 <= pixel <= rules.fov_mm[1] / 512
        assert increment in rules.increments_mm
        assert grid.origin_lps_mm[2] < low[2] + 6
        assert grid.origin_lps_mm[2] + increment * (grid.shape_zyx[0] - 1) > high[2] - 6


def test_labelled_calcium_is_at_least_130_hu(rich_crop):
    calcium = np.isin(rich_crop.labels, (1, 2))
    assert (rich_crop.labels == 1).sum() > 20
    assert rich_crop.volume.hu[calcium].min() >= 130


def test_without_calcium_noise_alone_makes_none():
    anatomy = dataclasses.replace(draw_anatomy(6, burden="0"), lesions=(), size=1.5)
    scan = acquire(anatomy, "ctac_stress", 1, grid=heart_grid(anatomy, (12, 120, 120), (1.0, 1.0, 5.0)))
    assert (scan.volume.hu[scan.labels == 3] >= 130).any()
    assert set(np.unique(scan.labels)) <= {0, 3}
    assert scan.agatston == 0


@pytest.mark.slow
def test_coronary_calcium_lies_inside_the_heart_region():
    inside = total = 0
    for seed in range(4):
        anatomy = draw_anatomy((21, seed), burden=">400", population="training")
        scan = acquire(anatomy, "cac_gated", 1, grid=heart_grid(anatomy, (48, 128, 128), (1.1, 1.1, 3.0)))
        heart = np.isin(scan.labels, (1, 3))
        calcium = scan.labels == 1
        # A voxel of calcium must have the heart around it in its slice.
        around = sum(np.roll(heart, shift, axis) for axis in (1, 2) for shift in (-3, 3))
        inside += (calcium & (around >= 2)).sum()
        total += calcium.sum()
    assert total > 200
    assert inside / total >= 0.99


def test_calcium_belongs_to_a_vessel(rich_crop):
    calcium = rich_crop.labels == 1
    assert (rich_crop.vessels[calcium] > 0).mean() > 0.95
    assert set(np.unique(rich_crop.vessels)) >= {2, 3, 4}


def test_tissues_have_their_hu(rich_anatomy, rich_crop):
    hu, points = rich_crop.volume.hu.astype(float), positions(rich_crop.volume)
    ventricle = field_at(rich_anatomy.heart.chambers["LV"], points) < -14
    assert 25 < hu[ventricle].mean() < 65
    assert hu.min() >= -1024
    assert hu.max() <= 3071


def test_calcium_is_brighter_at_100_kv(rich_anatomy):
    grid = heart_grid(rich_anatomy, (30, 128, 128), (1.0, 1.0, 4.0))
    quiet = dataclasses.replace(rich_anatomy, size=0.2)
    low, high = (acquire(quiet, p, 1, grid=grid) for p in ("ctac_rest", "chest_ct"))
    bone = field_at(rich_anatomy.torso.cavity, positions(low.volume)) > 3
    assert np.percentile(low.volume.hu[bone], 99) > 1.05 * np.percentile(high.volume.hu[bone], 99)


def test_a_coarse_grid_sees_the_whole_chest(rich_anatomy, coarse_grid):
    scan = acquire(rich_anatomy, "ctac_rest", 3, grid=coarse_grid)
    hu = scan.volume.hu
    assert (hu < -700).mean() > 0.3
    assert 380 < np.isin(scan.labels, (1, 3)).sum() * 0.064 < 1150
    low, high = rich_anatomy.heart.envelope.bounds()
    where = positions(scan.volume)[np.isin(scan.labels, (1, 3))]
    assert np.all(where.min(0) > low - 12)
    assert np.all(where.max(0) < high + 12)


def test_metal_is_never_calcium():
    for seed in range(30):
        anatomy = draw_anatomy((4, seed), burden="0", population="training")
        metal = tuple(lesion for lesion in anatomy.lesions if lesion.kind in ("lead", "stent"))
        if metal:
            break
    anatomy = dataclasses.replace(anatomy, lesions=metal)
    scan = acquire(anatomy, "cac_gated", 1, grid=heart_grid(anatomy, (48, 128, 128), (1.0, 1.0, 3.0)))
    assert (scan.volume.hu[scan.labels == METAL] > 300).any()
    assert not np.isin(scan.labels, (1, 2)).any()


def test_unknown_protocol_is_told(rich_anatomy):
    with pytest.raises(InputError, match="unknown protocol"):
        acquire(rich_anatomy, "mri", 1)


@pytest.mark.slow
@pytest.mark.parametrize("burden", ["1-100", "101-400", ">400"])
def test_gated_scans_reach_the_category_asked_for(burden):
    from calcohort.categories import categorise

    scores = [acquire(draw_anatomy((31, s), burden=burden), "cac_gated", 1).agatston for s in range(6)]
    assert (categorise(scores) == burden).sum() >= 5, scores


def test_what_metal_lifts_to_the_threshold_is_labelled_metal():
    anatomy = next(a for a in (draw_anatomy(seed) for seed in range(200)) if "stent" in a.confounders)
    grid = heart_grid(anatomy, (40, 200, 200), (0.8, 0.8, 3.0))
    scan = acquire(anatomy, "cac_gated", 1, grid=grid)
    metal = scan.labels == METAL
    bare = dataclasses.replace(anatomy, lesions=tuple(s for s in anatomy.lesions if s.label))
    without = acquire(bare, "cac_gated", 1, grid=grid)
    assert metal.sum() > 20 and scan.volume.hu[metal].min() >= 130
    assert scan.volume.hu[metal].mean() > without.volume.hu[metal].mean() + 200
    assert not (without.labels == METAL).any()

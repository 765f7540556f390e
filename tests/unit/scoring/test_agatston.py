"""Scores of volumes small enough to be worked out by hand."""

import numpy as np
import pytest

from calcohort.errors import InputError
from calcohort.scoring import Conventions, convention_effect, lesion_map, score, smallest_lesion_effect
from calcohort.volume import Volume


@pytest.mark.parametrize(
    ("hu", "weight"),
    [(129, 0), (130, 1), (199, 1), (200, 2), (299, 2), (300, 3), (399, 3), (400, 4), (1500, 4)],
)
def test_weight_follows_the_density_class(blocks, hu, weight):
    # 4 x 6 pixels of 0.25 mm2 are 6 mm2, on 2 slices of 3 mm.
    volume, mask = blocks((3, 5, 10, 14, 10, 16, hu))
    assert score(volume, mask).agatston == 6 * 2 * weight


@pytest.mark.parametrize(
    ("hu", "weight"), [(144, 0), (145, 1), (221, 1), (222, 2), (333, 2), (334, 3), (445, 3), (446, 4)]
)
def test_kvp_adjusted_weight_at_100_kv(blocks, hu, weight):
    volume, mask = blocks((3, 5, 10, 14, 10, 16, hu))
    assert score(volume, mask, kvp=100).agatston_kvp_adjusted == 6 * 2 * weight


def test_kvp_adjustment_leaves_120_kv_and_never_guesses(blocks):
    volume, mask = blocks((3, 5, 10, 14, 10, 16, 250))
    assert score(volume, mask, kvp=120).agatston_kvp_adjusted == 24
    assert score(volume, mask).agatston_kvp_adjusted is None
    assert score(volume, mask, kvp=80).agatston_kvp_adjusted is None


def test_fractional_hu_stay_in_their_class(blocks):
    volume, mask = blocks((3, 4, 10, 14, 10, 16, 0))
    for hu, weight in ((129.9, 0), (199.9, 1), (399.9, 3)):
        exact = Volume(np.where(mask, np.float32(hu), 0).astype(np.float32), volume.spacing_xyz_mm)
        assert score(exact, mask).agatston == 6 * weight


def test_densest_pixel_weighs_the_component_of_its_slice_only(blocks):
    volume, mask = blocks((3, 6, 10, 14, 10, 16, 150), (4, 5, 12, 13, 12, 13, 420))
    assert score(volume, mask).agatston == 6 * (1 + 4 + 1)


def test_diagonal_touch_joins_under_8_neighbours_only(blocks):
    volume, mask = blocks((3, 4, 10, 12, 10, 12, 150), (3, 4, 12, 14, 12, 14, 450))
    assert score(volume, mask).agatston == 8 * 0.25 * 4
    assert score(volume, mask, Conventions(connectivity=4)).agatston == 4 * 0.25 * (1 + 4)


def test_component_counts_from_1_mm2(blocks):
    three, mask_three = blocks((3, 4, 10, 11, 10, 13, 150))
    four, mask_four = blocks((3, 4, 10, 11, 10, 14, 150))
    assert score(three, mask_three).agatston == 0
    assert score(four, mask_four).agatston == 1


def test_1_mm2_of_rounded_pixel_sizes_counts(blocks):
    # 9 pixels of a third of a millimetre, as a header writes it.
    volume, mask = blocks((3, 4, 10, 13, 10, 13, 150), spacing=(0.3333333, 0.3333333, 3.0))
    assert score(volume, mask).agatston == pytest.approx(1, rel=1e-6)


def test_components_are_those_of_a_slice_not_of_the_volume(blocks):
    # A rod of three pixels (0.75 mm2) through six slices is large in 3D and counts in no slice.
    volume, mask = blocks((3, 9, 10, 11, 10, 13, 500))
    result = score(volume, mask)
    assert (result.agatston, result.volume_mm3, result.n_lesions) == (0, 0, 0)


@pytest.mark.parametrize("increment", [0.7, 1.5, 2.5, 5.0])
def test_increment_scales_the_score(blocks, increment):
    volume, mask = blocks((3, 5, 10, 14, 10, 16, 250), spacing=(0.5, 0.5, increment))
    assert score(volume, mask).agatston == pytest.approx(6 * 2 * 2 * increment / 3, rel=1e-12)
    assert score(volume, mask, Conventions(increment_correction=False)).agatston == 6 * 2 * 2


def test_overlapping_reconstruction_scores_as_the_plain_one(blocks):
    plain, mask = blocks((4, 6, 10, 14, 10, 16, 250), spacing=(0.5, 0.5, 3.0))
    # Every 3 mm slice twice at an increment of 1.5 mm.
    overlapping = Volume(np.repeat(plain.hu, 2, axis=0), (0.5, 0.5, 1.5))
    assert score(overlapping, np.repeat(mask, 2, axis=0)).agatston == score(plain, mask).agatston


def test_anisotropic_pixels(blocks):
    volume, mask = blocks((3, 4, 10, 12, 10, 15, 320), spacing=(0.4, 0.9, 3.0))
    result = score(volume, mask)
    assert result.agatston == pytest.approx(10 * 0.4 * 0.9 * 3, rel=1e-12)
    assert result.volume_mm3 == pytest.approx(10 * 0.4 * 0.9 * 3.0, rel=1e-12)


def test_only_the_mask_is_scored_and_the_threshold_sets_its_edge(blocks):
    volume, mask = blocks((3, 4, 10, 14, 10, 16, 250), (3, 4, 20, 30, 20, 30, 900))
    mask[:, 20:, 20:] = False
    wider = mask.copy()
    wider[3, 8:16, 8:18] = True
    assert score(volume, mask).agatston == score(volume, wider).agatston == 12


def test_mask_may_be_labels_of_any_integer_type(blocks):
    volume, mask = blocks((3, 4, 10, 14, 10, 16, 250))
    assert score(volume, mask.astype(np.uint8) * 3) == score(volume, mask)


def test_lesions_join_across_slices_and_add_up_to_the_total(blocks):
    volume, mask = blocks((2, 5, 4, 8, 4, 10, 250), (7, 8, 20, 24, 20, 26, 450), (5, 6, 8, 12, 10, 14, 150))
    result = score(volume, mask, calibration=0.8)
    assert [lesion.label for lesion in result.lesions] == [1, 2]
    first, second = result.lesions
    # The third block touches the first by a corner across slices 4 and 5.
    assert first.z_slices == (2, 3, 4, 5)
    assert first.agatston == 3 * 6 * 2 + 4 * 1
    assert (second.z_slices, second.agatston, second.max_hu) == ((7,), 24, 450)
    assert second.volume_mm3 == 24 * 0.75
    assert second.centroid_lps_mm == pytest.approx((22.5 * 0.5, 21.5 * 0.5, 21.0))
    assert result.agatston == first.agatston + second.agatston
    assert result.volume_mm3 == first.volume_mm3 + second.volume_mm3
    assert result.mass_mg == pytest.approx(first.mass_mg + second.mass_mg)


def test_lesion_map_shows_where_each_lesion_counts(blocks):
    volume, mask = blocks((2, 5, 4, 8, 4, 10, 250), (7, 8, 20, 24, 20, 26, 450), (9, 10, 30, 31, 30, 32, 900))
    labels = lesion_map(volume, mask)
    assert np.unique(labels[2:5, 4:8, 4:10]).tolist() == [1]
    assert np.unique(labels[7, 20:24, 20:26]).tolist() == [2]
    assert np.count_nonzero(labels) == 3 * 24 + 24


def test_mass_needs_a_calibration_factor(blocks):
    volume, mask = blocks((3, 5, 10, 14, 10, 16, 250))
    assert score(volume, mask).mass_mg is None
    # 36 mm3 = 0.036 ml of 250 HU x 0.8 mg/ml/HU
    assert score(volume, mask, calibration=0.8).mass_mg == pytest.approx(0.036 * 250 * 0.8)


@pytest.mark.parametrize(
    ("slices", "category"),
    [(0, "0"), (1, "1-100"), (5, "1-100"), (6, "101-400"), (20, "101-400"), (21, ">400")],
)
def test_category_of_the_unrounded_score(blocks, slices, category):
    # 4 x 10 pixels of 0.5 mm2 weigh 20 a slice: five slices are exactly 100.
    volume, mask = blocks((0, slices, 10, 14, 10, 20, 150), spacing=(1.0, 0.5, 3.0), shape=(24, 40, 40))
    result = score(volume, mask)
    assert (result.agatston, result.category) == (20 * slices, category)


def test_smallest_lesion_effect(blocks):
    # Pixels of 1.2 mm: one alone reaches 1 mm2.
    single, pair, triple = (3, 4, 5, 6, 5, 6, 150), (3, 4, 10, 11, 10, 12, 150), (3, 4, 20, 21, 20, 23, 150)
    volume, mask = blocks(single, pair, triple, spacing=(1.25, 1.0, 3.0))
    assert smallest_lesion_effect(volume, mask) == {1: 7.5, 2: 6.25, 3: 3.75}
    assert score(volume, mask, Conventions(minimum_voxels=2)).agatston == 6.25


def test_convention_effect_names_every_convention(blocks):
    volume, mask = blocks((3, 4, 10, 12, 10, 12, 150), (3, 4, 12, 14, 12, 14, 450), spacing=(0.5, 0.5, 1.5))
    assert convention_effect(volume, mask) == {
        "standard": 4.0,
        "connectivity_4": 2.5,
        "minimum_2_voxels": 4.0,
        "minimum_3_voxels": 4.0,
        "no_minimum_area": 4.0,
        "no_increment_correction": 8.0,
    }


def test_empty_mask_scores_zero(blocks):
    volume, mask = blocks()
    result = score(volume, mask, kvp=100, calibration=0.8)
    assert (result.agatston, result.agatston_kvp_adjusted, result.mass_mg) == (0, 0, 0)
    assert (result.category, result.lesions) == ("0", ())


def test_mask_on_another_grid_is_refused(blocks):
    volume, mask = blocks()
    with pytest.raises(ValueError, match="differ in shape"):
        score(volume, mask[1:])


@pytest.mark.parametrize(
    ("setting", "key"),
    [
        ({"connectivity": 6}, "scoring.connectivity"),
        ({"minimum_area_mm2": -1.0}, "scoring.minimum_area_mm2"),
        ({"minimum_voxels": 0}, "scoring.minimum_voxels"),
        ({"threshold": 250.0}, "scoring.threshold"),
    ],
)
def test_impossible_conventions_name_their_key(setting, key):
    with pytest.raises(InputError, match=key):
        Conventions(**setting)


@pytest.mark.parametrize(
    ("pixel", "pixels"),
    [
        ((0.5, 0.5), (2, 2)),
        ((0.3125, 0.32), (2, 5)),
        ((0.2, 0.2), (5, 5)),
        ((0.1, 0.1), (10, 10)),
        ((0.4, 0.5), (1, 5)),
    ],
)
def test_exactly_1_mm2_counts_however_the_product_rounds(blocks, pixel, pixels):
    rows, columns = pixels
    whole = (3, 4, 10, 10 + rows, 10, 10 + columns, 150)
    volume, mask = blocks(whole, spacing=(*pixel, 3.0))
    assert score(volume, mask).agatston == pytest.approx(1.0, rel=1e-9)
    mask[3, 10, 10] = False
    assert score(volume, mask).agatston == 0

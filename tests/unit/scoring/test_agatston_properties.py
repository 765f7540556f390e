"""What must hold of every scan: agreement with a slow reference, and what may not change a score."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calcohort.scoring import CONVENTIONS, Conventions, score
from calcohort.volume import Volume

EXAMPLES = settings(max_examples=60, deadline=None, derandomize=True)
WEIGHTS_AT = {120: (130, 200, 300, 400), 100: (145, 222, 334, 446)}


@st.composite
def scans(draw):
    """A few slices of calcium-like noise with a mask: components of all sizes, touching in all ways."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (draw(st.integers(1, 5)), draw(st.integers(3, 12)), draw(st.integers(3, 12)))
    hu = generator.integers(-50, 500, shape).astype(np.int16)
    mask = generator.random(shape) < draw(st.floats(0, 1))
    spacing = tuple(
        draw(st.sampled_from(choice)) for choice in ((0.4, 0.9766, 1.2), (0.4, 0.7, 1.0), (0.7, 3, 5))
    )
    return Volume(hu, spacing, (-120.0, 33.5, 800.25)), mask


conventions = st.builds(
    Conventions,
    threshold=st.sampled_from([90.0, 130.0]),
    connectivity=st.sampled_from([4, 8]),
    minimum_area_mm2=st.sampled_from([0.0, 1.0, 2.0]),
    minimum_voxels=st.integers(1, 3),
    increment_correction=st.booleans(),
)


def reference(volume, mask, rules, limits=WEIGHTS_AT[120]):
    """Slice by slice and component by component, as the definition reads."""
    dx, dy, dz = volume.spacing_xyz_mm
    agatston = voxels = 0
    for hu, inside in zip(volume.hu, mask, strict=True):
        for pixels in _flood(inside & (hu >= rules.threshold), rules.connectivity):
            values = np.array([hu[pixel] for pixel in pixels])
            if values.size * dx * dy < rules.minimum_area_mm2 or values.size < rules.minimum_voxels:
                continue
            weight = max(1, sum(values.max() >= limit for limit in limits))
            agatston += values.size * dx * dy * weight * (dz / 3 if rules.increment_correction else 1)
            voxels += values.size
    return agatston, voxels * dx * dy * dz


def _flood(pixels, connectivity):
    """Connected sets of pixels, found by walking from neighbour to neighbour."""
    left = {(int(y), int(x)) for y, x in np.argwhere(pixels)}
    while left:
        component = [left.pop()]
        for y, x in component:
            for step in ((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)):
                neighbour = (y + step[0], x + step[1])
                if neighbour in left and (connectivity == 8 or 0 in step):
                    left.remove(neighbour)
                    component.append(neighbour)
        yield component


@EXAMPLES
@given(scans(), conventions)
def test_agrees_with_the_reference(scan, rules):
    volume, mask = scan
    result = score(volume, mask, rules)
    expected = reference(volume, mask, rules)
    assert (result.agatston, result.volume_mm3) == pytest.approx(expected, rel=1e-9)


@EXAMPLES
@given(scans())
def test_kvp_adjusted_agrees_with_the_reference(scan):
    volume, mask = scan
    expected, _ = reference(volume, mask, replace(Conventions(), threshold=145.0), WEIGHTS_AT[100])
    assert score(volume, mask, kvp=100).agatston_kvp_adjusted == pytest.approx(expected, rel=1e-9)


@EXAMPLES
@given(scans(), st.tuples(*[st.integers(0, 4)] * 6), st.tuples(*[st.floats(-500, 500)] * 3))
def test_moving_leaves_the_score(scan, margins, origin):
    volume, mask = scan
    pad = list(zip(margins[::2], margins[1::2], strict=True))
    moved = Volume(np.pad(volume.hu, pad, constant_values=900), volume.spacing_xyz_mm, origin)
    before, after = score(volume, mask, kvp=100), score(moved, np.pad(mask, pad), kvp=100)
    assert _numbers(before) == _numbers(after)


@EXAMPLES
@given(scans(), st.sets(st.sampled_from([0, 1, 2])))
def test_flipping_leaves_the_score(scan, axes):
    volume, mask = scan
    flipped = replace(volume, hu=np.flip(volume.hu, tuple(axes)))
    assert _numbers(score(volume, mask, kvp=100)) == _numbers(
        score(flipped, np.flip(mask, tuple(axes)), kvp=100)
    )


@EXAMPLES
@given(scans(), st.integers(0, 5))
def test_splitting_between_slices_leaves_the_sum(scan, at):
    volume, mask = scan
    parts = [(volume.hu[:at], mask[:at]), (volume.hu[at:], mask[at:])]
    scores = [score(replace(volume, hu=hu), inside, kvp=100) for hu, inside in parts]
    whole = score(volume, mask, kvp=100)
    for name in ("agatston", "agatston_kvp_adjusted", "volume_mm3"):
        assert sum(getattr(part, name) for part in scores) == pytest.approx(getattr(whole, name), rel=1e-12)


@EXAMPLES
@given(scans(), conventions, st.integers(0, 2**32 - 1))
def test_more_voxels_in_the_mask_never_lower_the_score(scan, rules, seed):
    # At the same HU, a mask that contains the old one: components only grow, join and gain weight.
    volume, mask = scan
    larger = mask | (np.random.default_rng(seed).random(mask.shape) < 0.3)
    _assert_no_lower(score(volume, mask, rules, kvp=100), score(volume, larger, rules, kvp=100))


@EXAMPLES
@given(scans(), conventions, st.integers(0, 2**32 - 1))
def test_brighter_calcium_never_lowers_the_score(scan, rules, seed):
    # In the same mask, voxels of any place may only become brighter.
    volume, mask = scan
    added = np.random.default_rng(seed).integers(0, 200, mask.shape).astype(np.int16)
    brighter = replace(volume, hu=volume.hu + added)
    _assert_no_lower(score(volume, mask, rules, kvp=100), score(brighter, mask, rules, kvp=100))


@EXAMPLES
@given(scans(), conventions)
def test_lesions_add_up_and_fall(scan, rules):
    volume, mask = scan
    result = score(volume, mask, rules, calibration=0.8)
    assert len(result.lesions) == result.n_lesions
    for name in ("agatston", "volume_mm3", "mass_mg"):
        total = sum(getattr(lesion, name) for lesion in result.lesions)
        assert total == pytest.approx(getattr(result, name), rel=1e-9)
    ranked = [lesion.agatston for lesion in result.lesions]
    assert ranked == sorted(ranked, reverse=True)
    assert (result.agatston == 0) == (result.category == "0")


@EXAMPLES
@given(scans())
def test_stricter_conventions_never_score_more(scan):
    volume, mask = scan
    by_name = {name: score(volume, mask, rules).agatston for name, rules in CONVENTIONS.items()}
    assert by_name["no_minimum_area"] >= by_name["standard"] >= by_name["connectivity_4"]
    assert by_name["standard"] >= by_name["minimum_2_voxels"] >= by_name["minimum_3_voxels"]


def _numbers(result):
    return (
        result.agatston,
        result.agatston_kvp_adjusted,
        result.volume_mm3,
        sorted((lesion.agatston, lesion.max_hu, lesion.volume_mm3) for lesion in result.lesions),
    )


def _assert_no_lower(before, after):
    assert after.agatston >= before.agatston
    assert after.agatston_kvp_adjusted >= before.agatston_kvp_adjusted
    assert after.volume_mm3 >= before.volume_mm3

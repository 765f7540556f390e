"""Hollowness: stents are darker inside, calcium is not, whatever the pixel, the place and the density."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from calcohort.segmentation import vote
from calcohort.segmentation.hollow import RADIUS_MM, hollowness

PIXELS = (0.35, 0.42, 0.5)


def cross_section(pixel_mm, inner_mm, outer_mm, hu=4000.0, middle=(6.0, 6.0)):
    """A ring, or with an inner radius of 0 a disc, in tissue and blurred as a gated scan is; (3, y, x)."""
    fine = pixel_mm / 5
    y, x = (np.arange(0, 12, fine) - middle[axis] for axis in (0, 1))
    away = np.hypot(y[:, None], x)
    plane = np.where((away >= inner_mm) & (away <= outer_mm), hu, 40.0)
    plane = ndimage.gaussian_filter(plane, 0.42 / fine)
    size = len(plane) // 5
    plane = plane[: size * 5, : size * 5].reshape(size, 5, size, 5).mean(axis=(1, 3))
    return np.repeat(plane[None], 3, axis=0)


def measured(hu, pixel_mm):
    return hollowness(hu, np.argwhere(hu >= 130), (3.0, pixel_mm, pixel_mm))


@pytest.mark.parametrize("pixel_mm", PIXELS)
@pytest.mark.parametrize("radius_mm", [1.4, 1.7])
def test_a_ring_of_struts_is_hollow_and_a_plaque_is_not(pixel_mm, radius_mm):
    stent = cross_section(pixel_mm, radius_mm - 0.1, radius_mm + 0.1)
    plaque = cross_section(pixel_mm, 0.0, radius_mm, hu=800.0)
    # What is blurred has no edges: the two are equally bright and wide.
    assert 300 < stent.max() < 1500 and 300 < plaque.max() < 1500
    assert measured(stent, pixel_mm) > 0.1
    assert measured(plaque, pixel_mm) < 0.01


@pytest.mark.parametrize("pixel_mm", PIXELS)
def test_a_stent_along_the_slice_shows_two_walls(pixel_mm):
    rows = np.arange(0, 12, pixel_mm) - 6
    profile = 900 * np.exp(-(((abs(rows) - 1.5) / 0.5) ** 2))
    stent = np.repeat(np.repeat(profile[None, :, None], 3, axis=0), 30, axis=2)
    assert measured(stent, pixel_mm) > 0.1


def test_two_plaques_further_apart_than_a_lumen_are_not_hollow():
    rows = np.arange(0, 20, 0.4) - 10
    profile = 900 * np.exp(-(((abs(rows) - 2.5 * RADIUS_MM) / 0.6) ** 2))
    plaques = np.repeat(np.repeat(profile[None, :, None], 3, axis=0), 30, axis=2)
    assert measured(plaques, 0.4) < 0.01


@given(st.integers(0, 2**31), st.floats(1.0, 3.0), st.integers(0, 6), st.integers(0, 6))
@settings(max_examples=30, deadline=None)
def test_it_is_a_share_and_belongs_to_the_part_alone(seed, brighter, rows, columns):
    rng = np.random.default_rng(seed)
    hu = ndimage.gaussian_filter(rng.random((3, 16, 16)), (0, 1, 1)) * 900
    voxels = np.argwhere(hu >= 460)
    if len(voxels) == 0:
        return
    share = hollowness(hu, voxels, (3.0, 0.5, 0.5))
    assert share >= 0
    assert hollowness(brighter * hu, voxels, (3.0, 0.5, 0.5)) == pytest.approx(share, abs=1e-5)
    # Far from the edge of the image it does not matter where the part lies, nor in which order it is given.
    margin = 12
    wide = np.pad(hu, ((0, 0), (margin, margin), (margin, margin)))
    moved = np.roll(wide, (rows, columns), axis=(1, 2))
    at = voxels + [0, margin, margin]
    there = rng.permutation(at + [0, rows, columns])
    expected = hollowness(wide, at, (3.0, 0.5, 0.5))
    assert hollowness(moved, there, (3.0, 0.5, 0.5)) == pytest.approx(expected, abs=1e-5)


def test_what_is_hollow_is_no_calcium_whatever_the_network_says():
    pixel_mm = 0.42
    hu = np.concatenate([cross_section(pixel_mm, 1.4, 1.6), cross_section(pixel_mm, 0.0, 1.5, 800.0)], axis=2)
    mask = hu >= 130
    voxels, odds = np.argwhere(mask), np.tile([[0.01], [0.98], [0.01]], int(mask.sum()))
    spacing = (3.0, pixel_mm, pixel_mm)
    found = {}
    for share in (0.07, 1.0):
        rules = vote.Rules(hollow_share=share)
        parts = vote.find_parts(voxels, vote.components(mask), odds, hu, spacing, rules)
        classes = vote.decide(parts, rules)[parts.members]
        first = voxels[:, 2] < hu.shape[2] // 2
        told = vote.stents(parts, rules)[parts.members]
        found[share] = (set(classes[first]), set(classes[~first]), set(told[first]), set(told[~first]))
    assert found == {
        0.07: ({vote.BACKGROUND}, {vote.CORONARY}, {True}, {False}),
        1.0: ({vote.CORONARY}, {vote.CORONARY}, {False}, {False}),
    }

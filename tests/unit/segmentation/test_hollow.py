"""Hollowness: stents are darker inside, plaques are not, whatever the pixel, the place and the noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from calcohort.segmentation import vote
from calcohort.segmentation.hollow import RADIUS_MM, hollowness
from calcohort.training.trial import HOLLOW_SHARES

# A stent is above, a plaque below: the strictest limit that calibration tries.
LIMIT = min(HOLLOW_SHARES)
GATED, CTAC = (0.35, 0.42, 0.5), (0.7, 0.98, 1.37)


def scan(pixel_mm, paint, size_mm=14.0, blur_mm=0.42):
    """Slices (3, y, x) of what `paint` gives at (y, x) in mm about the middle, blurred as a scanner does."""
    rows_mm, columns_mm = np.broadcast_to(pixel_mm, 2)
    per = 5
    rows, columns = round(size_mm / rows_mm), round(size_mm / columns_mm)
    y, x = (
        ((np.arange(n * per) + 0.5) / per - n / 2) * mm for n, mm in ((rows, rows_mm), (columns, columns_mm))
    )
    blur = [blur_mm * per / mm for mm in (rows_mm, columns_mm)]
    fine = ndimage.gaussian_filter(paint(y[:, None], x), blur)
    plane = fine.reshape(rows, per, columns, per).mean(axis=(1, 3))
    return np.repeat(plane[None], 3, axis=0)


def ring(radius_mm, hu=4000.0, at=(0.0, 0.0)):
    return lambda y, x: np.where(abs(np.hypot(y - at[0], x - at[1]) - radius_mm) < 0.1, hu, 40.0)


def disc(radius_mm, hu=800.0, at=(0.0, 0.0)):
    return lambda y, x: np.where(np.hypot(y - at[0], x - at[1]) < radius_mm, hu, 40.0)


def arc(degrees, radius_mm, hu=900.0, wall_mm=0.8):
    def paint(y, x):
        on_wall = abs(np.hypot(y, x) - radius_mm) < wall_mm / 2
        return np.where(on_wall & (abs(np.degrees(np.arctan2(y, x))) <= degrees / 2), hu, 40.0)

    return paint


def both(first, second):
    return lambda y, x: np.maximum(first(y, x), second(y, x))


def measured(hu, pixel_mm, mask=None):
    voxels = np.argwhere(hu >= 130 if mask is None else mask)
    return hollowness(hu, voxels, (3.0, *np.broadcast_to(pixel_mm, 2)))


@pytest.mark.parametrize("pixel_mm", [*GATED, (0.4, 0.5)])
@pytest.mark.parametrize("radius_mm", [1.4, 1.7])
def test_a_ring_of_struts_is_hollow_and_a_plaque_is_not(pixel_mm, radius_mm):
    stent, plaque = scan(pixel_mm, ring(radius_mm)), scan(pixel_mm, disc(radius_mm))
    # What is blurred has no edges: the two are equally bright and wide.
    assert 300 < stent.max() < 1500 and 300 < plaque.max() < 1500
    assert measured(stent, pixel_mm) > 2 * LIMIT
    assert measured(plaque, pixel_mm) < LIMIT / 3


@pytest.mark.parametrize("pixel_mm", GATED)
def test_a_stent_along_the_slice_shows_two_walls(pixel_mm):
    stent = scan(pixel_mm, lambda y, x: np.where(abs(abs(y) - 1.5) < 0.12, 4000.0, 40.0) + 0 * x)
    assert measured(stent, pixel_mm) > 2 * LIMIT


def test_two_plaques_further_apart_than_a_lumen_are_not_hollow():
    side = 2.5 * RADIUS_MM
    assert measured(scan(0.4, both(disc(1.2, at=(-side, 0)), disc(1.2, at=(side, 0)))), 0.4) < LIMIT / 3


@pytest.mark.parametrize("radius_mm", [1.2, 1.5])
def test_plaque_around_half_of_a_lumen_is_not_hollow_and_around_most_of_it_is(radius_mm):
    shares = [measured(scan(0.4, arc(degrees, radius_mm)), 0.4) for degrees in (90, 180, 240, 300)]
    assert shares == sorted(shares)
    assert shares[1] < LIMIT < shares[2]


@pytest.mark.parametrize("pixel_mm", [*GATED, *CTAC, (0.5, 1.0), 1.6])
@pytest.mark.parametrize("radius_mm", [0.8, 1.5, 2.5, 4.0])
def test_no_plaque_is_hollow_whatever_the_pixel(pixel_mm, radius_mm):
    # Not in the middle of a pixel either.
    plaque = scan(pixel_mm, disc(radius_mm, 700.0, (0.21, -0.13)))
    assert measured(plaque, pixel_mm) < LIMIT / 3


@pytest.mark.parametrize("noise_hu", [20.0, 30.0, 40.0])
@pytest.mark.parametrize("correlation", [0.5, 0.8])
def test_noise_makes_no_stent_of_a_plaque(noise_hu, correlation):
    rng, pixel_mm = np.random.default_rng(1), 0.4
    clean = scan(pixel_mm, disc(2.5, 300.0))
    shares = []
    for _ in range(40):
        noise = ndimage.gaussian_filter(rng.standard_normal(clean.shape), (0, correlation, correlation))
        shares.append(measured(clean + noise * noise_hu / noise.std(), pixel_mm, clean >= 130))
    assert np.mean(np.array(shares) > LIMIT) <= 0.05
    stent = scan(pixel_mm, ring(1.6))
    noise = ndimage.gaussian_filter(rng.standard_normal(stent.shape), (0, correlation, correlation))
    assert measured(stent + noise * noise_hu / noise.std(), pixel_mm, stent >= 130) > 2 * LIMIT


@pytest.mark.parametrize("pixel_mm", [0.4, 0.98])
def test_a_plaque_at_the_edge_of_the_image_is_not_hollow(pixel_mm):
    whole = scan(pixel_mm, disc(2.0))
    for first in range(whole.shape[1] // 2 - 2, whole.shape[1] // 2 + 3):
        assert measured(whole[:, first:], pixel_mm) < LIMIT / 3


@given(st.integers(0, 2**31), st.floats(1.0, 3.0), st.integers(0, 6), st.integers(0, 6))
@settings(max_examples=30, deadline=None)
def test_it_is_a_share_and_hangs_on_neither_place_nor_order_nor_brightness(seed, brighter, rows, columns):
    rng = np.random.default_rng(seed)
    hu = ndimage.gaussian_filter(rng.random((3, 16, 16)), (0, 1, 1)) * 900
    voxels = np.argwhere(hu >= 460)
    if len(voxels) == 0:
        return
    margin, spacing = 16, (3.0, 0.5, 0.5)
    wide = np.pad(hu, ((0, 0), (margin, margin), (margin, margin)))
    at = voxels + [0, margin, margin]
    share = hollowness(wide, at, spacing)
    assert 0 <= share <= 1
    assert hollowness(brighter * wide, at, spacing) == pytest.approx(share, abs=1e-5)
    moved = np.roll(wide, (rows, columns), axis=(1, 2))
    there = rng.permutation(at + [0, rows, columns])
    assert hollowness(moved, there, spacing) == pytest.approx(share, abs=1e-5)


def test_nothing_is_more_hollow_than_1():
    hu = np.full((1, 9, 9), 1900.0)
    hu[0, 4, 4] = 135.0
    assert 0 <= hollowness(hu, np.array([[0, 4, 4]]), (3.0, 0.4, 0.4)) <= 1
    bright = np.argwhere(hu > 0)
    assert 0 <= hollowness(hu, bright, (3.0, 0.4, 0.4)) <= 1


def parts_of(hu, sure, pixel_mm=0.42):
    mask = hu >= 130
    odds = np.tile([[0.97 - sure], [sure], [0.03]], int(mask.sum()))
    spacing = (3.0, pixel_mm, pixel_mm)
    voxels = np.argwhere(mask)
    return voxels, vote.find_parts(voxels, vote.components(mask), odds, hu, spacing, vote.Rules())


@pytest.mark.parametrize(
    ("sure", "share", "stent", "plaque", "told"),
    [
        (0.96, LIMIT, vote.BACKGROUND, vote.CORONARY, True),
        (0.96, 1.0, vote.CORONARY, vote.CORONARY, False),
        # What would be no calcium anyway is not told.
        (0.6, LIMIT, vote.BACKGROUND, vote.BACKGROUND, False),
    ],
)
def test_what_is_hollow_is_no_calcium_whatever_the_network_says(sure, share, stent, plaque, told):
    hu = np.concatenate([scan(0.42, ring(1.5)), scan(0.42, disc(1.5))], axis=2)
    voxels, parts = parts_of(hu, sure)
    rules = vote.Rules(coronary_threshold=0.8, hollow_share=share)
    classes = vote.decide(parts, rules)[parts.members]
    first = voxels[:, 2] < hu.shape[2] // 2
    assert (set(classes[first]), set(classes[~first])) == ({stent}, {plaque})
    found = vote.hollow_parts(parts, rules)[parts.members]
    assert (set(found[first]), set(found[~first])) == ({told}, {False})


def test_metal_that_saturates_is_told_as_such_alone():
    hu = scan(0.42, ring(1.5, hu=16_000.0))
    _, parts = parts_of(hu, 0.96)
    assert hu.max() > vote.Rules().metal_hu and parts.hollow.max() > LIMIT
    assert not vote.hollow_parts(parts, vote.Rules(hollow_share=LIMIT)).any()
    assert not vote.decide(parts, vote.Rules(hollow_share=LIMIT)).any()

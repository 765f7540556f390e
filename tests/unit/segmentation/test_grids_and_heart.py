"""Grids keep positions; the heart that is kept is one that can be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calcohort.segmentation import grids
from calcohort.segmentation.heart import NoHeart, find_heart, main_body, signed_distance

SPACING = (3.0, 4.0, 4.0)


def ball(shape, spacing, centre_mm, radius_mm):
    axes = [np.arange(n) * s for n, s in zip(shape, spacing, strict=True)]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    return (z - centre_mm[0]) ** 2 + (y - centre_mm[1]) ** 2 + (x - centre_mm[2]) ** 2 < radius_mm**2


@given(
    st.tuples(st.integers(4, 30), st.integers(30, 90), st.integers(30, 90)),
    st.floats(0.6, 6.0),
    st.floats(0.35, 1.4),
)
@settings(max_examples=40, deadline=None)
def test_native_and_cell_positions_are_inverse(shape, slice_mm, pixel):
    frame = grids.heart_frame(shape, (slice_mm, pixel, pixel))
    for axis in range(3):
        cells = np.arange(frame.shape_zyx[axis])
        np.testing.assert_allclose(frame.cells(axis, frame.native(axis, cells)), cells, atol=1e-6)
        span = (frame.box[2 * axis + 1] - frame.box[2 * axis]) * (slice_mm, pixel, pixel)[axis]
        assert span == pytest.approx(frame.shape_zyx[axis] * frame.spacing_zyx_mm[axis])


@pytest.mark.parametrize(("slice_mm", "pixel"), [(3.0, 0.4), (1.0, 0.7), (5.0, 1.2)])
def test_a_ramp_is_the_same_ramp_on_every_grid(slice_mm, pixel):
    shape = (24, 160, 200)
    z, y, x = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in shape), indexing="ij")
    hu = slice_mm * z + 2 * pixel * y - pixel * x
    for frame in (
        grids.heart_frame(shape, (slice_mm, pixel, pixel)),
        grids.lesion_frame((2, 20, 40, 120, 60, 140), (slice_mm, pixel, pixel)),
    ):
        z, y, x = (frame.native(axis, np.arange(frame.shape_zyx[axis])) for axis in range(3))
        inside = [(p >= 3) & (p <= n - 4) for p, n in zip((z, y, x), shape, strict=True)]
        expected = (slice_mm * z)[:, None, None] + (2 * pixel * y)[:, None] - pixel * x
        found = grids.resample_hu(hu, frame)
        for side in inside[1:]:
            # The outermost cells lack part of what they average over.
            side[[0, -1]] = False
        part = np.ix_(*inside)
        np.testing.assert_allclose(found[part], expected[part], atol=0.3)


def test_interpolation_returns_to_the_native_grid():
    shape, spacing = (12, 80, 80), (3.0, 1.0, 1.0)
    frame = grids.heart_frame(shape, spacing)
    y = frame.native(1, np.arange(frame.shape_zyx[1]))
    field = np.broadcast_to(y[None, :, None], frame.shape_zyx).astype(np.float32)
    back = grids.interpolate(field, frame, (2, 5, 10, 60, 20, 30))
    np.testing.assert_allclose(
        back, np.broadcast_to(np.arange(10, 60)[None, :, None], (3, 50, 10)), atol=1e-3
    )
    voxels = np.array([[2, 10, 20], [4, 59, 29]])
    np.testing.assert_allclose(grids.interpolate_at(field[None], frame, voxels)[0], [10, 59], atol=1e-3)


def test_a_crop_beyond_the_scan_is_air_and_thin_slices_are_averaged():
    hu = np.full((5, 60, 60), 40, dtype=np.int16)
    frame = grids.lesion_frame((0, 5, 0, 60, 0, 60), (1.25, 1.0, 1.0))
    stack = grids.resample_hu(hu, frame)
    assert stack.shape == (3, 192, 192)
    assert stack[:, 96, 96] == pytest.approx(40)
    assert stack[:, 0, 0] == pytest.approx(grids.AIR)


def test_pixels_grow_for_a_heart_that_would_not_fit():
    frame = grids.lesion_frame((0, 10, 0, 400, 0, 450), (3.0, 0.5, 0.5))
    assert frame.spacing_zyx_mm[1] * 192 >= 450 * 0.5


def test_a_heart_is_kept_whole():
    heart = ball((50, 100, 100), SPACING, (75, 200, 200), 55)
    found = find_heart(heart.astype(np.float32), SPACING)
    assert found.volume_ml == pytest.approx(heart.sum() * 0.048, rel=0.06)
    assert found.warnings == ()


def test_a_leak_down_the_aorta_is_cut_off():
    heart = ball((70, 100, 100), SPACING, (120, 200, 200), 52)
    leak = np.zeros_like(heart)
    leak[:30, 52:55, 48:52] = True
    found = find_heart((heart | leak).astype(np.float32), SPACING)
    assert not found.mask[:15].any()
    assert (found.mask & heart).sum() > 0.9 * heart.sum()


def test_a_second_blob_is_left_out():
    heart = ball((50, 100, 100), SPACING, (75, 150, 250), 50)
    other = ball((50, 100, 100), SPACING, (75, 330, 80), 30)
    found = find_heart((heart | other).astype(np.float32), SPACING)
    assert not (found.mask & other).any()


def test_what_is_too_large_for_a_heart_is_flagged():
    everything = ball((90, 100, 100), SPACING, (130, 200, 200), 130)
    assert "heart_implausible" in find_heart(everything.astype(np.float32), SPACING).warnings


@pytest.mark.parametrize("radius", [0, 12])
def test_no_heart_is_said(radius):
    nothing = ball((50, 100, 100), SPACING, (75, 200, 200), radius)
    with pytest.raises(NoHeart):
        find_heart(nothing.astype(np.float32), SPACING)


def test_a_heart_at_the_edge_of_the_scan_is_not_eroded_there():
    heart = ball((20, 100, 100), SPACING, (0, 200, 200), 55)
    body = main_body(heart, SPACING, 10.0)
    assert body[0].sum() > 0.9 * heart[0].sum()


def test_signed_distance_is_in_millimetres():
    heart = ball((60, 120, 120), (2.0, 2.0, 2.0), (60, 120, 120), 40)
    distance = signed_distance(heart, (2.0, 2.0, 2.0))
    away = [abs(float(distance[30, 60, 60 + step])) for step in (10, 20, 30)]
    assert away == pytest.approx([20, 0, 20], abs=2.0)
    assert distance[0, 0, 0] == -40
    assert (distance > 0).sum() == heart.sum()

"""A slice is judged beside its neighbours: what was written in part, elsewhere, or on another scale."""

import numpy as np
import pytest

from calcohort.dicom import load_series
from tests.unit.dicom.test_found_by_review import edited, reason, store, stored


def rewritten(folder, changed, change):
    """Stored values of some slices after `change(values)`."""

    def edit(number, dataset):
        values = stored(dataset)
        store(dataset, change(values.copy()) if number in changed else values, signed=False)

    edited(folder, edit)


def without(rows):
    """Lose some rows."""

    def change(values):
        values[rows] = 0
        return values

    return change


@pytest.mark.parametrize(
    ("changed", "rows"),
    [
        ({9}, slice(20, 32)),
        ({9}, slice(0, 24)),
        ({9}, np.r_[8:12, 16:20, 24:28, 32:36]),
        ({9, 10}, slice(24, None)),
        (set(range(12, 20)), slice(24, None)),
    ],
    ids=["amid", "start", "blocks", "two beside each other", "all from one on"],
)
def test_rows_that_were_not_written(changed, rows, folder):
    rewritten(folder, changed, without(rows))
    assert reason(folder) == "truncated"


def test_blank_air_beyond_a_phantom_is_no_loss(folder):
    rewritten(folder, {0, 1, 18, 19}, lambda values: np.full_like(values, 24))
    hu = load_series(folder).volume.hu
    assert (hu[[0, 1, 18, 19]] == -1000).all()


def test_slices_at_the_end_that_are_declared_as_padding(folder):
    def edit(number, dataset):
        if number in (18, 19):
            store(dataset, np.full((dataset.Rows, dataset.Columns), 63536), signed=False)
        dataset.add_new("PixelPaddingValue", "US", 63536)

    edited(folder, edit)
    loaded = load_series(folder)
    assert loaded.reason is None
    assert "padding" in loaded.warnings
    assert (loaded.volume.hu[18:] == -1000).all()


@pytest.mark.parametrize("changed", [{9}, {3, 9, 14}])
def test_bytes_of_signed_values_in_the_wrong_order(changed, folder):
    def edit(number, dataset):
        hu = (stored(dataset) - 1024).astype("<i2")
        store(dataset, hu.byteswap() if number in changed else hu, signed=True)
        dataset.RescaleIntercept = 0

    edited(folder, edit)
    assert reason(folder) == "implausible_hu"


@pytest.mark.parametrize("slope", [0.1, 10])
def test_another_scale_in_one_slice(slope, folder):
    def edit(number, dataset):
        store(dataset, stored(dataset) - 1024, signed=True)
        dataset.RescaleIntercept, dataset.RescaleSlope = 0, slope if number == 9 else 1

    edited(folder, edit)
    assert reason(folder) == "implausible_hu"


def test_a_lung_window_of_eight_bits_in_one_slice(folder):
    rewritten(folder, {9}, lambda values: np.clip((values + 326) / 1500 * 255, 0, 255).astype(int))
    assert reason(folder) == "implausible_hu"


@pytest.mark.parametrize("copies", [{2: 15}, {0: 19}, {n: n - 10 for n in range(10, 20)}])
def test_pixels_of_a_slice_far_away(copies, folder):
    images = {}
    edited(folder, lambda number, dataset: images.update({number: stored(dataset)}))

    def edit(number, dataset):
        store(dataset, images[copies.get(number, number)], signed=False)

    edited(folder, edit)
    assert reason(folder) == "implausible_hu"

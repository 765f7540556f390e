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


def test_a_background_that_was_masked_may_move(folder):
    """Outside an outline all is one value; in one slice the patient lies higher, others are blank."""
    y, x = np.mgrid[:48, :40]

    def edit(number, dataset):
        radius = 12 if number == 9 else 20
        inside = (y - 22) ** 2 + ((x - 20) * 1.2) ** 2 < radius**2
        blank = number in (0, 1, 18, 19)
        store(dataset, np.where(inside & (not blank), stored(dataset), 0), signed=False)

    edited(folder, edit)
    assert reason(folder) is None


def test_an_image_that_was_repeated_on_purpose(folder):
    images = {}
    edited(folder, lambda number, dataset: images.update({number: stored(dataset)}))

    def edit(number, dataset):
        values = images[0].copy()
        values[20:24, 20:24] += 10 * number if number in (8, 9, 10) else 0
        store(dataset, values, signed=False)

    edited(folder, edit)
    assert reason(folder) is None


def test_a_neck_that_fills_less_than_a_tenth_of_the_field(folder):
    def edit(number, dataset):
        hu = stored(dataset) - 1024
        if number > 15:
            hu[:20], hu[28:], hu[:, :16], hu[:, 24:] = -2000, -2000, -2000, -2000
        else:
            hu[:2] = -2000
        store(dataset, hu, signed=True)
        dataset.RescaleIntercept = 0

    edited(folder, edit)
    assert reason(folder) is None


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


@pytest.fixture
def anatomy(folder):
    """The series with an organ that moves and grows along the table, as anatomy does."""
    y, x = np.mgrid[:48, :40]

    def edit(number, dataset):
        values = stored(dataset)
        values[(y - 30) ** 2 + (x - 14 - number) ** 2 < 36 + 4 * number] = 224
        store(dataset, values, signed=False)

    edited(folder, edit)
    return folder


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values[::-1],
        lambda values: values[:, ::-1],
        lambda values: np.roll(values, 10, axis=0),
        lambda values: np.random.default_rng(0).integers(0, 4096, values.shape),
    ],
    ids=["upside down", "left to right", "rolled", "noise"],
)
def test_a_slice_that_does_not_belong_where_it_lies(change, anatomy):
    assert reason(anatomy) is None
    rewritten(anatomy, {10}, lambda values: np.ascontiguousarray(change(values)))
    assert reason(anatomy) == "implausible_hu"


@pytest.mark.parametrize("changed", [{9}, {18, 19}, set(range(10, 20))])
def test_fewer_bits_than_were_stored(changed, folder):
    def edit(number, dataset):
        store(dataset, stored(dataset), signed=False)
        if number in changed:
            dataset.BitsStored, dataset.HighBit = 10, 9

    edited(folder, edit)
    assert reason(folder) == "implausible_hu"


@pytest.mark.parametrize("changed", [{19}, {18, 19}, set(range(10, 20))])
def test_another_scale_from_one_slice_on(changed, folder):
    def edit(number, dataset):
        store(dataset, stored(dataset) - 1024, signed=True)
        dataset.RescaleIntercept, dataset.RescaleSlope = 0, 0.1 if number in changed else 1

    edited(folder, edit)
    assert reason(folder) == "implausible_hu"

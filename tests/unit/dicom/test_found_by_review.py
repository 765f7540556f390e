"""Faults and oddities that a reviewer thought of: each ends in its code, and a good scan in its volume."""

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from calcohort.dicom import load_series, scan_folder


def edited(folder, edit):
    """Every slice of the series, in the order of their places, after `edit(number, dataset)`."""
    sets = [(pydicom.dcmread(path), path) for path in folder.iterdir()]
    sets.sort(key=lambda pair: pair[0].ImagePositionPatient[2])
    for number, (dataset, path) in enumerate(sets):
        edit(number, dataset)
        dataset.save_as(path)
    return [path for _, path in sets]


def stored(dataset):
    """Stored values of a slice, signed."""
    return dataset.pixel_array.astype(np.int32)


def store(dataset, values, signed):
    """Other stored values."""
    dataset.PixelRepresentation = int(signed)
    dataset.BitsStored, dataset.HighBit = 16, 15
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.PixelData = values.astype("<i2" if signed else "<u2").tobytes()
    dataset["PixelData"].is_undefined_length = False


def scaled(dataset, intercept):
    """A signed slice whose stored values are Hounsfield units already, under some intercept."""
    hu = stored(dataset) * int(dataset.RescaleSlope) + int(dataset.RescaleIntercept)
    store(dataset, hu, signed=True)
    dataset.RescaleIntercept = intercept


def reason(folder):
    return load_series(folder).reason


def test_a_scale_applied_twice_is_refused(folder):
    edited(folder, lambda number, dataset: scaled(dataset, -1024))
    assert reason(folder) == "implausible_hu"


@pytest.mark.parametrize("lost", [lambda number: True, lambda number: number == 9])
def test_an_intercept_that_was_lost_is_refused(folder, lost):
    def edit(number, dataset):
        hu = stored(dataset) * int(dataset.RescaleSlope) + int(dataset.RescaleIntercept)
        store(dataset, hu + 1024, signed=True)
        dataset.RescaleIntercept = 0 if lost(number) else -1024

    edited(folder, edit)
    assert reason(folder) == "implausible_hu"


@pytest.mark.parametrize("rows", [0, 24, 40])
def test_a_slice_that_was_written_in_part_is_refused(folder, rows):
    def edit(number, dataset):
        if number == 9:
            values = stored(dataset)
            values[rows:] = 0
            store(dataset, values, signed=False)

    edited(folder, edit)
    assert reason(folder) == "truncated"


def test_empty_slices_of_a_drawing_are_none_that_were_lost(folder):
    def edit(number, dataset):
        values = np.full((dataset.Rows, dataset.Columns), 1064)
        if number in (4, 5, 6, 8, 9, 10):
            values[10:14, 10:14] = 1424
        store(dataset, values, signed=False)
        dataset.RescaleIntercept, dataset.RescaleSlope = -1024, 1

    edited(folder, edit)
    assert reason(folder) is None


@pytest.mark.parametrize(
    "second",
    [
        {"AcquisitionDate": "20160304", "AcquisitionTime": "101500"},
        {"AcquisitionDate": "20150305", "AcquisitionTime": "001000"},
        {"AcquisitionDate": "20150304", "AcquisitionTime": "2335"},
    ],
)
def test_halves_of_two_moments_are_two_scans(folder, second):
    def edit(number, dataset):
        moment = {"AcquisitionDate": "20150304", "AcquisitionTime": "2350"} if number < 10 else second
        for keyword, value in moment.items():
            setattr(dataset, keyword, value)

    edited(folder, edit)
    assert reason(folder) == "several_acquisitions"


def test_a_scan_over_midnight_is_one(folder):
    def edit(number, dataset):
        late = number < 10
        dataset.AcquisitionDate = "20150304" if late else "20150305"
        dataset.AcquisitionTime = "235958" if late else "000002"

    edited(folder, edit)
    assert reason(folder) is None


@pytest.mark.parametrize("keyword", ["SeriesNumber", "ManufacturerModelName", "ProtocolName", "ScanOptions"])
def test_two_scans_that_take_turns_are_told_by_any_mark(folder, keyword):
    edited(folder, lambda number, dataset: setattr(dataset, keyword, str(1 + number % 2)))
    assert reason(folder) == "mixed_reconstructions"


def test_one_slice_without_its_acquisition_number_is_no_second_scan(folder):
    edited(folder, lambda number, dataset: setattr(dataset, "AcquisitionNumber", None if number == 5 else 3))
    assert reason(folder) is None


def test_a_transfer_that_broke_off_and_was_made_again_loses_nothing(folder, volume):
    path = sorted(folder.iterdir())[3]
    (folder / "IM0003(1)").write_bytes(path.read_bytes()[:-500])
    loaded = load_series(folder)
    assert loaded.reason is None and loaded.warnings == ("duplicate_file",)
    np.testing.assert_array_equal(np.sort(loaded.volume.hu.ravel()), np.sort(volume.hu.ravel()))


def test_earlier_values_in_a_sequence_are_no_second_header(folder):
    def edit(number, dataset):
        before, item = Dataset(), Dataset()
        before.PixelSpacing = [2.0, 2.0]
        item.ModifiedAttributesSequence = Sequence([before])
        dataset.OriginalAttributesSequence = Sequence([item])
        for sequence in (dataset["OriginalAttributesSequence"], item["ModifiedAttributesSequence"]):
            sequence.is_undefined_length = True
        before.is_undefined_length_sequence_item = item.is_undefined_length_sequence_item = True

    edited(folder, edit)
    assert reason(folder) is None


@pytest.mark.parametrize(("name", "warned"), [("IM0099", True), ("README", False), (".IM0099", False)])
def test_a_broken_file_named_like_the_slices_is_warned_of(folder, name, warned):
    for number, path in enumerate(sorted(folder.iterdir())):
        path.rename(folder / f"IM{number:04d}")
    (folder / name).write_bytes(b"\0" * 4000)
    (row,) = scan_folder(folder).series.itertuples()
    assert row.accepted
    assert ("broken_file_beside" in row.warnings) == warned


def test_which_end_is_shown_white_changes_no_value(folder, volume):
    edited(folder, lambda number, dataset: setattr(dataset, "PhotometricInterpretation", "MONOCHROME1"))
    np.testing.assert_array_equal(load_series(folder).volume.hu, volume.hu)


def test_values_that_were_turned_round_are_refused(folder):
    def edit(number, dataset):
        store(dataset, 4095 - stored(dataset), signed=False)
        dataset.PhotometricInterpretation = "MONOCHROME1"

    edited(folder, edit)
    assert reason(folder) == "implausible_hu"


@pytest.mark.parametrize(
    ("image_type", "code"),
    [("ORIGINAL\\SECONDARY\\AXIAL", None), ("ORIGINAL\\SECONDARY\\OTHER", "secondary_capture")],
)
def test_a_later_reconstruction_is_original(image_type, code, folder):
    edited(folder, lambda number, dataset: setattr(dataset, "ImageType", image_type))
    assert reason(folder) == code

"""Faults and oddities that a reviewer thought of: each ends in its code, and a good scan in its volume."""

from io import BytesIO

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from calcohort.dicom import consistency, load_series, scan_folder
from calcohort.simulate.dicom_faults import plant_fault


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


@pytest.mark.parametrize("told", [pydicom.uid.ExplicitVRLittleEndian, pydicom.uid.ImplicitVRLittleEndian])
def test_elements_are_not_encoded_as_the_transfer_syntax_says(told, folder, volume):
    implicit = told == pydicom.uid.ExplicitVRLittleEndian
    for path in edited(folder, lambda number, dataset: store(dataset, stored(dataset), signed=False)):
        dataset = pydicom.dcmread(path)
        meta = dataset.file_meta
        meta.TransferSyntaxUID = told
        stream = BytesIO()
        pydicom.filewriter.write_file_meta_info(stream, meta)
        elements = BytesIO()
        del dataset.file_meta
        dataset.preamble = None
        pydicom.dcmwrite(elements, dataset, implicit_vr=implicit, little_endian=True)
        path.write_bytes(bytes(128) + b"DICM" + stream.getvalue() + elements.getvalue())
    loaded = load_series(folder)
    assert loaded.reason is None
    np.testing.assert_array_equal(loaded.volume.hu, volume.hu)


def test_a_stack_as_long_as_the_shortest_is_read_wherever_it_begins(folder):
    for start in np.linspace(-100, 100, 41):
        edited(
            folder,
            lambda number, dataset, start=start: setattr(
                dataset, "ImagePositionPatient", [0, 0, f"{start + 3 * number:.4f}"]
            ),
        )
        assert reason(folder) is None


def test_an_empty_table_of_values_beside_a_scale(folder):
    edited(folder, lambda number, dataset: setattr(dataset, "ModalityLUTSequence", Sequence()))
    assert reason(folder) is None


def test_every_second_slice_lost_of_overlapping_ones(folder):
    def edit(number, dataset):
        dataset.InstanceNumber = 1 + 2 * number
        dataset.SliceThickness, dataset.SpacingBetweenSlices = 5, 2.5

    edited(folder, edit)
    assert reason(folder) == "nonuniform_spacing"


@pytest.mark.parametrize("at", [b"1.2.840.10008.5.1.4.1.1.2", b"\x08\x00\x16\x00UI"])
def test_an_end_slice_cut_within_its_class_is_noticed(at, folder):
    path = edited(folder, lambda number, dataset: None)[-1]
    content = path.read_bytes()
    path.write_bytes(content[: content.index(at) + len(at) + (-3 if at[0] == 49 else 12)])
    index = scan_folder(folder)
    row = index.series.iloc[0]
    assert row["reason"] == "truncated" or "broken_file_beside" in row["warnings"]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("downwards", [False, True])
def test_slices_numbered_in_the_order_of_names(first, downwards, folder):
    names = sorted(range(first, first + 20), key=str)

    def edit(number, dataset):
        dataset.InstanceNumber = 1 + names.index((19 - number if downwards else number) + first)

    edited(folder, edit)
    assert reason(folder) is None


def test_pixel_data_without_a_byte(folder):
    def edit(number, dataset):
        store(dataset, stored(dataset), signed=False)
        dataset.PixelData = b""

    edited(folder, edit)
    assert reason(folder) == "no_pixels"


def test_turns_of_a_spiral_with_numbers_of_their_own(folder):
    def edit(number, dataset):
        dataset.AcquisitionNumber, dataset.AcquisitionTime = 1 + number // 4, f"1015{10 + number / 10:09.6f}"

    edited(folder, edit)
    loaded = load_series(folder)
    assert loaded.reason is None
    assert "acquisitions_joined" in loaded.warnings


@pytest.mark.parametrize("first", ["SOPClassUID", "InstanceCreationDate"])
def test_bare_data_sets_may_begin_later(first, folder):
    for path in edited(folder, lambda number, dataset: store(dataset, stored(dataset), signed=False)):
        dataset = pydicom.dcmread(path)
        for keyword in ("ImageType", "SpecificCharacterSet"):
            if keyword in dataset:
                delattr(dataset, keyword)
        dataset.InstanceCreationDate = "20150304"
        if first == "SOPClassUID":
            del dataset.InstanceCreationDate
        del dataset.file_meta
        dataset.preamble = None
        pydicom.dcmwrite(path, dataset, implicit_vr=True, little_endian=True)
    loaded = load_series(folder)
    assert loaded.reason is None
    assert "no_meta_header" in loaded.warnings


def test_options_that_name_the_phase_of_each_slice(folder):
    edited(folder, lambda number, dataset: setattr(dataset, "ScanOptions", f"TM50PC{2360 + number % 7}"))
    assert reason(folder) is None


def test_a_date_that_was_shifted_by_centuries(folder):
    edited(folder, lambda number, dataset: setattr(dataset, "StudyDate", "18500305"))
    loaded = load_series(folder)
    assert (loaded.reason, loaded.facts["study_date"]) == (None, "1850-03-05")


def test_look_alikes_are_compared_in_time_that_grows_with_their_number(folder, monkeypatch):
    def edit(number, dataset):
        store(dataset, stored(dataset) + number % 2, signed=False)
        dataset.ImagePositionPatient = [0, 0, 0]

    edited(folder, edit)
    read = []
    monkeypatch.setattr(consistency, "pixel_digest", lambda slices: read.append(len(slices)) or len(read))
    assert reason(folder) == "duplicate_position"
    assert len(read) == 20


@pytest.mark.parametrize("tag", [0x00091010, 0x00420011])
def test_bytes_in_a_sequence_are_no_second_header(tag, folder):
    def edit(number, dataset):
        item = Dataset()
        if tag >> 16 == 9:
            item.add_new(0x00090010, "LO", "SOMEONE")
        item.add_new(tag, "OB", b"\x28\x00\x53\x10DS\x02\x001 " + b"\x28\x00\x52\x10DS\x02\x000 ")
        dataset.RequestAttributesSequence = Sequence([item])

    edited(folder, edit)
    assert reason(folder) is None


@pytest.mark.parametrize("z", [0.0, 430.0, -397.0])
def test_a_slice_at_a_wrong_place_is_named_so(z, folder):
    def edit(number, dataset):
        if number == 10:
            x, y, _ = dataset.ImagePositionPatient
            dataset.ImagePositionPatient = [x, y, z]

    edited(folder, edit)
    assert reason(folder) == "nonuniform_spacing"


def test_a_copy_of_a_multi_frame_object_is_used_once(folder, volume):
    plant_fault(folder, "enhanced", seed=1)
    (path,) = folder.iterdir()
    dataset = pydicom.dcmread(path)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    dataset.save_as(folder / "again.dcm")
    loaded = load_series(folder)
    assert (loaded.reason, "duplicate_file" in loaded.warnings) == (None, True)
    np.testing.assert_array_equal(loaded.volume.hu, volume.hu)


@pytest.mark.parametrize("content", [b"", b"\x08", b"\x08\x00", b"\x08\x00\x16", b"\x08\x00\x16\x00UI"])
def test_files_of_a_few_bytes_are_no_slices(content, folder):
    (folder / "README").write_bytes(content)
    assert reason(folder) is None

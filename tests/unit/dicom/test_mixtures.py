"""Two scans, phases or pictures under one series never become a volume; one scan oddly written does."""

import numpy as np
import pytest

from calcohort.dicom import scan_folder
from calcohort.simulate.dicom_variants import edit as edit_file
from calcohort.simulate.dicom_variants import series_files
from tests.unit.dicom.test_found_by_review import edited, reason, store, stored

N_SLICES = 20
SCATTERED = {1, 2, 5, 8, 9, 10, 14, 17, 18}


def marked(folder, keyword, value):
    """The series with `value(number)` in one tag of each slice."""
    edited(folder, lambda number, dataset: setattr(dataset, keyword, value(number)))


def clock(seconds):
    """A DICOM time some seconds after ten o'clock."""
    return f"10{seconds // 60:02d}{seconds % 60:02d}"


@pytest.mark.parametrize(
    "seconds",
    [
        lambda number: 300 * (number in (3, 7, 11, 15, 19)),
        lambda number: 300 * (number // 4 % 2),
        lambda number: 30 * (number in SCATTERED),
    ],
)
def test_slices_of_a_later_scan_in_between(seconds, folder):
    marked(folder, "AcquisitionTime", lambda number: clock(seconds(number)))
    assert reason(folder) == "several_acquisitions"


@pytest.mark.parametrize("late", [lambda number: number >= 10, lambda number: number % 2])
def test_a_slice_without_its_time_does_not_hide_a_second_scan(late, folder):
    marked(folder, "AcquisitionTime", lambda number: "" if number == 5 else clock(600 * late(number)))
    assert reason(folder) == "several_acquisitions"


def test_a_slow_scan_whose_steps_all_go_one_way_is_one(folder):
    marked(folder, "AcquisitionTime", lambda number: clock(90 * number))
    assert reason(folder) is None


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("DeviceSerialNumber", lambda number: "1" if number else "2"),
        ("PatientPosition", lambda number: "HFS" if number % 2 else "FFS"),
        ("FilterType", lambda number: "HEAD" if number < 10 else "BODY"),
        ("ContrastBolusAgent", lambda number: "agent" if 8 <= number < 12 else ""),
    ],
)
def test_what_one_reconstruction_has_throughout(keyword, value, folder):
    marked(folder, keyword, value)
    assert reason(folder) == "mixed_reconstructions"


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("ReconstructionDiameter", lambda number: "500" if number % 2 else "500.000"),
        ("SeriesNumber", lambda number: "3" if number % 3 else "+3"),
    ],
)
def test_a_number_written_in_two_ways_is_one(keyword, value, folder):
    marked(folder, keyword, value)
    assert reason(folder) is None


def test_the_same_identifier_of_two_hospitals_is_two_patients(folder):
    marked(folder, "IssuerOfPatientID", lambda number: f"hospital {number // 10}")
    assert reason(folder) == "mixed_patients"


def test_irradiation_events_that_take_turns(folder):
    marked(folder, "IrradiationEventUID", lambda number: f"1.2.{7 + number % 2}")
    assert reason(folder) == "several_acquisitions"


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("TriggerTime", lambda number: 350 if number in SCATTERED else 700),
        ("TriggerTime", lambda number: 350 if number == 11 else 700),
        ("NominalPercentageOfCardiacPhase", lambda number: 40.0 if number < 10 else 75.0),
    ],
)
def test_phases_of_the_heart(keyword, value, folder):
    marked(folder, keyword, value)
    assert reason(folder) == "several_acquisitions"


def test_table_positions_that_met_other_heart_beats_are_one_scan(folder):
    beats = (612, 705, 598, 664)
    marked(folder, "TriggerTime", lambda number: beats[number // 5 % 4] + number % 5)
    assert reason(folder) is None


@pytest.mark.parametrize(
    "value",
    [
        "ORIGINAL\\PRIMARY\\AXIAL\\MAX_IP",
        "ORIGINAL\\PRIMARY\\MIN_IP",
        "ORIGINAL\\PRIMARY\\AXIAL\\MAT_REMOVED",
    ],
)
def test_projections_and_maps_of_two_energies(value, folder):
    marked(folder, "ImageType", lambda number: value)
    assert reason(folder) == "derived_image"


def test_activity_labelled_ct(folder):
    marked(folder, "Units", lambda number: "BQML")
    assert reason(folder) == "not_hu"


def test_a_compression_ratio_without_its_flag_is_lossy(folder):
    marked(folder, "LossyImageCompressionRatio", lambda number: 12.5)
    assert reason(folder) == "lossy"


@pytest.mark.parametrize("moment", ["20150304101512+0100", "20150304101512-0500", "20150304101512.25+0100"])
def test_a_moment_with_its_distance_from_greenwich(moment, folder):
    def edit(number, dataset):
        dataset.AcquisitionDate = dataset.AcquisitionTime = ""
        dataset.AcquisitionDateTime = moment

    edited(folder, edit)
    assert reason(folder) is None


def test_table_positions_over_midnight_are_one_scan(folder):
    moments = ("20150304 235954", "20150304 235957", "20150305 000001", "20150305 000004")

    def edit(number, dataset):
        block = number * 4 // N_SLICES
        dataset.AcquisitionNumber = block + 1
        dataset.AcquisitionDate, dataset.AcquisitionTime = moments[block].split()

    edited(folder, edit)
    assert reason(folder) is None


@pytest.mark.parametrize("lost", [{9, 10}, {18, 19}, {0, 1, 2}])
def test_several_slices_that_were_not_written(lost, folder):
    def edit(number, dataset):
        values = stored(dataset)
        store(dataset, np.zeros_like(values) if number in lost else values, signed=False)

    edited(folder, edit)
    assert reason(folder) == "truncated"


def test_pixels_of_the_slice_before(folder):
    before = {}

    def edit(number, dataset):
        before[number] = stored(dataset)
        store(dataset, before[9 if number == 10 else number], signed=False)

    edited(folder, edit)
    assert reason(folder) == "implausible_hu"


@pytest.mark.parametrize("swapped", [lambda number: True, lambda number: number == 9])
def test_bytes_in_the_wrong_order_of_twelve_bits(swapped, folder):
    def edit(number, dataset):
        values = stored(dataset).astype("<u2")
        store(dataset, values.byteswap() if swapped(number) else values, signed=False)
        dataset.BitsStored, dataset.HighBit = 12, 11

    edited(folder, edit)
    assert reason(folder) == "implausible_hu"


def test_a_copy_with_rounded_places_is_used_once(folder, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in series_files(folder):
        (copy / path.name).write_bytes(path.read_bytes())
    for number, path in enumerate(series_files(copy)):

        def change(dataset, number=number):
            x, y, z = (float(value) for value in dataset.ImagePositionPatient)
            dataset.ImagePositionPatient = [x + 2e-4, y, z]
            dataset.SeriesInstanceUID = "1.2.3"
            dataset.SOPInstanceUID = f"1.2.3.{number}"
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID

        edit_file(path, change)
    index = scan_folder([folder, copy])
    assert index.series["accepted"].sum() == 1
    assert set(index.series["reason"].dropna()) == {"duplicate_series"}

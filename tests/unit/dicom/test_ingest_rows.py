"""No row of what hospitals send is without a test: the table from rows to faults and tests."""

import importlib
import os
from pathlib import Path

import pytest

from calcohort.simulate.dicom_faults import FAULTS

# Each row of ingest.md: seeded faults of `simulate.dicom_faults`, which test_faults.py plants into a
# simulated and a real series, and tests of other modules, as module::function.
ROWS = {
    "missing middle slice; one slice shifted 1 mm": [
        "missing_middle_slice", "shifted_slice", "shifted_sideways", "every_second_slice_missing",
    ],
    "missing end slices": [
        "missing_end_slices", "end_slice_spoiled", "end_slice_dangling", "end_slice_called_localizer",
        "end_slice_of_another_class", "test_faults::test_missing_ends_keep_the_others_in_place",
    ],
    "position jitter <= 0.01 mm, orientation noise 1e-6": ["position_jitter", "orientation_noise"],
    "byte-identical duplicate file": ["duplicate_file", "test_index::test_whole_folder_twice_is_one_series"],
    "same UID or same position, different pixels": ["duplicate_uid_conflict", "duplicate_position"],
    "two acquisitions in one series": [
        "second_acquisition", "second_acquisition_between", "second_acquisition_partial",
        "second_acquisition_below", "interleaved_by_time", "numbered_twice", "turns_moment", "turns_uid",
        "turns_phase", "turns_description", "turns_filter", "turns_voltage", "step_and_shoot",
        "numbered_steps", "numbered_slices", "numbered_alike", "long_pause",
    ],
    "rest and stress CTAC": ["test_index::test_same_geometry_with_other_pixels_is_no_copy"],
    "gantry tilt (found from positions, not from the tag)": [
        "gantry_tilt", "sheared_positions", "tilt_tag_alone",
    ],
    "overlapping reconstruction": ["thick_overlapping", "thin_with_gaps"],
    "empty SliceThickness": ["empty_thickness"],
    "slope or intercept differing per slice": ["rescale_per_slice"],
    "no rescale tags": [
        "no_rescale", "no_rescale_one_slice", "zero_slope", "negative_slope", "two_slopes", "lost_intercept",
    ],
    "signed, unsigned, slope 0.5, overlay bits above HighBit": ["signed", "half_slope", "overlay_bits"],
    "padding, declared or not (-2000, -3024, 65535)": [
        "padding_2000", "padding_2000_declared", "padding_3024", "padding_65535", "padding_65535_declared",
        "saturated_air", "padding_4095_declared",
    ],
    "RLE, JPEG-LS, JPEG 2000, JPEG lossless, deflated, big-endian": [
        "syntax_rle", "syntax_jpegls", "syntax_jpeg2000", "syntax_deflated", "syntax_big_endian",
        "syntax_implicit", "syntax_explicit", "test_codecs::test_syntax_and_sign",
        "test_codecs::test_jpeg_lossless_of_any_predictor",
    ],
    "lossy (by transfer syntax or by tag)": [
        "lossy_syntax", "lossy_tag", "lossy_tag_one_slice", "lossy_method", "lossy_stream",
        "lossy_called_derived",
    ],
    "no preamble or file meta": ["bare_data_sets", "no_meta"],
    "truncated, no pixels, other matrix or spacing in one slice": [
        "truncated", "truncated_in_header", "truncated_in_position", "truncated_behind_position",
        "truncated_in_series_uid", "truncated_native", "no_pixels", "other_matrix", "other_spacing",
        "wrong_rows",
    ],
    "localizer, secondary capture, derived, reformat, dose screen, PET, MR": [
        "localizer", "localizer_beside", "secondary_capture", "capture_beside", "derived", "reformatted",
        "dose_screen", "pet", "mr", "coronal",
    ],
    "enhanced multi-frame": [
        "enhanced", "enhanced_one_phase", "enhanced_two_phases", "multiframe_classic",
    ],
    "a slice of another patient; two patients in a folder": [
        "mixed_patients", "mixed_names", "test_index::test_two_patients_in_one_folder_stay_apart",
    ],
    "one series over several folders": ["several_folders", "scrambled_names"],
    "junk files, DICOMDIR, broken links": ["junk", "foreign_name", "test_hostile::test_directories_of_media"],
    "re-sent copy with new UIDs": ["test_index::test_resent_copy_with_new_uids_is_used_once"],
    "prone, feet-first": ["prone", "feet_first"],
    "anisotropic pixels": ["transposed", "test_codecs::test_same_voxels_and_grid_as_simpleitk"],
    "burned-in annotation YES; no study date": ["burned_in", "no_date"],
    "fewer slices than a heart needs": ["too_few_slices"],
    "contrast-enhanced chamber blood": ["contrast_agent"],
}  # fmt: skip


def test_every_row_has_its_tests():
    for row, tests in ROWS.items():
        assert tests, row
        for name in tests:
            module, _, function = name.partition("::")
            if function:
                assert hasattr(importlib.import_module(f"tests.unit.dicom.{module}"), function), name
            else:
                assert name in FAULTS, name


def test_no_row_is_missing():
    data = Path(os.environ.get("CALCOHORT_REALDATA", "../shared/realdata"))
    table = data.parent / "design" / "ingest.md"
    if not table.is_file():
        pytest.skip("the table ingest.md is not here")
    lines = [line for line in table.read_text().splitlines() if line.startswith("|")]
    assert [line.split("|")[1].strip() for line in lines[2:]] == list(ROWS)

"""Folders as they come: series are kept apart, copies used once, nothing disappears."""

import shutil

import numpy as np
import pydicom
import pytest

from calcohort.dicom import load_series, scan_folder, series_key, series_paths
from calcohort.simulate.dicom_faults import plant_fault
from calcohort.simulate.dicom_variants import edit, series_files
from calcohort.simulate.dicom_writer import make_uid, write_series
from calcohort.volume import Volume


def _two_patients(tmp_path, volume):
    for patient in ("P001", "P002"):
        write_series(
            volume, tmp_path / "mixed", patient_id=patient, study_date="2015-03-04", protocol="cac_gated"
        )
        for path in series_files(tmp_path / "mixed"):
            if not path.name.startswith("P"):
                path.rename(path.with_name(f"{patient}_{path.name}"))
    return tmp_path / "mixed"


def test_two_patients_in_one_folder_stay_apart(tmp_path, volume):
    index = scan_folder(_two_patients(tmp_path, volume))
    assert sorted(index.series["patient_id"]) == ["P001", "P002"]
    assert index.series["accepted"].all()
    for series in index.series["series"]:
        np.testing.assert_array_equal(load_series(index.paths(series)).volume.hu, volume.hu)


def test_two_series_given_as_one_are_refused(tmp_path, volume):
    assert load_series(_two_patients(tmp_path, volume)).reason == "several_series"


def test_resent_copy_with_new_uids_is_used_once(written, tmp_path):
    shutil.copytree(written, tmp_path / "a")
    shutil.copytree(written, tmp_path / "b")
    for number, path in enumerate(series_files(tmp_path / "b")):

        def renamed(dataset, number=number):
            dataset.SeriesInstanceUID = make_uid("sent again")
            dataset.SOPInstanceUID = make_uid("sent again", number)
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID

        edit(path, renamed)
    series = scan_folder(tmp_path).series
    assert sorted(series["reason"].fillna("")) == ["", "duplicate_series"]
    copy = series[series["reason"] == "duplicate_series"].iloc[0]
    assert copy["copy_of"] == series.loc[series["accepted"], "series"].iloc[0]


def test_same_geometry_with_other_pixels_is_no_copy(tmp_path, volume):
    other = Volume(volume.hu[::-1].copy(), volume.spacing_xyz_mm, volume.origin_lps_mm)
    for name, one in (("ctac_stress", volume), ("ctac_rest", other)):
        write_series(one, tmp_path / name, patient_id="P001", study_date="2015-03-04", protocol=name)
    assert scan_folder(tmp_path).series["accepted"].all()


def test_whole_folder_twice_is_one_series(written, tmp_path, volume):
    shutil.copytree(written, tmp_path / "a")
    shutil.copytree(written, tmp_path / "b")
    index = scan_folder(tmp_path)
    assert len(index.series) == 1
    assert index.series.iloc[0]["accepted"]
    assert (index.files["reason"] == "duplicate_file").sum() == len(volume.hu)


def test_cut_slice_of_unknown_series_rejects_the_only_series_beside(folder):
    last = series_files(folder)[-1]
    last.write_bytes(last.read_bytes()[:500])
    index = scan_folder(folder)
    assert list(index.series["reason"]) == ["truncated"]


def test_cut_slice_beside_two_series_warns_both(tmp_path, volume):
    mixed = _two_patients(tmp_path, volume)
    whole = series_files(mixed)[0].read_bytes()
    (mixed / "cut.dcm").write_bytes(whole[:500])
    series = scan_folder(mixed).series
    assert series["warnings"].str.contains("broken_file_beside").sum() == 2
    assert (series["reason"] == "truncated").sum() == 1


def test_facts_come_from_the_header(written):
    row = scan_folder(written).series.iloc[0]
    uid = pydicom.dcmread(series_files(written)[0]).SeriesInstanceUID
    assert row["series"] == series_key(uid)
    facts = [
        "study_date",
        "kvp",
        "mas",
        "slice_thickness_mm",
        "increment_mm",
        "kernel",
        "ctdi_vol_mgy",
        "rotation_time_s",
    ]
    assert list(row[facts]) == ["2015-03-04", 100, 11, 5, 5, "B30f", 0.36, 0.5]
    assert (row["pixel_spacing_x_mm"], row["pixel_spacing_y_mm"]) == (1.1, 1.3)
    assert (row["n_files"], row["n_slices"], row["rows"], row["columns"]) == (20, 20, 48, 40)


def test_facts_of_enhanced_ct_come_from_its_functional_groups(folder):
    plant_fault(folder, "enhanced", seed=1)
    row = scan_folder(folder).series.iloc[0]
    assert (row["kvp"], row["ctdi_vol_mgy"], row["slice_thickness_mm"]) == (100, 0.36, 5)
    assert (row["n_files"], row["n_slices"]) == (1, 20)


def test_extra_keyword_becomes_a_column(written):
    assert scan_folder(written, extra_keywords=["StationName", "Exposure"]).series["Exposure"].iloc[0] == "11"


def test_order_of_roots_and_workers_change_nothing(tmp_path, volume):
    mixed = _two_patients(tmp_path, volume)
    alone = scan_folder(mixed).series
    together = scan_folder([mixed], workers=2).series
    assert alone.equals(together)


def test_paths_can_be_found_again_from_the_table(written, volume):
    index = scan_folder([written])
    paths = series_paths(index.files, [written], index.series["series"].iloc[0])
    np.testing.assert_array_equal(load_series(paths).volume.hu, volume.hu)


def test_single_files_and_empty_folders(written, tmp_path):
    assert scan_folder(series_files(written)[0]).series["reason"].iloc[0] == "too_few_slices"
    empty = scan_folder(tmp_path)
    assert len(empty.series) == len(empty.files) == 0
    assert {"series", "accepted", "reason", "patient_id", "kvp"} <= set(empty.series.columns)


def test_unused_slices_carry_the_reason_of_their_series(folder):
    plant_fault(folder, "mixed_patients", seed=1)
    assert set(scan_folder(folder).files["reason"]) == {"mixed_patients"}


def test_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        scan_folder(tmp_path / "nowhere")


def test_no_identifier_in_what_is_shown(written):
    index = scan_folder(written)
    shown = index.series.drop(columns=["patient_id", "study_date"]).to_csv() + index.files.to_csv()
    header = pydicom.dcmread(series_files(written)[0])
    for secret in (
        header.PatientID,
        header.SeriesInstanceUID,
        header.StudyInstanceUID,
        header.SOPInstanceUID,
    ):
        assert secret not in shown

"""Volume files in a study's folders are series like any other, with the patient that a table names."""

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from calcohort.dicom import save_volume, scan_folder
from calcohort.errors import InputError
from calcohort.imaging.check import check_imaging
from calcohort.imaging.choice import DEFAULT_CHOICE
from calcohort.imaging.contents import content_digests, contents
from calcohort.imaging.convert import convert_scan
from calcohort.imaging.identity import identify
from calcohort.imaging.link import link_scans
from calcohort.imaging.protocol import DEFAULT_RULES
from calcohort.imaging.user_tables import read_overrides, read_volume_table
from calcohort.imaging.volume_files import volume_key, volume_series, with_volumes
from calcohort.simulate.dicom_writer import write_series
from calcohort.volume import Volume

PET = pd.DataFrame({"patient_id": ["A", "B"], "scan_date": ["2015-03-04", "2016-01-02"]})


@pytest.fixture
def scan():
    hu = np.random.default_rng(0).integers(-900, 200, (30, 24, 20)).astype(np.int16)
    return Volume(hu, (0.7, 0.9, 3.0), (-10.0, -20.0, -30.0))


def _listed(tmp_path, *rows: str, columns="file,patient_id,scan_date,protocol,kvp"):
    path = tmp_path / "volumes.csv"
    path.write_text("\n".join([columns, *rows]) + "\n")
    return read_volume_table(path)


def _series(folder, listed=None):
    index = scan_folder([folder])
    files, volumes = volume_series(index.files, index.roots, listed)
    return files, with_volumes(identify(index.series, "PatientID", "StudyDate"), volumes)


@pytest.mark.parametrize("suffix", ["nii", "nii.gz", "nrrd", "mha", "mhd", "nhdr"])
def test_a_volume_is_linked_chosen_and_read_as_its_scan(tmp_path, scan, suffix):
    (tmp_path / "scans").mkdir()
    save_volume(scan, tmp_path / f"scans/a.{suffix}")
    listed = _listed(tmp_path, f"a.{suffix},A,2015-03-04,ctac_rest,100")
    files, series = _series(tmp_path / "scans", listed)
    (row,) = link_scans(series, PET).to_dict("records")
    assert (row["patient_id"], row["protocol"], row["chosen"]) == ("A", "ctac_rest", True)
    assert row["rule"] == "imaging.volumes"
    assert row["series"] == volume_key(tmp_path / f"scans/a.{suffix}")
    assert set(files["series"]) == {row["series"]} and files["reason"].isna().all()
    facts = series.iloc[0]
    assert facts[["n_slices", "rows", "columns", "kvp", "source"]].tolist() == [30, 24, 20, 100.0, "volume"]
    assert facts[["pixel_spacing_x_mm", "increment_mm", "extent_mm"]].tolist() == pytest.approx(
        [0.7, 3.0, 90.0]
    )
    loaded = convert_scan([tmp_path / "scans" / path for path in files["path"]], tmp_path / "out.nrrd")
    np.testing.assert_array_equal(loaded.volume.hu, scan.hu)


def test_a_turned_volume_tells_the_grid_that_reading_gives(tmp_path, scan):
    save_volume(scan, tmp_path / "a.nrrd")
    turned = sitk.PermuteAxes(sitk.ReadImage(str(tmp_path / "a.nrrd")), [2, 0, 1])
    sitk.WriteImage(turned, str(tmp_path / "a.nrrd"))
    _, series = _series(tmp_path)
    loaded = convert_scan([tmp_path / "a.nrrd"], tmp_path / "out.nrrd").volume
    told = series.iloc[0][["n_slices", "rows", "columns"]].tolist()
    assert tuple(told) == loaded.shape_zyx == scan.shape_zyx


def test_dicom_and_volumes_stand_side_by_side(tmp_path, scan):
    write_series(scan, tmp_path / "d", patient_id="B", study_date="2016-01-02", protocol="ctac_stress")
    save_volume(scan, tmp_path / "d/a.nii.gz")
    (tmp_path / "d/junk.txt").write_text("junk")
    files, series = _series(tmp_path / "d", _listed(tmp_path, "a.nii.gz,A,2015-03-04,ctac_stress,"))
    choices = link_scans(series, PET)
    assert choices[["patient_id", "chosen"]].values.tolist() == [["A", True], ["B", True]]
    assert set(series["source"]) == {"dicom", "volume"}
    assert files.set_index("path").loc["junk.txt", "reason"] == "not_dicom"
    digests = contents(files, [tmp_path / "d"])["digest"]
    assert series["series"].map(content_digests(files, digests)).notna().all()


def test_what_is_wrong_with_a_volume_is_a_code(tmp_path, scan):
    (tmp_path / "s").mkdir()
    (tmp_path / "s/broken.nii").write_bytes(b"nothing that a reader knows")
    save_volume(scan.crop((0, 4, 0, 24, 0, 20)), tmp_path / "s/short.nrrd")
    save_volume(scan, tmp_path / "s/stranger.nrrd")
    (tmp_path / "s/copy.nrrd").write_bytes((tmp_path / "s/stranger.nrrd").read_bytes())
    files, series = _series(tmp_path / "s")
    reasons = link_scans(series, PET).set_index("series")["reason"]
    by_file = files.set_index("path")
    assert reasons[by_file.loc["broken.nii", "series"]] == "malformed"
    assert reasons[by_file.loc["short.nrrd", "series"]] == "too_few_slices"
    assert reasons[by_file.loc["stranger.nrrd", "series"]] == "unlinked"
    assert sorted(by_file["reason"].fillna("")) == ["", "duplicate_file", "malformed", "too_few_slices"]


def test_detached_headers_that_are_alike_are_told_apart(tmp_path, scan):
    for name, hu in (("a", scan.hu), ("b", scan.hu + 1)):
        (tmp_path / name).mkdir()
        save_volume(Volume(hu, scan.spacing_xyz_mm, scan.origin_lps_mm), tmp_path / name / "x.mhd")
    files, series = _series(tmp_path)
    assert len(series) == 2
    assert files.groupby("series")["path"].agg(sorted).str.len().tolist() == [2, 2]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["b.nrrd,A,2015-03-04,ctac_rest,"], "row 2: the file is not in the imaging folders; write its path"),
        (["a.nrrd,,2015-03-04,ctac_rest,"], "row 2: patient_id is empty"),
        (["a.nrrd,A,4.3.2015,ctac_rest,"], "row 2: scan_date is no date"),
        (["a.nrrd,A,2015-03-04,rest,"], "row 2: protocol is unknown"),
        (["a.nrrd,A,2015-03-04,ctac_rest,high"], "row 2: kvp is no number"),
        (
            ["a.nrrd,A,2015-03-04,ctac_rest,", "a.nrrd,B,2015-03-04,ctac_rest,"],
            "row 3: names a file a second",
        ),
        (
            ["a.nrrd,A,2015-03-04,ctac_rest,", "c.nrrd,B,2015-03-04,ctac_rest,"],
            "row 2: names the same scan as row 3",
        ),
    ],
)
def test_a_wrong_table_is_one_line_with_its_row(tmp_path, scan, rows, says):
    (tmp_path / "s").mkdir()
    save_volume(scan, tmp_path / "s/a.nrrd")
    (tmp_path / "s/c.nrrd").write_bytes((tmp_path / "s/a.nrrd").read_bytes())
    with pytest.raises(InputError, match=says) as caught:
        _series(tmp_path / "s", _listed(tmp_path, *rows))
    assert "\n" not in str(caught.value) and "2015" not in str(caught.value)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("abc,,,choose,", "row 2: reason is empty"),
        ("abc,A,,exclude,twice", "row 2: names no scan, or two"),
        (",,,exclude,nobody", "row 2: names no scan, or two"),
        ("abc,,,drop,why", "row 2: action is unknown"),
        (",A,,choose,why", "row 2: does not say which scan"),
        (",A,gated,choose,why", "row 2: protocol is unknown"),
    ],
)
def test_a_wrong_override_is_one_line_with_its_row(tmp_path, row, says):
    (tmp_path / "o.csv").write_text(f"series,patient_id,protocol,action,reason\n{row}\n")
    with pytest.raises(InputError, match=says):
        read_overrides(tmp_path / "o.csv")


def test_check_tells_a_volume_that_is_not_there_and_counts_what_is_right(tmp_path, scan):
    (tmp_path / "s").mkdir()
    save_volume(scan, tmp_path / "s/a.nrrd")
    _listed(tmp_path, "a.nrrd,A,2015-03-04,ctac_rest,")
    imaging = {"protocols": DEFAULT_RULES, "choice": DEFAULT_CHOICE, "volumes": tmp_path / "volumes.csv"}
    assert check_imaging(imaging | {"dicom": tmp_path / "s"}) == ["imaging.volumes: 1 rows"]
    with pytest.raises(InputError, match="imaging.volumes row 2: the file is not there"):
        check_imaging(imaging | {"dicom": tmp_path})

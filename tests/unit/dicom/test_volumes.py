"""NIfTI, NRRD and MetaImage in and out without moving or changing a voxel."""

import numpy as np
import pytest
import SimpleITK as sitk

from calcohort.dicom import load_volume_file, save_volume
from calcohort.dicom.volumes import to_sitk
from calcohort.volume import Volume


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".nrrd", ".mha"])
def test_round_trip(ending, tmp_path, volume):
    save_volume(volume, tmp_path / f"scan{ending}")
    assert [path.name for path in tmp_path.iterdir()] == [f"scan{ending}"]
    loaded = load_volume_file(tmp_path / f"scan{ending}")
    assert (loaded.reason, loaded.warnings) == (None, ())
    np.testing.assert_array_equal(loaded.volume.hu, volume.hu)
    assert loaded.volume.hu.dtype == np.int16
    np.testing.assert_allclose(loaded.volume.spacing_xyz_mm, volume.spacing_xyz_mm, rtol=1e-6)
    np.testing.assert_allclose(loaded.volume.origin_lps_mm, volume.origin_lps_mm, atol=1e-4)


@pytest.mark.parametrize("orientation", ["RAS", "RAI", "PIR", "ASL"])
def test_any_axis_order_gives_the_same_volume(orientation, tmp_path, volume):
    sitk.WriteImage(sitk.DICOMOrient(to_sitk(volume), orientation), str(tmp_path / "scan.nrrd"))
    loaded = load_volume_file(tmp_path / "scan.nrrd").volume
    np.testing.assert_array_equal(loaded.hu, volume.hu)
    np.testing.assert_allclose(loaded.origin_lps_mm, volume.origin_lps_mm, atol=1e-6)


def _written(image: sitk.Image, tmp_path):
    sitk.WriteImage(image, str(tmp_path / "scan.nrrd"))
    return load_volume_file(tmp_path / "scan.nrrd")


def test_oblique_is_refused(tmp_path, volume):
    image = to_sitk(volume)
    cos, sin = np.cos(0.05), np.sin(0.05)
    image.SetDirection([1, 0, 0, 0, cos, -sin, 0, sin, cos])
    assert _written(image, tmp_path).reason == "oblique"


def test_label_map_is_not_a_scan(tmp_path, volume):
    labels = Volume((volume.hu > 130).astype(np.uint8), volume.spacing_xyz_mm)
    assert _written(to_sitk(labels), tmp_path).reason == "not_hu"


def test_short_stack_is_refused(tmp_path, volume):
    assert _written(to_sitk(volume.crop((0, 5, 0, 48, 0, 40))), tmp_path).reason == "too_few_slices"


def test_colour_image_is_refused(tmp_path, volume):
    colours = sitk.Compose([sitk.Cast(to_sitk(volume), sitk.sitkFloat32)] * 3)
    assert _written(colours, tmp_path).reason == "not_3d"


def test_padding_and_holes_become_air(tmp_path, volume):
    hu = volume.hu.astype(np.float32)
    hu[:, 0, 0], hu[0, 1, 1] = -3024, np.nan
    loaded = _written(to_sitk(Volume(hu, volume.spacing_xyz_mm)), tmp_path)
    assert loaded.warnings == ("padding",)
    assert loaded.volume.hu[0, 0, 0] == loaded.volume.hu[0, 1, 1] == -1000


def test_broken_and_missing_files_get_a_reason(tmp_path):
    (tmp_path / "junk.nii.gz").write_bytes(b"no volume")
    assert load_volume_file(tmp_path / "junk.nii.gz").reason == "malformed"
    assert load_volume_file(tmp_path / "nowhere.nrrd").reason == "malformed"

"""A series converted into a file is the volume that is loaded into memory, for every kind of scale."""

import numpy as np
import pytest
import SimpleITK as sitk

from calcohort.dicom import load_series
from calcohort.errors import InputError
from calcohort.nrrd import open_volume, write_volume
from calcohort.simulate import dicom_variants
from calcohort.simulate.dicom_variants import edit, series_files
from calcohort.volume import Volume


def _slope(slope):
    def vary(folder, rng):
        for path in series_files(folder):
            edit(path, lambda dataset: setattr(dataset, "RescaleSlope", slope))

    return vary


VARIANTS = {
    "as_written": lambda folder, rng: None,
    "half_slope": dicom_variants.half_slope,
    "rescale_per_slice": dicom_variants.rescale_per_slice,
    "signed": dicom_variants.signed,
    "transposed": dicom_variants.transposed,
    "feet_first": dicom_variants.feet_first,
    "enhanced": dicom_variants.as_enhanced,
    "fractions": _slope(0.97),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_in_a_file_as_in_memory(name, folder, tmp_path):
    VARIANTS[name](folder, np.random.default_rng(3))
    path = tmp_path / "volume.nrrd"
    in_memory, in_file = load_series(folder), load_series(folder, into=path)
    assert in_memory.volume is not None
    assert in_file.warnings == in_memory.warnings and in_file.facts == in_memory.facts
    for volume in (in_file.volume, open_volume(path)):
        assert volume.hu.dtype == in_memory.volume.hu.dtype
        np.testing.assert_array_equal(volume.hu, in_memory.volume.hu)
        assert volume.spacing_xyz_mm == in_memory.volume.spacing_xyz_mm
        assert volume.origin_lps_mm == in_memory.volume.origin_lps_mm


def test_other_programs_read_the_file(folder, volume, tmp_path):
    load_series(folder, into=tmp_path / "volume.nrrd")
    image = sitk.ReadImage(str(tmp_path / "volume.nrrd"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), volume.hu)
    np.testing.assert_allclose(image.GetSpacing(), volume.spacing_xyz_mm, rtol=1e-15)
    np.testing.assert_allclose(image.GetOrigin(), volume.origin_lps_mm, rtol=1e-15)
    np.testing.assert_array_equal(np.reshape(image.GetDirection(), (3, 3)), np.eye(3))


def test_a_rejected_series_leaves_no_file(folder, tmp_path):
    path = series_files(folder)[4]
    path.write_bytes(path.read_bytes()[:-300])
    assert load_series(folder, into=tmp_path / "volume.nrrd").volume is None
    assert not (tmp_path / "volume.nrrd").exists()


def test_a_full_disk_is_no_fault_of_the_scan(folder, tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        load_series(folder, into=tmp_path / "missing" / "volume.nrrd")


def test_a_scan_of_another_kind_is_written_alike(tmp_path):
    hu = np.random.default_rng(1).normal(0, 300, (5, 7, 9)).astype(np.float32)
    written = Volume(hu, (0.683594, 0.683594, 0.1 + 0.2), (-1e-7, -175.3, 1234.5))
    write_volume(written, tmp_path / "volume.nrrd")
    read = open_volume(tmp_path / "volume.nrrd")
    np.testing.assert_array_equal(read.hu, hu)
    assert (read.spacing_xyz_mm, read.origin_lps_mm) == (written.spacing_xyz_mm, written.origin_lps_mm)


@pytest.mark.parametrize("size", [0, 100, 600])
def test_half_a_file_is_no_volume(size, volume, tmp_path):
    path = tmp_path / "volume.nrrd"
    write_volume(volume, path)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(InputError):
        open_volume(path)

"""Every row of what hospitals send: the right volume or the right reason; never a wrong volume or silence."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from calcohort.dicom import REASONS, load_series, scan_folder
from calcohort.dicom.padding import AIR_HU
from calcohort.simulate.dicom_faults import FAULTS, plant_fault


def _same_volume(loaded, volume):
    assert loaded.volume.hu.dtype == volume.hu.dtype
    np.testing.assert_array_equal(loaded.volume.hu, volume.hu)
    np.testing.assert_allclose(loaded.volume.spacing_xyz_mm, volume.spacing_xyz_mm, rtol=1e-6)
    np.testing.assert_allclose(loaded.volume.origin_lps_mm, volume.origin_lps_mm, atol=1e-4)


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_fault_ends_as_stated(name, folder, volume):
    fault = plant_fault(folder, name, seed=3)
    index = scan_folder(folder)
    main = index.series.sort_values("n_files").iloc[-1]
    loaded = load_series(index.paths(main["series"]))
    assert loaded.reason == fault.reason
    assert (loaded.volume is None) == (loaded.reason is not None)
    assert set(fault.warnings) <= {*loaded.warnings, *main["warnings"].split()}
    if fault.aside:
        assert fault.aside in set(index.files["reason"].dropna())
    if fault.reason is None and not fault.alters:
        _same_volume(loaded, volume)


@pytest.mark.parametrize("name", sorted(name for name in FAULTS if not FAULTS[name].in_pixels))
def test_header_stage_agrees_with_full_load(name, folder):
    """The index decides by headers what loading decides, so that a study can be planned on it."""
    fault = plant_fault(folder, name, seed=4)
    index = scan_folder(folder)
    main = index.series.sort_values("n_files").iloc[-1]
    assert (None if main["reason"] is None else main["reason"]) == fault.reason
    assert set(index.files["reason"].dropna()) <= set(REASONS)
    listed = set(index.files.loc[index.files["series"] != "", "series"])
    assert listed == set(index.series["series"])


@pytest.mark.slow
def test_faults_on_a_real_series(tmp_path):
    """24 slices of lung1-001, a Siemens Biograph 40: real headers with private groups."""
    root = Path(os.environ.get("CALCOHORT_REALDATA", "../shared/realdata")) / "lung1-001"
    if not root.is_dir():
        pytest.skip("the real scan lung1-001 is not here")
    real = tmp_path / "real"
    real.mkdir()
    for path in sorted(root.iterdir())[80:104]:
        shutil.copyfile(path, real / path.name)
    volume = load_series(real).volume
    for name in FAULTS:
        folder = shutil.copytree(real, tmp_path / name)
        fault = plant_fault(folder, name, seed=5)
        index = scan_folder(folder)
        main = index.series.sort_values("n_files").iloc[-1]
        loaded = load_series(index.paths(main["series"]))
        assert (name, loaded.reason) == (name, fault.reason)
        assert set(fault.warnings) <= {*loaded.warnings, *main["warnings"].split()}, name
        if fault.reason is None and not fault.alters:
            _same_volume(loaded, volume)
        shutil.rmtree(folder)


@pytest.mark.parametrize("name", [name for name in sorted(FAULTS) if name.startswith("padding")])
def test_padding_becomes_air_and_the_rest_stays(name, folder, volume):
    plant_fault(folder, name, seed=3)
    hu = load_series(folder).volume.hu
    rows, columns = np.indices(hu.shape[1:])
    outside = np.hypot(rows - 23.5, columns - 23.5) > 24
    assert np.all(hu[:, outside] == AIR_HU)
    np.testing.assert_array_equal(hu[:, ~outside], volume.hu[:, ~outside])


def test_jitter_keeps_voxels(folder, volume):
    plant_fault(folder, "position_jitter", seed=3)
    loaded = load_series(folder)
    np.testing.assert_array_equal(loaded.volume.hu, volume.hu)
    np.testing.assert_allclose(loaded.volume.spacing_xyz_mm, volume.spacing_xyz_mm, atol=0.002)


def test_missing_ends_keep_the_others_in_place(folder, volume):
    plant_fault(folder, "missing_end_slices", seed=3)
    loaded = load_series(folder)
    np.testing.assert_array_equal(loaded.volume.hu, volume.hu[2:])
    assert loaded.volume.origin_lps_mm[2] == pytest.approx(volume.point_lps_mm((2, 0, 0))[2])


def test_saturated_air_is_air_inside_as_well(folder, volume):
    plant_fault(folder, "saturated_air", seed=3)
    hu = load_series(folder).volume.hu
    spoiled = np.zeros(hu.shape[1:], dtype=bool)
    spoiled[:2], spoiled[20:23, 4:9] = True, True
    assert np.all(hu[:, spoiled] == AIR_HU)
    np.testing.assert_array_equal(hu[:, ~spoiled], volume.hu[:, ~spoiled])

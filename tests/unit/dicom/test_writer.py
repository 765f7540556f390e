"""What is written is valid, small, and the same every time."""

import shutil
import subprocess

import numpy as np
import pytest

from calcohort.dicom import load_series
from calcohort.simulate.dicom_variants import series_files
from calcohort.simulate.dicom_writer import SCAN_PROTOCOLS, make_uid, write_series
from calcohort.volume import Volume


@pytest.mark.parametrize("syntax", ["jpegls", "explicit", "rle"])
@pytest.mark.parametrize("protocol", sorted(SCAN_PROTOCOLS))
def test_dciodvfy_finds_no_error(protocol, syntax, tmp_path, volume):
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (Debian package dicom3tools) is not installed")
    facts = {"sex": "female", "birth_date": "1950-02-03", "age_years": 65.3, "weight_kg": 71.25, "site": "A"}
    short = Volume(volume.hu[:3], volume.spacing_xyz_mm, volume.origin_lps_mm)
    paths = write_series(
        short,
        tmp_path,
        patient_id="P1",
        study_date="2015-03-04",
        protocol=protocol,
        transfer_syntax=syntax,
        **facts,
    )
    for path in paths:
        seen = subprocess.run(["dciodvfy", path], capture_output=True, text=True)
        assert "Error" not in seen.stdout + seen.stderr


def test_same_input_same_bytes(tmp_path, volume):
    for name in ("a", "b"):
        write_series(volume, tmp_path / name, patient_id="P1", study_date="2015-03-04", protocol="cac_gated")
    pairs = zip(series_files(tmp_path / "a"), series_files(tmp_path / "b"), strict=True)
    assert all(a.read_bytes() == b.read_bytes() for a, b in pairs)


def test_volume_comes_back(written, volume):
    loaded = load_series(written)
    assert (loaded.reason, loaded.warnings) == (None, ())
    np.testing.assert_array_equal(loaded.volume.hu, volume.hu)
    assert loaded.volume.spacing_xyz_mm == pytest.approx(volume.spacing_xyz_mm)
    assert loaded.volume.origin_lps_mm == pytest.approx(volume.origin_lps_mm)


def test_bright_metal_and_constant_slices_survive(tmp_path):
    hu = np.full((13, 16, 16), -1024, dtype=np.int16)
    hu[5, 3, 3] = 20000
    bright = Volume(hu, (1.0, 1.0, 5.0))
    write_series(bright, tmp_path, patient_id="P1", study_date="2015-03-04", protocol="cac_gated")
    np.testing.assert_array_equal(load_series(tmp_path).volume.hu, hu)


def test_values_that_do_not_fit_are_refused(tmp_path):
    dark = Volume(np.full((13, 16, 16), -2000, dtype=np.int16), (1.0, 1.0, 5.0))
    with pytest.raises(ValueError, match="-1024"):
        write_series(dark, tmp_path, patient_id="P1", study_date="2015-03-04", protocol="cac_gated")


def test_overrides_reach_every_file(tmp_path, volume):
    kernel = {"ConvolutionKernel": "B60f", "ManufacturerModelName": "Other"}
    write_series(
        volume, tmp_path, patient_id="P1", study_date="2015-03-04", protocol="ctac_rest", overrides=kernel
    )
    facts = load_series(tmp_path).facts
    assert (facts["kernel"], facts["scanner"], facts["series_description"]) == ("B60f", "Other", "CTAC REST")


def test_uids_are_valid_and_distinct():
    uids = {make_uid("a", 1), make_uid("a", 2), make_uid("a1", ""), make_uid("a", "1", "")}
    assert len(uids) == 4
    assert all(uid.startswith("2.25.") and len(uid) <= 64 for uid in uids)

"""Damaged bytes end in a reason code, or in exactly the volume that another decoder reads from them."""

import shutil
import time
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from calcohort.dicom import REASONS, load_series, scan_folder
from calcohort.simulate.dicom_variants import series_files
from calcohort.simulate.dicom_writer import write_series

SYNTAXES = ("jpegls", "explicit", "implicit", "rle", "jpeg2000")
FAST, SLOW = range(60), range(60, 360)


@pytest.fixture(scope="session")
def originals(volume, tmp_path_factory):
    folder = tmp_path_factory.mktemp("originals")
    for syntax in SYNTAXES:
        facts = {"patient_id": "P001", "study_date": "2015-03-04", "protocol": "ctac_stress"}
        write_series(volume, folder / syntax, transfer_syntax=syntax, **facts)
    return folder


def mutate(path: Path, rng: np.random.Generator) -> None:
    """Change one to three bytes of a file, in its header or anywhere: flip, replace, insert, delete."""
    content = bytearray(path.read_bytes())
    in_header = rng.random() < 0.6
    kind = rng.choice(["flip", "replace", "insert", "delete"])
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(132, 1500)) if in_header else int(rng.integers(len(content)))
        if kind == "flip":
            content[at] ^= 1 << int(rng.integers(8))
        elif kind == "replace":
            content[at] = int(rng.integers(256))
        elif kind == "insert":
            content[at:at] = rng.bytes(1)
        else:
            del content[at]
    path.write_bytes(bytes(content))


def _gdcm(path: Path):
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(path))
    image = reader.Execute()
    return image.GetOrigin()[:3], image.GetSpacing()[:2], np.squeeze(sitk.GetArrayFromImage(image))


def _pydicom(path: Path):
    """For what GDCM refuses to open because of a damaged element that neither reader needs."""
    dataset = pydicom.dcmread(path, force=True)
    if "TransferSyntaxUID" not in dataset.file_meta:
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    hu = dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
    position = tuple(float(value) for value in dataset.ImagePositionPatient)
    return position, tuple(float(value) for value in dataset.PixelSpacing)[::-1], hu


def independent(path: Path):
    try:
        return _gdcm(path)
    except RuntimeError:
        return _pydicom(path)


def _check(number: int, originals: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(np.random.SeedSequence([20, number]))
    folder = shutil.copytree(originals / SYNTAXES[number % len(SYNTAXES)], tmp_path / str(number))
    files = series_files(folder)
    mutate(files[int(rng.integers(len(files)))], rng)
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        index, loaded = scan_folder(folder), load_series(folder)
        assert time.perf_counter() - started < 10
        assert set(index.files["reason"].dropna()) <= set(REASONS)
        if loaded.reason is not None:
            assert loaded.reason in REASONS and loaded.volume is None
            return
        slices = sorted((independent(path) for path in files), key=lambda one: one[0][2])
    volume = loaded.volume
    # A rescale slope such as 1.1 differs by rounding between float32 and float64.
    np.testing.assert_allclose(volume.hu, np.stack([hu for _, _, hu in slices]), atol=1e-3)
    heights = np.array([position[2] for position, _, _ in slices])
    expected = volume.origin_lps_mm[2] + volume.spacing_xyz_mm[2] * np.arange(len(heights))
    np.testing.assert_allclose(heights, expected, atol=0.06)
    for position, spacing, _ in slices:
        np.testing.assert_allclose(position[:2], volume.origin_lps_mm[:2], atol=0.06)
        np.testing.assert_allclose(spacing, volume.spacing_xyz_mm[:2], atol=1.1e-4)
    shutil.rmtree(folder)


def test_mutations(originals, tmp_path):
    for number in FAST:
        _check(number, originals, tmp_path)


@pytest.mark.slow
def test_more_mutations(originals, tmp_path):
    for number in SLOW:
        _check(number, originals, tmp_path)


DECISIVE = {
    "ImagePositionPatient": ["\\", "-10.5\\-31.25\\-480", "a\\b\\c", "1\\2"],
    "ImageOrientationPatient": ["1\\0\\0\\0\\1\\1", "1\\0\\0", "0\\1\\0\\1\\0\\0"],
    "PixelSpacing": ["1.3\\1.2", "0\\1.1", "-1.3\\1.1", "1,3\\1,1", "nan\\1.1"],
    "RescaleSlope": ["", "one", "0"],
    "RescaleIntercept": ["", "1_024", "inf"],
    "PatientID": ["P002", ""],
    "StudyInstanceUID": ["1.2.3"],
    "FrameOfReferenceUID": ["1.2.3"],
    "SeriesInstanceUID": ["1.2.3"],
    "StudyDate": ["", "20150305", "2015"],
    "KVP": ["120"],
}


@pytest.mark.parametrize(("keyword", "value"), [(k, v) for k, values in DECISIVE.items() for v in values])
def test_inconsistent_geometry_and_identity_always_end_in_a_code(keyword, value, folder):
    path = series_files(folder)[9]
    dataset = pydicom.dcmread(path)
    element = dataset[keyword]
    raw = value.encode() + b" " * (len(value) % 2)
    dataset[keyword] = pydicom.dataelem.RawDataElement(
        element.tag, element.VR, len(raw), raw, 0, False, True, True
    )
    dataset.save_as(path, enforce_file_format=True)
    assert load_series(folder).reason is not None
    assert not scan_folder(folder).series["accepted"].any()


@pytest.mark.parametrize("keyword", ["Rows", "Columns", "BitsAllocated", "SamplesPerPixel", "NumberOfFrames"])
@pytest.mark.parametrize("syntax", ["explicit", "jpegls"])
def test_inconsistent_lengths_always_end_in_a_code(keyword, syntax, originals, tmp_path):
    folder = shutil.copytree(originals / syntax, tmp_path / "series")
    for path in series_files(folder):
        dataset = pydicom.dcmread(path)
        setattr(dataset, keyword, 65535 if keyword in ("Rows", "Columns") else 3)
        dataset.save_as(path, enforce_file_format=True)
    assert load_series(folder).reason is not None

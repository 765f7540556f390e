"""Damaged bytes end in a reason code, or in exactly the volume that another decoder reads from them."""

import shutil

import pydicom
import pytest

from calcohort.dicom import load_series, scan_folder
from calcohort.simulate.dicom_variants import series_files
from tests.unit.dicom.mutation import run_mutations, write_originals

FAST, SLOW = range(42), range(42, 300)
# An end slice of another modality, without a place; a big-endian file that does not name its transfer syntax.
FOUND_BY_THE_BENCH = (1_001_161, 1_001_748)


@pytest.fixture(scope="session")
def originals(volume, tmp_path_factory):
    return write_originals(volume, tmp_path_factory.mktemp("originals"))


def test_mutations(originals, tmp_path):
    assert [o for o in run_mutations(originals, tmp_path, FAST) if o.fault] == []


def test_what_the_bench_found_stays_mended(originals, tmp_path):
    assert [o for o in run_mutations(originals, tmp_path, FOUND_BY_THE_BENCH) if o.fault] == []


@pytest.mark.slow
def test_more_mutations(originals, tmp_path):
    assert [o for o in run_mutations(originals, tmp_path, SLOW) if o.fault] == []


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

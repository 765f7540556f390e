"""What is read the quick way is what pydicom reads."""

import numpy as np
import pydicom
import pytest
from pydicom.datadict import tag_for_keyword

from calcohort.dicom.header import DOUBLE_KEYWORDS, FACT_KEYWORDS
from calcohort.dicom.plain import read_plain
from calcohort.simulate.dicom_variants import as_syntax, edit, series_files

KEYWORDS = (*FACT_KEYWORDS, *DOUBLE_KEYWORDS, "PatientID", "Rows", "ImagePositionPatient", "RescaleSlope")
WANTED = [tag_for_keyword(keyword) for keyword in KEYWORDS]


def _raw(dataset):
    return {int(tag): (element.VR, element.value or b"") for tag, element in dataset.items()}


def _by_pydicom(path):
    with open(path, "rb") as handle:
        dataset = pydicom.dcmread(handle, stop_before_pixels=True, force=True, specific_tags=WANTED)
        return _raw(dataset), dataset.file_meta.TransferSyntaxUID, dataset.original_encoding, handle.tell()


def _quickly(path):
    with open(path, "rb") as handle:
        dataset = read_plain(handle, WANTED)
        if dataset is None:
            assert handle.tell() == 0
            return None
        return _raw(dataset), dataset.file_meta.TransferSyntaxUID, dataset.original_encoding, handle.tell()


@pytest.mark.parametrize("syntax", ["explicit", "implicit", "jpegls", "rle"])
def test_the_same_elements_as_pydicom(folder, syntax):
    path = series_files(folder)[3]
    as_syntax(path, syntax)
    assert _quickly(path) == _by_pydicom(path)


@pytest.mark.parametrize("syntax", ["deflated", "big_endian"])
def test_other_encodings_are_left_to_pydicom(folder, syntax):
    path = series_files(folder)[3]
    as_syntax(path, syntax)
    assert _quickly(path) is None


def test_a_sequence_of_undefined_length_is_left_to_pydicom(folder):
    path = series_files(folder)[3]

    def change(dataset):
        dataset["CTDIPhantomTypeCodeSequence"].is_undefined_length = True

    edit(path, change)
    assert _quickly(path) is None


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize("syntax", ["explicit", "implicit"])
def test_damaged_headers_read_as_by_pydicom_or_not_at_all(folder, syntax):
    path = series_files(folder)[3]
    as_syntax(path, syntax)
    original = path.read_bytes()
    rng = np.random.default_rng(5)
    quick = 0
    for _ in range(400):
        content = bytearray(original)
        for _ in range(int(rng.integers(1, 4))):
            content[int(rng.integers(128, 1600))] = int(rng.integers(256))
        path.write_bytes(content)
        found = _quickly(path)
        if found is not None:
            quick += 1
            assert found == _by_pydicom(path)
    assert 20 < quick < 380

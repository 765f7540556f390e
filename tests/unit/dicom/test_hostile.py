"""Files made to exhaust a reader: they end in a code, in seconds and within some hundred megabytes."""

import gzip
import os
import struct
import time
import zlib

import numpy as np
import pydicom
import pytest
from pydicom import uid
from pydicom.encaps import encapsulate

from calcohort.dicom import load_series, load_volume_file, save_volume, scan_folder
from calcohort.dicom.bounded import LARGEST_INFLATED_BYTES
from calcohort.dicom.codestream import read_stream
from calcohort.dicom.reasons import Rejected
from calcohort.simulate.dicom_variants import as_syntax, edit, series_files
from calcohort.volume import Volume
from tests.unit.dicom.mutation import _forget_peak, _memory

CT = "1.2.840.10008.5.1.4.1.1.2"


@pytest.fixture
def within_limits():
    _forget_peak()
    before, started = _memory("VmHWM"), time.process_time()
    yield
    assert time.process_time() - started < 10
    assert _memory("VmHWM") - before < 2**30


def _insert(path, element: bytes) -> None:
    """Put bytes in front of the rescale intercept (0028,1052)."""
    content = path.read_bytes()
    at = content.index(b"\x28\x00\x52\x10DS")
    path.write_bytes(content[:at] + element + content[at:])


def _plain(folder):
    path = series_files(folder)[-1]
    as_syntax(path, "explicit")
    return path


@pytest.mark.slow
def test_deflated_bomb(folder, within_limits):
    path = series_files(folder)[-1]
    as_syntax(path, "deflated")
    content = path.read_bytes()
    start = 144 + struct.unpack("<L", content[140:144])[0]
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    zeros = bytes(2**24)
    packed = b"".join(packer.compress(zeros) for _ in range(2 * LARGEST_INFLATED_BYTES // len(zeros)))
    path.write_bytes(content[:start] + packed + packer.flush())
    assert load_series(folder).reason == "malformed"


@pytest.mark.slow
@pytest.mark.parametrize("items", [b"\xfe\xff\x00\xe0\x00\x00\x00\x00", b"\xfe\xff\x00\xe0\xff\xff\xff\xff"])
def test_a_million_items_and_a_nest_without_end(items, folder, within_limits):
    _insert(_plain(folder), b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff" + items * 500_000)
    assert load_series(folder).reason is not None


def test_deep_sequences(folder, within_limits):
    nest = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    _insert(_plain(folder), nest * 20_000)
    assert load_series(folder).reason is not None


def test_value_of_four_gigabytes(folder, within_limits):
    _insert(_plain(folder), b"\x28\x00\x00\x10UT\0\0\xf0\xff\xff\xff")
    assert load_series(folder).reason is not None


@pytest.mark.parametrize("syntax", ["explicit", "jpegls", "rle", "jpeg2000"])
def test_huge_matrix(syntax, folder, within_limits):
    for path in series_files(folder):
        as_syntax(path, syntax)
        edit(path, lambda d: (setattr(d, "Rows", 65535), setattr(d, "Columns", 65535)))
    assert load_series(folder).reason == "unsupported_pixels"


def test_more_voxels_than_memory(folder, within_limits):
    """1000 frames that compress to nothing: their volume would take 32 gigabytes."""
    for path in series_files(folder)[1:]:
        path.unlink()
    path = series_files(folder)[0]

    def bomb(dataset):
        groups = [pydicom.Dataset() for _ in range(1000)]
        shared = pydicom.Dataset()
        for name, keywords in (
            ("PixelMeasuresSequence", ("PixelSpacing", "SliceThickness")),
            ("PlaneOrientationSequence", ("ImageOrientationPatient",)),
            ("PixelValueTransformationSequence", ("RescaleSlope", "RescaleIntercept")),
        ):
            item = pydicom.Dataset()
            for keyword in keywords:
                setattr(item, keyword, dataset[keyword].value)
            setattr(shared, name, [item])
        for z, group in enumerate(groups):
            place = pydicom.Dataset()
            place.ImagePositionPatient = [0, 0, z]
            group.PlanePositionSequence = [place]
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = uid.EnhancedCTImageStorage
        dataset.file_meta.TransferSyntaxUID = uid.RLELossless
        dataset.NumberOfFrames, dataset.Rows, dataset.Columns = 1000, 4096, 4096
        dataset.SharedFunctionalGroupsSequence = [shared]
        dataset.PerFrameFunctionalGroupsSequence = groups
        dataset.PixelData = encapsulate([bytes(64)] * 1000)

    edit(path, bomb)
    assert load_series(folder).reason == "too_large"


def test_tiny_tiles_are_not_given_to_a_decoder():
    size = struct.pack(">HHH8L", 0xFF51, 41, 0, 4096, 4096, 0, 0, 1, 1, 0, 0)
    size += struct.pack(">H3B", 1, 15, 1, 1)
    with pytest.raises(Rejected):
        read_stream(b"\xff\x4f" + size + b"\xff\x90\0\0", uid.JPEG2000Lossless)


def test_directories_of_media(folder, volume):
    media = pydicom.Dataset()
    media.FileSetID = "DISC"
    media.DirectoryRecordSequence = [pydicom.Dataset() for _ in range(50)]
    media.file_meta = pydicom.dataset.FileMetaDataset()
    media.file_meta.MediaStorageSOPClassUID = uid.MediaStorageDirectoryStorage
    media.file_meta.MediaStorageSOPInstanceUID = "2.25.1"
    media.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    media.save_as(folder / "DICOMDIR", enforce_file_format=True)
    index = scan_folder(folder)
    assert index.series["accepted"].all() and index.series["warnings"].iloc[0] == ""
    assert list(index.files["reason"].dropna()) == ["not_dicom"]


def test_pipes_and_ring_of_links_do_not_hang(folder):
    os.mkfifo(folder / "pipe.dcm")
    (folder / "up").symlink_to(folder.parent, target_is_directory=True)
    (folder / "a").symlink_to(folder / "b")
    (folder / "b").symlink_to(folder / "a")
    index = scan_folder(folder)
    assert index.series["accepted"].all() and len(index.series) == 1
    assert set(index.files["reason"].dropna()) == {"not_dicom"}


def test_deep_folders(folder, volume):
    place = folder
    for _ in range(300):
        place = place / "deep"
    place.mkdir(parents=True)
    path = series_files(folder)[0]
    path.rename(place / path.name)
    np.testing.assert_array_equal(load_series(scan_folder(folder).paths(_only(folder))).volume.hu, volume.hu)


def _only(folder) -> str:
    return scan_folder(folder).series["series"].iloc[0]


def _nifti(volume, tmp_path, change=lambda head: None, name="scan.nii"):
    save_volume(volume, tmp_path / "whole.nii")
    content = bytearray((tmp_path / "whole.nii").read_bytes())
    change(content)
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


NIFTI = {
    "half": (lambda c: c.__delitem__(slice(len(c) // 2, None)), "truncated"),
    "longer": (lambda c: c.extend(bytes(100)), "pixel_length"),
    "no_form": (lambda c: c.__setitem__(slice(252, 256), bytes(4)), "no_geometry"),
    "other_size": (lambda c: c.__setitem__(slice(80, 84), struct.pack("<f", 9)), "no_geometry"),
    "nan_form": (lambda c: c.__setitem__(slice(280, 284), struct.pack("<f", np.nan)), "no_geometry"),
    "negative_scale": (lambda c: c.__setitem__(slice(112, 116), struct.pack("<f", -1)), "implausible_hu"),
    "offset_alone": (lambda c: c.__setitem__(slice(112, 120), struct.pack("<2f", 0, 100)), "no_rescale"),
    "nan_quaternion": (lambda c: c.__setitem__(slice(256, 260), struct.pack("<f", np.nan)), "no_geometry"),
    "analyze": (lambda c: c.__setitem__(slice(344, 348), b"ni1\0"), "malformed"),
    "bomb": (lambda c: c.__setitem__(slice(42, 48), struct.pack("<3h", 32000, 32000, 32000)), "truncated"),
}


@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize("name", NIFTI)
def test_nifti_that_itk_would_take(name, packed, volume, tmp_path, within_limits):
    change, reason = NIFTI[name]
    assert load_volume_file(_nifti(volume, tmp_path, change, "scan.nii" + packed)).reason == reason


def test_damaged_gzip(volume, tmp_path):
    path = _nifti(volume, tmp_path, name="scan.nii.gz")
    assert load_volume_file(path).reason is None
    content = bytearray(path.read_bytes())
    content[-6] ^= 1
    path.write_bytes(content)
    assert load_volume_file(path).reason == "malformed"
    path.write_bytes(content[:-200])
    assert load_volume_file(path).reason == "truncated"


@pytest.mark.parametrize(
    ("ending", "line", "other", "reason"),
    [
        ("nrrd", b"space: left-posterior-superior", b"space: scanner-xyz", "no_geometry"),
        ("nrrd", b"space: left-posterior-superior", b'space: LPS\nspace units: "m" "m" "m"', "no_geometry"),
        ("nrrd", b"sizes: 40", b"sizes: 4", "pixel_length"),
        ("nrrd", b"sizes: 40", b"sizes: 41", "truncated"),
        ("nrrd", b"sizes: 40", b"sizes: 4\x9f", "malformed"),
        ("mha", b"DimSize = 40", b"DimSize = 39", "pixel_length"),
        ("mha", b"TransformMatrix", b"TransformNothing", "no_geometry"),
        ("mha", b"CompressedDataSize = ", b"CompressedDataSize = 1", "malformed"),
        ("mha", b"ElementType", b"ElementNumberOfChannels = 3\nElementType", "not_3d"),
        ("mha", b"ElementSpacing", b"ElementNothing", "no_geometry"),
        ("mha", b"ElementDataFile = LOCAL", b"ElementDataFile = pipe", "malformed"),
        ("nrrd", b"encoding: gzip", b"encoding: gzip\ndata file: pipe", "malformed"),
    ],
)
def test_text_headers(ending, line, other, reason, volume, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    path = tmp_path / f"scan.{ending}"
    save_volume(volume, path)
    content = path.read_bytes()
    assert line in content
    path.write_bytes(content.replace(line, other, 1))
    assert load_volume_file(path).reason == reason


def test_line_ends_of_windows(volume, tmp_path):
    path = tmp_path / "scan.nrrd"
    save_volume(volume, path)
    head, _, data = path.read_bytes().partition(b"\n\n")
    path.write_bytes(head.replace(b"\n", b"\r\n") + b"\r\n\r\n" + data)
    np.testing.assert_array_equal(load_volume_file(path).volume.hu, volume.hu)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nifti_with_what_is_no_number(value, volume, tmp_path):
    hu = volume.hu.astype(np.float32)
    hu[3, 4, 5] = value
    save_volume(Volume(hu, volume.spacing_xyz_mm), tmp_path / "scan.nii.gz")
    assert load_volume_file(tmp_path / "scan.nii.gz").reason == "implausible_hu"


def test_values_of_the_other_sign(volume, tmp_path):
    # Mostly air, as a chest is.
    hu = volume.hu.copy()
    hu[:, :, :20] = -1000
    save_volume(Volume((-hu).astype(np.int16), volume.spacing_xyz_mm), tmp_path / "scan.nrrd")
    assert load_volume_file(tmp_path / "scan.nrrd").reason == "implausible_hu"

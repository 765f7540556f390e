"""Every lossless encoding, sign and depth gives the same Hounsfield units as another decoder."""

import os
import struct
from pathlib import Path

import gdcm
import imagecodecs
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from calcohort.dicom import load_series, scan_folder
from calcohort.simulate.dicom_faults import plant_fault
from calcohort.simulate.dicom_variants import as_syntax, edit, series_files

SYNTAXES = ("explicit", "jpegls", "rle", "jpeg2000", "deflated", "big_endian")
# Variants whose files an independent reader understands as well.
INDEPENDENT = ("signed", "half_slope", "rescale_per_slice", "prone", "feet_first", "thick_overlapping")


_SIGNED = {"PixelRepresentation": 1, "BitsStored": 16, "HighBit": 15, "RescaleIntercept": 0}


def read_with_sitk(folder: Path) -> sitk.Image:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return sitk.DICOMOrient(reader.Execute(), "LPS")


@pytest.mark.parametrize("variant", INDEPENDENT)
def test_same_voxels_and_grid_as_simpleitk(variant, folder):
    plant_fault(folder, variant, seed=1)
    loaded, image = load_series(folder), read_with_sitk(folder)
    np.testing.assert_array_equal(loaded.volume.hu, sitk.GetArrayFromImage(image))
    np.testing.assert_allclose(loaded.volume.spacing_xyz_mm, image.GetSpacing(), rtol=1e-5)
    np.testing.assert_allclose(loaded.volume.origin_lps_mm, image.GetOrigin(), atol=1e-3)


@pytest.mark.parametrize("representation", ["unsigned", "signed"])
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_syntax_and_sign(syntax, representation, folder, volume):
    if representation == "signed":
        plant_fault(folder, "signed", seed=1)
    for path in series_files(folder):
        as_syntax(path, syntax)
    loaded = load_series(folder)
    assert loaded.reason is None
    np.testing.assert_array_equal(loaded.volume.hu, volume.hu)


@pytest.mark.parametrize("representation", ["unsigned", "signed"])
@pytest.mark.parametrize("syntax", ["JPEGLosslessProcess14_1", "JPEGLosslessProcess14", "JPEG2000Lossless"])
def test_written_by_gdcm(syntax, representation, folder, volume):
    if representation == "signed":
        plant_fault(folder, "signed", seed=1)
    for path in series_files(folder):
        _gdcm_transcode(path, getattr(gdcm.TransferSyntax, syntax))
    loaded = load_series(folder)
    assert loaded.reason is None
    np.testing.assert_array_equal(loaded.volume.hu, volume.hu)


def _gdcm_transcode(path: Path, syntax: int) -> None:
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("bits", [12, 16])
def test_jpeg_lossless_of_any_predictor(bits, predictor, folder, volume):
    _encode(
        folder,
        pydicom.uid.JPEGLossless,
        lambda stored: imagecodecs.jpeg8_encode(
            stored, lossless=True, predictor=predictor, bitspersample=bits
        ),
    )
    np.testing.assert_array_equal(load_series(folder).volume.hu, volume.hu)


def test_signed_jpeg_2000_of_fewer_bits_than_the_header_says(folder, volume):
    def encode(stored):
        signed = stored.astype(np.int16) - 1024
        return imagecodecs.jpeg2k_encode(
            signed, level=0, codecformat="j2k", reversible=True, bitspersample=13
        )

    _encode(folder, pydicom.uid.JPEG2000Lossless, encode)
    for path in series_files(folder):
        edit(path, lambda d: [setattr(d, k, v) for k, v in _SIGNED.items()])
    np.testing.assert_array_equal(load_series(folder).volume.hu, volume.hu)


def test_high_throughput_jpeg_2000(folder, volume):
    _encode(folder, pydicom.uid.HTJ2KLossless, imagecodecs.htj2k_encode)
    np.testing.assert_array_equal(load_series(folder).volume.hu, volume.hu)


def test_twelve_bits_with_loss_can_be_allowed(folder, volume):
    def encode(stored):
        return imagecodecs.jpeg8_encode(stored, level=95, bitspersample=12)

    _encode(folder, pydicom.uid.JPEGExtended12Bit, encode)
    assert load_series(folder).reason == "lossy"
    hu = load_series(folder, allow_lossy=True).volume.hu.astype(int)
    assert 0 < np.abs(hu - volume.hu).mean() < 20


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_damaged_bit_of_jpeg_lossless_is_refused(share, folder):
    def encode(stored):
        frame = bytearray(imagecodecs.jpeg8_encode(stored, lossless=True, predictor=1, bitspersample=12))
        frame[int(share * len(frame))] ^= 4
        return bytes(frame)

    _encode(folder, pydicom.uid.JPEGLosslessSV1, encode)
    assert load_series(folder).reason == "undecodable"


@pytest.mark.parametrize(("rows_between_restarts", "shift"), [(0, 0), (1, 0), (7, 0), (0, 1)])
def test_jpeg_lossless_with_restarts_or_shifted(rows_between_restarts, shift, folder, volume):
    def encode(stored):
        return lossless_jpeg(stored >> shift, rows_between_restarts, shift)

    _encode(folder, pydicom.uid.JPEGLossless, encode)
    np.testing.assert_array_equal(load_series(folder).volume.hu, volume.hu >> shift << shift)


def lossless_jpeg(values: np.ndarray, rows_between_restarts: int, shift: int) -> bytes:
    """JPEG Lossless of 12 bits with the first predictor (ISO 10918-1, annex H), by its plainest code."""
    rows, columns = values.shape
    # Every length of a difference, 0 to 15, has a code of five bits.
    codes = bytes([0, *[16 * (bits == 5) for bits in range(1, 17)], *range(16)])
    stream = b"\xff\xd8\xff\xc3" + struct.pack(">HBHHB3B", 11, 12, rows, columns, 1, 1, 0x11, 0)
    stream += b"\xff\xc4" + struct.pack(">H", 2 + len(codes)) + codes
    if rows_between_restarts:
        stream += b"\xff\xdd" + struct.pack(">HH", 4, rows_between_restarts * columns)
    stream += b"\xff\xda" + struct.pack(">HB2B3B", 8, 1, 1, 0, 1, 0, shift)
    step = rows_between_restarts or rows
    for number, top in enumerate(range(0, rows, step)):
        block = values[top : top + step].astype(int)
        before = np.roll(block, 1, axis=1)
        before[1:, 0], before[0, 0] = block[:-1, 0], 1 << (11 - shift)
        text = "".join(map(_code, (block - before).ravel()))
        text += "1" * (-len(text) % 8)
        packed = int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0")
        stream += (bytes([0xFF, 0xD0 + (number - 1) % 8]) if number else b"") + packed
    return stream + b"\xff\xd9"


def _code(difference: int) -> str:
    length = int(abs(difference)).bit_length()
    low = difference if difference > 0 else difference + (1 << length) - 1
    return format(length, "05b") + (format(low, f"0{length}b") if length else "")


def _encode(folder: Path, syntax: str, encode) -> None:
    """Write each slice with the frame that `encode` makes of its stored values."""
    for path in series_files(folder):
        dataset = pydicom.dcmread(path)
        frame = encode(np.ascontiguousarray(dataset.pixel_array.astype(np.uint16)))
        dataset.PixelData = pydicom.encaps.encapsulate([frame])
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.save_as(path, enforce_file_format=True)


def test_stream_of_another_size_is_refused(folder):
    """Twice the rows and half the columns: the bytes would fit, the picture would be scrambled."""
    for path in series_files(folder):
        edit(path, lambda dataset: (setattr(dataset, "Rows", 96), setattr(dataset, "Columns", 20)))
    assert load_series(folder).reason == "undecodable"


def test_stream_without_its_end_is_truncated(folder):
    path = series_files(folder)[4]
    dataset = pydicom.dcmread(path)
    frame = next(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=1))
    dataset.PixelData = pydicom.encaps.encapsulate([frame[: len(frame) * 2 // 3]])
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path, enforce_file_format=True)
    assert load_series(folder).reason == "truncated"


@pytest.mark.parametrize("filling", [b"\0", bytes(2), bytes(7), bytes(64)])
def test_run_length_segments_filled_up_with_zeros(filling, folder, volume):
    _edit_run_length(folder, lambda segments: [segment + filling for segment in segments])
    np.testing.assert_array_equal(load_series(folder).volume.hu, volume.hu)


def _a_pixel_more(segments):
    return [segments[0], segments[1] + b"\0\x07"]


def _a_zero_more_at_the_start(segments):
    return [b"\0\0" + segments[0], segments[1]]


def _a_pixel_less(segments):
    """1,919 of the slice's 1,920 pixels, in runs of two and one of one."""
    return [b"\xff\0" * 959 + b"\0\0", segments[1]]


def _cut_within_a_run(segments):
    return [segments[0], segments[1][:-3] + b"\x7f"]


def _a_segment_less(segments):
    return segments[:1]


def _a_segment_more(segments):
    return [*segments, segments[0]]


@pytest.mark.parametrize(
    "damage",
    [
        _a_pixel_more,
        _a_zero_more_at_the_start,
        _a_pixel_less,
        _cut_within_a_run,
        _a_segment_less,
        _a_segment_more,
    ],
)
def test_run_length_frame_of_another_length_is_refused(damage, folder):
    _edit_run_length(folder, damage)
    assert load_series(folder).reason == "undecodable"


def _edit_run_length(folder: Path, edited) -> None:
    """Replace the segments of one slice by what `edited` makes of them."""
    for path in series_files(folder):
        as_syntax(path, "rle")
    path = series_files(folder)[4]
    dataset = pydicom.dcmread(path)
    frame = next(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=1))
    first, second = struct.unpack_from("<2L", frame, 4)
    segments = edited([frame[first:second], frame[second:]])
    starts = 64 + np.cumsum([0, *map(len, segments)])[:-1]
    header = struct.pack("<16L", len(segments), *starts, *[0] * (15 - len(segments)))
    dataset.PixelData = pydicom.encaps.encapsulate([header + b"".join(segments)])
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path, enforce_file_format=True)


def test_lossy_can_be_allowed(folder):
    plant_fault(folder, "lossy_syntax", seed=1)
    assert load_series(folder, allow_lossy=True).reason is None
    index = scan_folder(folder, allow_lossy=True)
    assert index.series["warnings"].iloc[0] == "lossy_allowed"


def test_half_hounsfield_units_are_kept(folder, volume):
    for path in series_files(folder):
        edit(path, lambda dataset: setattr(dataset, "RescaleSlope", 0.5))
    hu = load_series(folder).volume.hu
    assert hu.dtype == np.float32
    np.testing.assert_array_equal(hu, (volume.hu + 1024.0) / 2 - 1024)


@pytest.mark.slow
def test_real_series():
    """lung1-001: a Siemens Biograph chest CT in JPEG-LS, against SimpleITK."""
    root = Path(os.environ.get("CALCOHORT_REALDATA", "../shared/realdata")) / "lung1-001"
    if not root.is_dir():
        pytest.skip("the real scan lung1-001 is not here")
    index = scan_folder(root)
    row = index.series.iloc[0]
    assert (row["accepted"], row["n_slices"], row["kvp"], row["scanner"]) == (True, 134, 120, "Biograph 40")
    loaded, image = load_series(index.paths(row["series"])), read_with_sitk(root)
    assert loaded.volume.shape_zyx == (134, 512, 512)
    assert loaded.volume.spacing_xyz_mm == pytest.approx((0.9765625, 0.9765625, 3.0))
    assert loaded.volume.origin_lps_mm == pytest.approx(image.GetOrigin())
    np.testing.assert_array_equal(loaded.volume.hu, sitk.GetArrayFromImage(image))

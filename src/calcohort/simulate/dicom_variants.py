"""The same scan said differently: other encodings, signs, scales and positions that give the same volume."""

from collections.abc import Callable
from pathlib import Path

import jpeg_ls
import numpy as np
import pydicom
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate

from calcohort.simulate.dicom_writer import TRANSFER_SYNTAXES, make_uid, save, set_pixels

_SHARED_KEYWORDS = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness")


def series_files(folder: Path) -> list[Path]:
    """Files of the series below the folder, by name."""
    return sorted(path for path in Path(folder).rglob("*") if path.is_file() and not path.is_symlink())


def edit(path: Path, change: Callable[[Dataset], None]) -> None:
    """Change the data set of one file; its transfer syntax stays."""
    dataset = pydicom.dcmread(path)
    change(dataset)
    dataset.save_as(path, enforce_file_format=True)


def stored_values(dataset: Dataset) -> np.ndarray:
    """Stored values of one slice, writable."""
    return dataset.pixel_array.copy()


def syntax_name(dataset: Dataset) -> str:
    """Key of `TRANSFER_SYNTAXES` of a data set that was read."""
    return next(
        name for name, code in TRANSFER_SYNTAXES.items() if code == dataset.file_meta.TransferSyntaxUID
    )


def put_stored(dataset: Dataset, stored: np.ndarray) -> None:
    """Replace the pixels; the transfer syntax stays."""
    set_pixels(dataset, stored, syntax_name(dataset))


def as_syntax(
    path: Path, syntax: str, dataset: Dataset | None = None, stored: np.ndarray | None = None
) -> None:
    """Write one file in another transfer syntax; ``jpegls_near`` loses up to 2 stored units."""
    dataset = dataset or pydicom.dcmread(path)
    stored = stored_values(dataset) if stored is None else stored
    if syntax != "jpegls_near":
        set_pixels(dataset, stored, syntax)
        _save_as(dataset, path, syntax)
        return
    dataset.PixelData = encapsulate([bytes(jpeg_ls.encode_array(stored.astype(np.uint16), lossy_error=2))])
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = uid.JPEGLSNearLossless
    dataset.save_as(path, enforce_file_format=True)


def _save_as(dataset: Dataset, path: Path, syntax: str) -> None:
    # A data set that was read in one byte order is written in another only after all values were parsed.
    fresh = Dataset()
    for element in dataset:
        fresh.add(element)
    save(fresh, path, syntax)


def _each(change: Callable[[Dataset], None]) -> Callable:
    def vary(folder: Path, rng: np.random.Generator) -> None:
        for path in series_files(folder):
            edit(path, change)

    return vary


def rescale_per_slice(folder: Path, rng: np.random.Generator) -> None:
    """Another intercept in every slice, as PET/CT and some GE scanners write."""
    for number, path in enumerate(series_files(folder)):
        dataset = pydicom.dcmread(path)
        shift = 3 * (number % 5)
        dataset.RescaleIntercept = float(dataset.RescaleIntercept) - shift
        stored = stored_values(dataset) + np.uint16(shift)
        dataset.BitsStored, dataset.HighBit = 16, 15
        as_syntax(path, "explicit", dataset, stored)


def signed(folder: Path, rng: np.random.Generator) -> None:
    """Two's complement stored values with intercept 0."""
    for path in series_files(folder):
        dataset = pydicom.dcmread(path)
        stored = (stored_values(dataset).astype(np.int32) + int(dataset.RescaleIntercept)).astype(np.int16)
        dataset.PixelRepresentation, dataset.RescaleIntercept = 1, 0
        dataset.BitsStored, dataset.HighBit = 16, 15
        as_syntax(path, "explicit", dataset, stored)


def half_slope(folder: Path, rng: np.random.Generator) -> None:
    """Slope 0.5 over doubled stored values."""
    for path in series_files(folder):
        dataset = pydicom.dcmread(path)
        stored = stored_values(dataset) * np.uint16(2)
        dataset.RescaleSlope = 0.5
        dataset.BitsStored, dataset.HighBit = 16, 15
        as_syntax(path, "explicit", dataset, stored)


def overlay_bits(folder: Path, rng: np.random.Generator) -> None:
    """Retired overlays in the four bits above the high bit."""
    for path in series_files(folder):
        dataset = pydicom.dcmread(path)
        stored = stored_values(dataset)
        dataset.BitsStored, dataset.HighBit = 12, 11
        overlay = rng.integers(0, 16, stored.shape).astype(np.uint16) << np.uint16(12)
        as_syntax(path, "explicit", dataset, stored | overlay)


def as_bare_data_sets(folder: Path, rng: np.random.Generator) -> None:
    """No preamble and no file meta: implicit little-endian data sets as old archives keep them."""
    for path in series_files(folder):
        as_syntax(path, "implicit")
        dataset = pydicom.dcmread(path)
        dataset.save_as(path, enforce_file_format=False, implicit_vr=True, little_endian=True)
        content = path.read_bytes()
        start = content.index(b"\x08\x00\x08\x00")
        path.write_bytes(content[start:])


def without_meta(folder: Path, rng: np.random.Generator) -> None:
    """Preamble, but no file meta information."""
    for path in series_files(folder):
        as_syntax(path, "implicit")
        content = path.read_bytes()
        start = content.index(b"\x08\x00\x08\x00", 132)
        path.write_bytes(content[:132] + content[start:])


def _turn(dataset: Dataset, stored: np.ndarray, x_sign: int, y_sign: int, position: str) -> None:
    """Store the slice with flipped axes and say so in position and orientation."""
    x, y, z = (float(value) for value in dataset.ImagePositionPatient)
    between_rows, between_columns = (float(value) for value in dataset.PixelSpacing)
    if x_sign < 0:
        stored, x = stored[:, ::-1], x + between_columns * (stored.shape[1] - 1)
    if y_sign < 0:
        stored, y = stored[::-1], y + between_rows * (stored.shape[0] - 1)
    dataset.ImagePositionPatient = [f"{x:.6f}", f"{y:.6f}", f"{z:.6f}"]
    dataset.ImageOrientationPatient = [x_sign, 0, 0, 0, y_sign, 0]
    dataset.PatientPosition = position
    put_stored(dataset, np.ascontiguousarray(stored))


def prone(folder: Path, rng: np.random.Generator) -> None:
    """Head first prone: rows run to the right, columns to anterior."""
    _each(lambda dataset: _turn(dataset, stored_values(dataset), -1, -1, "HFP"))(folder, rng)


def feet_first(folder: Path, rng: np.random.Generator) -> None:
    """Feet first supine: rows run to the right; slices are numbered the other way round."""
    files = series_files(folder)

    def change(dataset: Dataset) -> None:
        _turn(dataset, stored_values(dataset), -1, 1, "FFS")
        dataset.InstanceNumber = len(files) + 1 - int(dataset.InstanceNumber)

    _each(change)(folder, rng)


def transposed(folder: Path, rng: np.random.Generator) -> None:
    """Rows stored as columns."""

    def change(dataset: Dataset) -> None:
        stored = np.ascontiguousarray(stored_values(dataset).T)
        dataset.Rows, dataset.Columns = stored.shape
        dataset.PixelSpacing = list(dataset.PixelSpacing)[::-1]
        dataset.ImageOrientationPatient = [0, 1, 0, 1, 0, 0]
        put_stored(dataset, stored)

    _each(change)(folder, rng)


def as_enhanced(folder: Path, rng: np.random.Generator) -> None:
    """One Enhanced CT file with functional groups instead of single-frame files."""
    files = series_files(folder)
    slices = [pydicom.dcmread(path) for path in files]
    order = rng.permutation(len(slices))
    whole = pydicom.dcmread(files[0])
    stored = np.stack([stored_values(slices[index]) for index in order])
    for keyword in (
        *_SHARED_KEYWORDS,
        "RescaleSlope",
        "RescaleIntercept",
        "RescaleType",
        "SliceLocation",
        "KVP",
        "CTDIvol",
    ):
        whole.pop(keyword, None)
    whole.SOPClassUID = uid.EnhancedCTImageStorage
    whole.SOPInstanceUID = make_uid("enhanced", whole.SOPInstanceUID)
    whole.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    whole.NumberOfFrames = len(slices)
    whole.SharedFunctionalGroupsSequence = [_shared_groups(slices[0])]
    whole.PerFrameFunctionalGroupsSequence = [_frame_groups(slices[index], index) for index in order]
    whole.PixelData = stored.astype("<u2").tobytes()
    whole["PixelData"].VR = "OW"
    whole["PixelData"].is_undefined_length = False
    for path in files:
        path.unlink()
    _save_as(whole, files[0].with_name("enhanced.dcm"), "explicit")


def as_enhanced_phases(*percents: float) -> Callable[[Path, np.random.Generator], None]:
    """An Enhanced CT file whose frames name phases of the heart cycle in turn."""

    def vary(folder: Path, rng: np.random.Generator) -> None:
        as_enhanced(folder, rng)
        (path,) = series_files(folder)
        whole = pydicom.dcmread(path)
        for number, groups in enumerate(whole.PerFrameFunctionalGroupsSequence):
            cardiac = Dataset()
            cardiac.NominalPercentageOfCardiacPhase = percents[number % len(percents)]
            groups.CardiacSynchronizationSequence = [cardiac]
        whole.save_as(path)

    return vary


def _shared_groups(single: Dataset) -> Dataset:
    groups = Dataset()
    groups.PixelMeasuresSequence = [_item(single, "PixelSpacing", "SliceThickness")]
    groups.PlaneOrientationSequence = [_item(single, "ImageOrientationPatient")]
    transform = _item(single, "RescaleSlope", "RescaleIntercept")
    transform.RescaleType = "HU"
    groups.PixelValueTransformationSequence = [transform]
    kind = Dataset()
    kind.FrameType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    groups.CTImageFrameTypeSequence = [kind]
    groups.CTXRayDetailsSequence = [_item(single, "KVP")]
    groups.CTExposureSequence = [_item(single, "CTDIvol")]
    return groups


def _frame_groups(single: Dataset, index: int) -> Dataset:
    groups = Dataset()
    groups.PlanePositionSequence = [_item(single, "ImagePositionPatient")]
    content = Dataset()
    content.StackID, content.InStackPositionNumber = "1", int(index) + 1
    content.FrameAcquisitionNumber = 1
    groups.FrameContentSequence = [content]
    return groups


def _item(source: Dataset, *keywords: str) -> Dataset:
    item = Dataset()
    for keyword in keywords:
        if keyword in source:
            setattr(item, keyword, source[keyword].value)
    return item

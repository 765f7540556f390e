"""Ways to spoil a series: each takes a folder of single-frame files and a random generator."""

import os
import shutil
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
from pydicom import uid
from pydicom.datadict import tag_for_keyword

from calcohort.simulate.dicom_variants import as_syntax, edit, put_stored, series_files, stored_values
from calcohort.simulate.dicom_writer import make_uid


def inner(folder: Path, rng: np.random.Generator) -> Path:
    """A slice that is neither the first nor the last two."""
    files = series_files(folder)
    return files[int(rng.integers(2, len(files) - 2))]


def one(change: Callable[[pydicom.Dataset], None]) -> Callable:
    def plant(folder: Path, rng: np.random.Generator) -> None:
        edit(inner(folder, rng), change)

    return plant


def every(change: Callable[[pydicom.Dataset], None]) -> Callable:
    def plant(folder: Path, rng: np.random.Generator) -> None:
        for path in series_files(folder):
            edit(path, change)

    return plant


def tag(**values) -> Callable[[pydicom.Dataset], None]:
    def change(dataset: pydicom.Dataset) -> None:
        for keyword, value in values.items():
            setattr(dataset, keyword, value)

    return change


def without(*keywords: str) -> Callable[[pydicom.Dataset], None]:
    def change(dataset: pydicom.Dataset) -> None:
        for keyword in keywords:
            delattr(dataset, keyword)

    return change


def move(*offset: float) -> Callable[[pydicom.Dataset], None]:
    def change(dataset: pydicom.Dataset) -> None:
        position = np.array(dataset.ImagePositionPatient, dtype=float) + offset
        dataset.ImagePositionPatient = [f"{value:.6f}" for value in position]

    return change


def missing_middle_slice(folder, rng):
    inner(folder, rng).unlink()


def missing_end_slices(folder, rng):
    for path in series_files(folder)[:2]:
        path.unlink()


def too_few_slices(folder, rng):
    for path in series_files(folder)[5:]:
        path.unlink()


def jitter(folder, rng):
    for path in series_files(folder):
        edit(path, move(*rng.uniform(-0.009, 0.009, 3)))


def orientation_noise(folder, rng):
    for path in series_files(folder):
        values = np.array([1, 0, 0, 0, 1, 0]) + rng.uniform(-1e-6, 1e-6, 6)
        edit(path, tag(ImageOrientationPatient=[f"{value:.9f}" for value in values]))


def copy(folder: Path, path: Path, change: Callable[[pydicom.Dataset], None] | None = None) -> Path:
    copy = folder / f"{path.stem}_again.dcm"
    shutil.copyfile(path, copy)
    if change is not None:
        edit(copy, change)
    return copy


def duplicate_file(folder, rng):
    copy(folder, inner(folder, rng))


def duplicate_recoded(folder, rng):
    as_syntax(copy(folder, inner(folder, rng)), "explicit")


def other_pixels(dataset: pydicom.Dataset) -> None:
    put_stored(dataset, stored_values(dataset) ^ 1)


def duplicate_uid_conflict(folder, rng):
    copy(folder, inner(folder, rng), other_pixels)


def duplicate_position(folder, rng):
    def change(dataset):
        other_pixels(dataset)
        new_instance(dataset, "again")

    copy(folder, inner(folder, rng), change)


def new_instance(dataset: pydicom.Dataset, *key: object) -> None:
    dataset.SOPInstanceUID = make_uid("instance", dataset.SOPInstanceUID, *key)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID


def second_acquisition(offset_mm: float, share: float = 1.0) -> Callable:
    def plant(folder, rng):
        files = series_files(folder)
        for path in files[: int(len(files) * share)]:

            def change(dataset):
                other_pixels(dataset)
                new_instance(dataset, "second")
                move(0, 0, offset_mm)(dataset)
                dataset.AcquisitionNumber += 1
                dataset.AcquisitionTime = "093000"

            copy(folder, path, change)

    return plant


def interleaved_by_time(folder, rng):
    for number, path in enumerate(series_files(folder)):
        edit(path, tag(AcquisitionTime="090000" if number % 2 else "091500"))


def step_and_shoot(folder, rng):
    for number, path in enumerate(series_files(folder)):
        block = number // 4
        edit(path, tag(AcquisitionNumber=block + 1, AcquisitionTime=f"0900{4 * block:02d}"))


def own_trigger_times(folder, rng):
    for number, path in enumerate(series_files(folder)):
        edit(path, tag(TriggerTime=650 + 3 * (number % 4)))


def numbered_steps(folder, rng):
    for number, path in enumerate(series_files(folder)):
        edit(path, tag(AcquisitionNumber=number // 4 + 1, AcquisitionTime="090000"))


def halves(folder, rng):
    files = series_files(folder)
    for path in files[len(files) // 2 :]:
        edit(path, lambda dataset: setattr(dataset, "AcquisitionNumber", dataset.AcquisitionNumber + 1))


def gantry_tilt(folder, rng):
    angle = np.deg2rad(rng.uniform(3, 20))
    direction = [1, 0, 0, 0, float(np.cos(angle)), float(-np.sin(angle))]
    every(tag(ImageOrientationPatient=[f"{value:.9f}" for value in direction]))(folder, rng)


def sheared_positions(folder, rng):
    step = np.tan(np.deg2rad(rng.uniform(1, 20)))
    first = None
    for path in series_files(folder):
        height = float(pydicom.dcmread(path, stop_before_pixels=True).ImagePositionPatient[2])
        first = height if first is None else first
        edit(path, move(0, step * (height - first), 0))


def coronal(folder, rng):
    for path in series_files(folder):

        def change(dataset):
            x, y, z = (float(value) for value in dataset.ImagePositionPatient)
            dataset.ImagePositionPatient = [x, z, y]
            dataset.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]

        edit(path, change)


def padding(value: int, declared: bool) -> Callable:
    """Stored `value` in the corners outside a circle, in signed images with an intercept of -1024."""

    def plant(folder, rng):
        for path in series_files(folder):
            dataset = pydicom.dcmread(path)
            stored = stored_values(dataset)
            rows, columns = np.indices(stored.shape)
            radius = stored.shape[0] / 2
            outside = np.hypot(rows - radius + 0.5, columns - radius + 0.5) > radius
            is_signed = value < 0
            stored = stored.astype(np.int16 if is_signed else np.uint16)
            stored[outside] = value
            dataset.BitsStored, dataset.HighBit = 16, 15
            dataset.PixelRepresentation = int(is_signed)
            as_syntax(path, "explicit", dataset, stored)
            if declared:
                edit(
                    path,
                    lambda d, v=value, s=is_signed: d.add_new("PixelPaddingValue", "SS" if s else "US", v),
                )

    return plant


def saturated_air(folder, rng):
    """Undeclared padding where the slice had air, its edge and its inside alike."""
    for path in series_files(folder):
        dataset = pydicom.dcmread(path)
        stored = stored_values(dataset).astype(np.uint16)
        stored[:2], stored[20:23, 4:9] = 65535, 65535
        dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 15, 0
        as_syntax(path, "explicit", dataset, stored)


def cut(share: float) -> Callable:
    def plant(folder, rng):
        path = inner(folder, rng)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])

    return plant


def cut_at(keyword: str, offset: int) -> Callable:
    """Keep the last slice up to some bytes behind the tag of an element."""

    def plant(folder, rng):
        path = series_files(folder)[-1]
        as_syntax(path, "explicit")
        element = tag_for_keyword(keyword)
        content = path.read_bytes()
        at = content.index(struct.pack("<HH", element >> 16, element & 0xFFFF))
        path.write_bytes(content[: at + offset])

    return plant


def cut_native(folder, rng):
    path = inner(folder, rng)
    as_syntax(path, "explicit")
    path.write_bytes(path.read_bytes()[:-1000])


def other_matrix(folder, rng):
    path = inner(folder, rng)
    dataset = pydicom.dcmread(path)
    stored = stored_values(dataset)[:-8, :-8]
    dataset.Rows, dataset.Columns = stored.shape
    as_syntax(path, "explicit", dataset, stored)


def wrong_rows(folder, rng):
    path = inner(folder, rng)
    as_syntax(path, "explicit")
    edit(path, lambda dataset: setattr(dataset, "Rows", dataset.Rows - 2))


def beside(name: str, change: Callable[[pydicom.Dataset], None]) -> Callable:
    """A further image in the same series that is no slice of it."""

    def plant(folder, rng):
        path = folder / name
        shutil.copyfile(inner(folder, rng), path)

        def changed(dataset):
            new_instance(dataset, name)
            change(dataset)
            dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID

        edit(path, changed)

    return plant


def localizer(dataset: pydicom.Dataset) -> None:
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]


def capture(dataset: pydicom.Dataset) -> None:
    dataset.SOPClassUID = uid.SecondaryCaptureImageStorage
    dataset.ImageType = ["DERIVED", "SECONDARY", "SCREEN SAVE"]
    del dataset.ImagePositionPatient, dataset.ImageOrientationPatient


def junk(folder, rng):
    slice_ = inner(folder, rng)
    with zipfile.ZipFile(folder / "scan.zip", "w") as archive:
        archive.write(slice_, slice_.name)
    with tarfile.open(folder / "scan.tar", "w") as archive:
        archive.add(slice_, slice_.name)
    header = pydicom.dcmread(slice_, stop_before_pixels=True)
    (folder / "header.json").write_text(header.to_json())
    (folder / "header.txt").write_text(str(header.file_meta) + str(header))
    (folder / "report.pdf").write_bytes(b"%PDF-1.4 " + rng.bytes(500))
    (folder / "empty.dcm").write_bytes(b"")
    (folder / "noise.dcm").write_bytes(rng.bytes(2000))
    (folder / "notes.txt").write_text("CT of the chest\n")
    (folder / "dangling.dcm").symlink_to(folder / "nowhere.dcm")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "preamble.dcm").write_bytes(b"\0" * 128 + b"DICM")


def several_folders(folder, rng):
    for number, path in enumerate(series_files(folder)):
        place = folder / f"part{number % 3}" / "deep"
        place.mkdir(parents=True, exist_ok=True)
        path.rename(place / path.name)


def scrambled_names(folder, rng):
    files = series_files(folder)
    for path, number in zip(files, rng.permutation(len(files)), strict=True):
        path.rename(folder / f"IM{number:05d}")


def take_turns(keyword: str, values: tuple) -> Callable:
    """Two scans in one series that nothing but one attribute tells apart."""

    def plant(folder, rng):
        for number, path in enumerate(series_files(folder)):
            edit(path, tag(**{keyword: values[number % 2]}))

    return plant


def numbered_twice(folder, rng):
    """Slices of two passes over the same range, told apart by nothing but their numbers."""
    files = series_files(folder)
    for number, path in enumerate(files):
        edit(path, tag(InstanceNumber=number // 2 + 1 + len(files) * (number % 2)))


def numbered_alike(folder, rng):
    """Slices of two passes over the same range that count them from one."""
    for number, path in enumerate(series_files(folder)):
        edit(path, tag(InstanceNumber=number // 2 + 1))


def long_pause(folder, rng):
    """The upper half was taken ten minutes later; no number tells."""
    files = series_files(folder)
    for number, path in enumerate(files):
        edit(path, tag(AcquisitionTime="091000" if number >= len(files) // 2 else "090000"))


def numbered_slices(folder, rng):
    """Each slice has an acquisition number of its own; several are taken in one rotation."""
    for number, path in enumerate(series_files(folder)):
        edit(path, tag(AcquisitionNumber=number + 1, AcquisitionTime=f"0900{number // 4:02d}"))


def every_second(folder, rng):
    for path in series_files(folder)[1::2]:
        path.unlink()


def swapped_bytes(folder, rng):
    """Sixteen-bit pixels in the wrong byte order under a header that says otherwise."""
    for path in series_files(folder):
        as_syntax(path, "explicit")

        def swap(dataset):
            dataset.BitsStored, dataset.HighBit = 16, 15
            dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").byteswap().tobytes()

        edit(path, swap)


def blank(folder, rng):
    for path in series_files(folder):
        edit(path, lambda dataset: put_stored(dataset, np.zeros_like(stored_values(dataset))))


def end_spoiled(at: int, count: int) -> Callable:
    """Zeros over some bytes of the last slice, whose loss no spacing shows."""

    def plant(folder, rng):
        path = series_files(folder)[-1]
        content = bytearray(path.read_bytes())
        content[at : at + count] = bytes(count)
        path.write_bytes(bytes(content))

    return plant


def end_dangling(folder, rng):
    path = series_files(folder)[-1]
    path.unlink()
    path.symlink_to(folder / "nowhere.dcm")


def end_called_localizer(folder, rng):
    edit(series_files(folder)[-1], tag(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]))


def end_of_another_class(folder, rng):
    edit(series_files(folder)[-1], tag(SOPClassUID="1.2.840.10008.5.8.4.1.1.2"))


def lossy_stream(folder, rng):
    """Near-lossless streams that call themselves lossless."""
    for path in series_files(folder):
        as_syntax(path, "jpegls_near")
        edit(path, lambda d: setattr(d.file_meta, "TransferSyntaxUID", uid.JPEGLSLossless))


def foreign_name(folder, rng):
    """A name in another encoding than that of the file system, as old discs have it."""
    path = series_files(folder)[0]
    os.rename(os.fsencode(path), os.fsencode(folder) + b"/\xe4\xf6.dcm")


def bright_declared_padding(folder, rng):
    """Padding 4095 of twelve bits, declared, in the corners: as bright as bone."""
    for path in series_files(folder):
        dataset = pydicom.dcmread(path)
        stored = stored_values(dataset)
        rows, columns = np.indices(stored.shape)
        radius = stored.shape[0] / 2
        stored[np.hypot(rows - radius + 0.5, columns - radius + 0.5) > radius] = 4095
        as_syntax(path, "explicit", dataset, stored)
        edit(path, lambda d: d.add_new("PixelPaddingValue", "US", 4095))

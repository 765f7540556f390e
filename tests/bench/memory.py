"""Peak memory of a worker: one large series converted, many small ones indexed, each in its own process."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom

from calcohort.simulate.dicom_writer import make_uid, write_series
from calcohort.volume import Volume
from tests.bench.measure import Options, Row, in_process

LARGE = ((1500, 512), (600, 1024))
MANY = (1_000, 10_000)
SLICES_OF_SMALL = 4
# Stands for the number of a series in the files of which all are copies.
_PLACE = "7777777777"
_CONVERT = """
from calcohort.dicom import load_series
def work(source, target):
    loaded = load_series(source, into=target)
    return loaded.reason or list(loaded.volume.shape_zyx)
"""
_INDEX = """
from calcohort.dicom import scan_folder
def work(source):
    index = scan_folder(source)
    return [len(index.series), len(index.files)]
"""
_IMPORT = """
import calcohort.dicom
def work():
    pass
"""


def large_series(options: Options) -> Iterator[Row]:
    """One series converted to a file, and what the imports alone take."""
    _, peak, _ = in_process(_IMPORT)
    yield Row("imports alone", peak, "MiB")
    for slices, size in LARGE:
        source = options.work / "large"
        _write_large(source, slices, size)
        target = options.work / "large.nrrd"
        elapsed, peak, shape = in_process(_CONVERT, source, target)
        name = f"convert {slices} x {size} x {size}"
        outcome = "" if shape == [slices, size, size] else f": {shape}"
        yield Row(name + outcome, peak, "MiB")
        yield Row(name, elapsed, "s")
        shutil.rmtree(source)
        target.unlink()


def many_series(options: Options) -> Iterator[Row]:
    """Thousands of small series indexed in one process."""
    source = options.work / "many"
    shutil.rmtree(source, ignore_errors=True)
    written = 0
    for count in MANY:
        _write_many(source, written, count)
        written = count
        elapsed, peak, found = in_process(_INDEX, source)
        if found != [count, count * SLICES_OF_SMALL]:
            raise RuntimeError(f"{found} of {count} series")
        yield Row(f"index {count:,} series of {SLICES_OF_SMALL} files", peak, "MiB")
        yield Row(f"index {count:,} series of {SLICES_OF_SMALL} files", elapsed, "s")
    shutil.rmtree(source)


def _write_large(folder: Path, slices: int, size: int) -> None:
    """A series of one slice's pixels at many places."""
    shutil.rmtree(folder, ignore_errors=True)
    ramp = np.add.outer(np.arange(size), np.arange(size)) % 2000 - 1000
    volume = Volume(ramp[None].astype(np.int16), (0.7, 0.7, 0.5))
    (path,) = write_series(
        volume,
        folder,
        patient_id="bench",
        study_date="2015-01-01",
        protocol="chest_ct",
        transfer_syntax="explicit",
    )
    dataset = pydicom.dcmread(path)
    path.unlink()
    for z in range(slices):
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = make_uid("bench", z)
        dataset.ImagePositionPatient = [0, 0, z * 0.5]
        dataset.InstanceNumber = z + 1
        dataset.save_as(folder / f"{z:04d}.dcm", enforce_file_format=True)


def _write_many(folder: Path, start: int, stop: int) -> None:
    """Small series, one folder each; every one has other identifiers, of the same length."""
    template = folder.with_name("template")
    series = f"1.2.826.0.1.{_PLACE}"
    volume = Volume(np.zeros((SLICES_OF_SMALL, 8, 8), np.int16), (1.0, 1.0, 3.0))
    facts = {"patient_id": _PLACE, "study_date": "2015-01-01", "protocol": "chest_ct"}
    paths = write_series(volume, template, series_uid=series, transfer_syntax="explicit", **facts)
    contents = [path.read_bytes() for path in paths]
    for number in range(start, stop):
        below = folder / f"{number // 100}" / f"{number}"
        below.mkdir(parents=True)
        for slice_number, content in enumerate(contents):
            own = content.replace(_PLACE.encode(), f"{number:09d}1".encode())
            (below / f"{slice_number}.dcm").write_bytes(own)
    shutil.rmtree(template)


MEASUREMENTS = [large_series, many_series]

"""DICOM Segmentation objects: binary, fractional or label map, the segments being named after vessels."""

from pathlib import Path

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.uid import SegmentationStorage

from calcohort.errors import InputError
from calcohort.scoring.annotations import OTHER, index_of, vessel_of, whole_index
from calcohort.volume import Volume

# A fractional segment is where its value reaches half of the whole.
FRACTION = 0.5
# Not yet among the names of pydicom.
_LABEL_MAP_STORAGE = "1.2.840.10008.5.1.4.1.1.66.7"
_TYPES = ("BINARY", "FRACTIONAL", "LABELMAP")


def read_dicom_seg(path: str | Path, volume: Volume) -> np.ndarray:
    """Map of vessels from the frames of a segmentation of the scan, in any order of frames and segments.

    Raises
    ------
    InputError
        If the file is no segmentation, cannot be decoded, names an unknown vessel, lies on another grid, or
        calls one voxel coronary and other calcium.
    """
    where = Path(path).name
    dataset = _read(path, where)
    vessel = {
        int(segment.SegmentNumber): vessel_of(str(segment.get("SegmentLabel", "")), where)
        for segment in dataset.SegmentSequence
        if not _is_background(segment)
    }
    try:
        frames = dataset.pixel_array.reshape(-1, dataset.Rows, dataset.Columns)
        groups = dataset.PerFrameFunctionalGroupsSequence
        shared = dataset.SharedFunctionalGroupsSequence[0]
        planes = [_plane(frame, shared) for frame in groups]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            "its frames cannot be read", where=where, cure="export the segmentation again"
        ) from error
    if len(planes) != len(frames):
        raise InputError("frames and their places differ in number", where=where, cure="export it again")
    vessels = np.zeros(volume.shape_zyx, dtype=np.uint8)
    for pixels, frame, plane in zip(frames, groups, planes, strict=True):
        for number, mask in _segments(pixels, frame, shared, dataset):
            row, column = np.nonzero(mask)
            if len(row) == 0 or number not in vessel:
                continue
            voxels = tuple(whole_index(index_of(plane(row, column), volume), volume, where).T)
            _claim(vessels, voxels, vessel[number], where)
    return vessels


def _read(path: str | Path, where: str) -> pydicom.Dataset:
    try:
        dataset = pydicom.dcmread(path)
    except (InvalidDicomError, OSError) as error:
        raise InputError("is no DICOM file", where=where, cure="give a DICOM SEG file") from error
    storage = (SegmentationStorage, _LABEL_MAP_STORAGE)
    if dataset.get("SOPClassUID") not in storage or dataset.get("SegmentationType") not in _TYPES:
        raise InputError("is no DICOM segmentation", where=where, cure="export it as DICOM SEG")
    return dataset


def _is_background(segment) -> bool:
    return int(segment.SegmentNumber) == 0


def _segments(pixels: np.ndarray, frame, shared, dataset):
    """Number and mask of each segment in one frame."""
    if dataset.SegmentationType == "LABELMAP":
        yield from ((int(number), pixels == number) for number in np.unique(pixels) if number)
        return
    reference = _group(frame, shared, "SegmentIdentificationSequence")
    least = FRACTION * int(dataset.get("MaximumFractionalValue", 255))
    mask = pixels >= least if dataset.SegmentationType == "FRACTIONAL" else pixels > 0
    yield int(reference.ReferencedSegmentNumber), mask


def _claim(vessels: np.ndarray, voxels: tuple, vessel: int, where: str) -> None:
    """Give voxels to a vessel; where coronary segments overlap, the smaller number stays."""
    held = vessels[voxels]
    if np.any((held > 0) & ((held == OTHER) != (vessel == OTHER))):
        what = "segments of coronary and of other calcium overlap"
        raise InputError(what, where=where, cure="give each voxel to one of them")
    vessels[voxels] = np.where(held > 0, np.minimum(held, vessel), vessel)


def _plane(frame, shared):
    """Function from rows and columns to patient coordinates (n, 3), DICOM PS3.3 C.7.6.2.1.1."""
    position = np.array(_group(frame, shared, "PlanePositionSequence").ImagePositionPatient, dtype=float)
    axes = np.array(_group(frame, shared, "PlaneOrientationSequence").ImageOrientationPatient, dtype=float)
    down_mm, across_mm = (float(s) for s in _group(frame, shared, "PixelMeasuresSequence").PixelSpacing)

    def points_lps_mm(row: np.ndarray, column: np.ndarray) -> np.ndarray:
        return position + np.outer(column * across_mm, axes[:3]) + np.outer(row * down_mm, axes[3:])

    return points_lps_mm


def _group(frame, shared, name: str):
    # Either group may hold it: the frame's own goes first.
    return (frame.get(name) or shared.get(name))[0]

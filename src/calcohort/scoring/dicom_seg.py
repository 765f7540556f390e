"""DICOM Segmentation objects (binary), the segments being named after vessels."""

from pathlib import Path

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.uid import SegmentationStorage

from calcohort.errors import InputError
from calcohort.scoring.annotations import index_of, vessel_of, whole_index
from calcohort.volume import Volume


def read_dicom_seg(path: str | Path, volume: Volume) -> np.ndarray:
    """Map of vessels from the frames of a binary segmentation of the scan.

    Raises
    ------
    InputError
        If the file is no binary segmentation, names an unknown vessel or lies on another grid.
    """
    where = Path(path).name
    try:
        dataset = pydicom.dcmread(path)
    except (InvalidDicomError, OSError) as error:
        raise InputError("is no DICOM file", where=where, cure="give a DICOM SEG file") from error
    if dataset.get("SOPClassUID") != SegmentationStorage or dataset.get("SegmentationType") != "BINARY":
        raise InputError("is no binary DICOM segmentation", where=where, cure="export it as binary SEG")
    vessel = {
        int(segment.SegmentNumber): vessel_of(segment.SegmentLabel, where)
        for segment in dataset.SegmentSequence
    }
    frames = dataset.pixel_array.reshape(-1, dataset.Rows, dataset.Columns)
    vessels = np.zeros(volume.shape_zyx, dtype=np.uint8)
    for pixels, groups in zip(frames, dataset.PerFrameFunctionalGroupsSequence, strict=True):
        row, column = np.nonzero(pixels)
        if len(row) == 0:
            continue
        number = int(groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        points = _points_lps_mm(row, column, groups, dataset.SharedFunctionalGroupsSequence[0])
        vessels[tuple(whole_index(index_of(points, volume), volume, where).T)] = vessel[number]
    return vessels


def _points_lps_mm(row: np.ndarray, column: np.ndarray, frame, shared) -> np.ndarray:
    """Patient coordinates (n, 3) of pixels, DICOM PS3.3 C.7.6.2.1.1."""
    position = np.array(_group(frame, shared, "PlanePositionSequence").ImagePositionPatient, dtype=float)
    axes = np.array(_group(frame, shared, "PlaneOrientationSequence").ImageOrientationPatient, dtype=float)
    down_mm, across_mm = (float(s) for s in _group(frame, shared, "PixelMeasuresSequence").PixelSpacing)
    return position + np.outer(column * across_mm, axes[:3]) + np.outer(row * down_mm, axes[3:])


def _group(frame, shared, name: str):
    # Either group may hold it: the frame's own goes first.
    return (frame.get(name) or shared.get(name))[0]

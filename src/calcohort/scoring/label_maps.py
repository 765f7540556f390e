"""Volumes and label maps as NIfTI, NRRD or MetaImage files."""

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from calcohort.errors import InputError
from calcohort.scoring.annotations import OTHER, index_of, whole_index
from calcohort.tables import whole_file
from calcohort.volume import Volume

SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")


def is_label_map(path: str | Path) -> bool:
    """Whether the name is of a file that :func:`read_label_map` reads."""
    return str(path).lower().endswith(SUFFIXES)


def read_label_map(path: str | Path, volume: Volume) -> np.ndarray:
    """Map of vessels from a file of the values 0-5, on the scan's grid or a part of it.

    Raises
    ------
    InputError
        If the file cannot be read, holds other values or lies on another grid.
    """
    where = Path(path).name
    try:
        image = sitk.DICOMOrient(sitk.ReadImage(str(path)), "LPS")
    except RuntimeError as error:
        raise InputError("cannot be read as a label map", where=where, cure="write it anew") from error
    values = sitk.GetArrayFromImage(image)
    if values.ndim != 3 or not np.isin(np.unique(values), np.arange(OTHER + 1)).all():
        raise InputError(
            f"holds values other than 0-{OTHER}",
            where=where,
            cure="use 1 LM, 2 LAD, 3 LCX, 4 RCA, 5 other calcification",
        )
    # First and last voxel in place fix offset, spacing and direction; a crop of the scan is welcome.
    last = [n - 1 for n in image.GetSize()]
    corners = [image.TransformIndexToPhysicalPoint(corner) for corner in ([0, 0, 0], last)]
    first, end = whole_index(index_of(np.array(corners), volume), volume, where)
    if tuple(end - first + 1) != values.shape:
        raise InputError("has another spacing than the scan", where=where, cure="annotate the scan itself")
    vessels = np.zeros(volume.shape_zyx, dtype=np.uint8)
    vessels[tuple(slice(a, b + 1) for a, b in zip(first, end, strict=True))] = values
    return vessels


def write_image(path: str | Path, voxels: np.ndarray, volume: Volume) -> None:
    """Write voxels (z, y, x) on the grid of `volume`, compressed, in the format of the file's name."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(voxels))
    image.SetSpacing(tuple(float(s) for s in volume.spacing_xyz_mm))
    image.SetOrigin(tuple(float(o) for o in volume.origin_lps_mm))
    # The writer knows .nii.gz by both of its suffixes, of which whole_file keeps the last.
    with whole_file(path) as beside:
        written = beside.with_name(f"{beside.name}.{Path(path).name}")
        sitk.WriteImage(image, str(written), True, 1)
        written.replace(beside)

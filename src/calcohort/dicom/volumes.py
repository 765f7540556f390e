"""Volumes in and out of NIfTI, NRRD and MetaImage, by SimpleITK; grids are turned to LPS, never resampled."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from calcohort.dicom.geometry import MINIMUM_EXTENT_MM
from calcohort.dicom.padding import AIR_HU, PADDING_HU
from calcohort.dicom.reasons import Rejected
from calcohort.dicom.series import LoadedSeries
from calcohort.tables import whole_file
from calcohort.volume import Volume

VOLUME_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
# Off-axis part of a direction that counts as rounding (0.1 degree).
_PARALLEL = 2e-3
# A chest always holds lung and air; label maps and windowed pictures do not reach below this.
_AIR_BELOW_HU = -300


def is_volume_file(path: str | Path) -> bool:
    """Whether the name is that of a NIfTI, NRRD or MetaImage file."""
    return str(path).lower().endswith(VOLUME_SUFFIXES)


def load_volume_file(path: str | Path, *, minimum_extent_mm: float = MINIMUM_EXTENT_MM) -> LoadedSeries:
    """Read a volume in Hounsfield units; its key is that of the file's content.

    Returns
    -------
    LoadedSeries
        Never raises for what is in the file: each failure is a reason code.
    """
    facts = {"series": _content_key(path)}
    try:
        image = sitk.ReadImage(str(path))
        volume, warnings = _hounsfield(from_sitk(image))
        if volume.shape_zyx[0] * volume.spacing_xyz_mm[2] < minimum_extent_mm:
            raise Rejected("too_few_slices")
    except Rejected as rejected:
        return LoadedSeries(None, rejected.code, (), facts)
    except (RuntimeError, OSError):
        return LoadedSeries(None, "malformed", (), facts)
    x, y, z = volume.spacing_xyz_mm
    facts |= {"n_files": 1, "n_slices": volume.shape_zyx[0], "rows": volume.shape_zyx[1]}
    facts |= {
        "columns": volume.shape_zyx[2],
        "pixel_spacing_x_mm": x,
        "pixel_spacing_y_mm": y,
        "increment_mm": z,
    }
    return LoadedSeries(volume, None, warnings, facts)


def _content_key(path: str | Path) -> str:
    try:
        with open(path, "rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()[:16]
    except OSError:
        return ""


def from_sitk(image: sitk.Image) -> Volume:
    """Volume on LPS axes from a SimpleITK image whose axes are the patient's, in any order and sense.

    Raises
    ------
    Rejected
        not_3d, oblique.
    """
    if image.GetDimension() == 4 and image.GetSize()[3] == 1:
        image = image[:, :, :, 0]
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1 or min(image.GetSize()) < 3:
        raise Rejected("not_3d")
    image = sitk.DICOMOrient(image, "LPS")
    direction = np.array(image.GetDirection()).reshape(3, 3)
    if np.abs(direction - np.eye(3)).max() > _PARALLEL:
        raise Rejected("oblique")
    return Volume(sitk.GetArrayFromImage(image), image.GetSpacing(), image.GetOrigin())


def _hounsfield(volume: Volume) -> tuple[Volume, tuple[str, ...]]:
    hu = volume.hu
    padding = ~np.isfinite(hu) if hu.dtype.kind == "f" else np.zeros(hu.shape, dtype=bool)
    padding |= hu <= PADDING_HU
    values = np.where(padding, AIR_HU, hu)
    if values.dtype.kind not in "iuf" or values.min() > _AIR_BELOW_HU:
        raise Rejected("not_hu")
    if values.max() > 65535:
        raise Rejected("implausible_hu")
    fits = values.max() <= np.iinfo(np.int16).max and np.array_equal(values, np.rint(values))
    values = values.astype(np.int16 if fits else np.float32)
    warnings = ("padding",) if padding.any() else ()
    return Volume(values, volume.spacing_xyz_mm, volume.origin_lps_mm), warnings


def to_sitk(volume: Volume) -> sitk.Image:
    """SimpleITK image with the volume's grid."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(volume.hu))
    image.SetSpacing([float(value) for value in volume.spacing_xyz_mm])
    image.SetOrigin([float(value) for value in volume.origin_lps_mm])
    return image


def save_volume(volume: Volume, path: str | Path) -> None:
    """Write NIfTI, NRRD or MetaImage by the suffix, compressed unless the name ends in ``.nii``."""
    with _beside(Path(path)) as beside:
        sitk.WriteImage(to_sitk(volume), str(beside), useCompression=not str(path).endswith(".nii"))


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A whole file whose unfinished copy keeps the double suffix ``.nii.gz``, by which ITK knows it."""
    with whole_file(path) as beside:
        ending = "".join(path.suffixes[-2:]) if path.name.lower().endswith(".nii.gz") else path.suffix
        named = beside.with_name(beside.name.removesuffix(path.suffix) + ending)
        yield named
        if named != beside:
            named.replace(beside)

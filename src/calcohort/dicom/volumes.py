"""Volumes in and out of NIfTI, NRRD and MetaImage, by SimpleITK; grids are turned to LPS, never resampled."""

import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from calcohort.dicom.frames import SPACINGS_MM
from calcohort.dicom.geometry import MINIMUM_EXTENT_MM
from calcohort.dicom.padding import AIR_HU, PADDING_HU
from calcohort.dicom.plausible import DENSE_HU, LARGEST_DENSE_SHARE, LARGEST_HU
from calcohort.dicom.reasons import Rejected
from calcohort.dicom.series import LARGEST_VOXELS, LoadedSeries, smallest
from calcohort.dicom.volume_headers import check_volume_header
from calcohort.tables import whole_file
from calcohort.volume import Volume

# ITK prints its warnings past Python, paths included; what is wrong with a file is told by its code.
sitk.ProcessObject.SetGlobalWarningDisplay(False)
# Off-axis part of a direction that counts as rounding (0.1 degree).
_PARALLEL = 2e-3
# A chest always holds lung and air; label maps and windowed pictures do not reach below this.
_AIR_BELOW_HU = -300
# Bone, contrast and metal fill a few percent, air and lung most of a scan; not so where the byte order or the
# sign of the values is wrong.
_BRIGHT_HU, _LARGEST_BRIGHT_SHARE, _SMALLEST_DARK_SHARE = 500, 0.3, 0.1


def load_volume_file(path: str | Path, *, minimum_extent_mm: float = MINIMUM_EXTENT_MM) -> LoadedSeries:
    """Read a volume in Hounsfield units; its key is that of the file's content.

    Returns
    -------
    LoadedSeries
        Never raises for what is in the file: each failure is a reason code.
    """
    facts = {"series": _content_key(path)}
    try:
        check_volume_header(path)
        volume, warnings = _hounsfield(from_sitk(_read(path)))
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


def _read(path: str | Path) -> sitk.Image:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    size = reader.GetSize()
    if reader.GetNumberOfComponents() != 1 or len(size) < 3 or np.prod(size[3:]) > 1:
        raise Rejected("not_3d")
    n_bytes = sitk.Image([1, 1], reader.GetPixelIDValue()).GetSizeOfPixelComponent()
    if math.prod(size) > LARGEST_VOXELS or math.prod(size) * n_bytes > 2 * LARGEST_VOXELS:
        raise Rejected("too_large")
    return reader.Execute()


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
        not_3d, oblique, no_geometry.
    """
    if image.GetDimension() == 4 and image.GetSize()[3] == 1:
        image = image[:, :, :, 0]
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1 or min(image.GetSize()) < 3:
        raise Rejected("not_3d")
    if not all(SPACINGS_MM[0] <= spacing <= SPACINGS_MM[1] for spacing in image.GetSpacing()):
        raise Rejected("no_geometry")
    image = sitk.DICOMOrient(image, "LPS")
    direction = np.array(image.GetDirection()).reshape(3, 3)
    if np.abs(direction - np.eye(3)).max() > _PARALLEL:
        raise Rejected("oblique")
    return Volume(sitk.GetArrayFromImage(image), image.GetSpacing(), image.GetOrigin())


def _hounsfield(volume: Volume) -> tuple[Volume, tuple[str, ...]]:
    """The same volume as int16 or float32, its padding and holes turned to air."""
    kind = volume.hu.dtype.kind
    if kind not in "iuf":
        raise Rejected("not_hu")
    hu = np.empty(volume.shape_zyx, dtype=np.float32 if kind == "f" else np.int16)
    lowest, highest, padded, n_bright, n_dense, n_dark = np.inf, -np.inf, False, 0, 0, 0
    for z, values in enumerate(volume.hu):
        padding = (values <= PADDING_HU) | np.isnan(values)
        values = np.where(padding, AIR_HU, values)
        lowest, highest = min(lowest, values.min()), max(highest, values.max())
        if highest > LARGEST_HU:
            raise Rejected("implausible_hu")
        hu[z] = values
        padded = padded or bool(padding.any())
        n_bright += np.count_nonzero(values > _BRIGHT_HU)
        n_dense += np.count_nonzero(values > DENSE_HU)
        n_dark += np.count_nonzero(values < _AIR_BELOW_HU)
    if lowest > _AIR_BELOW_HU or highest < _AIR_BELOW_HU:
        raise Rejected("not_hu")
    no_air = n_bright > _LARGEST_BRIGHT_SHARE * hu.size and n_dark < _SMALLEST_DARK_SHARE * hu.size
    if no_air or n_dense > LARGEST_DENSE_SHARE * hu.size:
        raise Rejected("implausible_hu")
    return Volume(smallest(hu), volume.spacing_xyz_mm, volume.origin_lps_mm), ("padding",) if padded else ()


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

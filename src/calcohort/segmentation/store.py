"""The heart's part of a scan with its labels, in one file: all that scoring and pictures need."""

import hmac
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calcohort.errors import InputError
from calcohort.segmentation.packing import pack, unpack
from calcohort.tables import whole_file
from calcohort.volume import Volume


def pixel_hash(volume: Volume, key: bytes = b"") -> str:
    """Hash of a scan's voxels alone: the same whatever its names, dates and headers became.

    With `key` (the site key) it is an HMAC, which tells nothing to whoever has the scan but not the key.
    """
    shape = np.array(volume.hu.shape, dtype="<i8").tobytes()
    return hmac.digest(key, shape + volume.hu.astype("<i2").tobytes(), "sha256").hex()[:16]


@dataclass(frozen=True)
class HeartCrop:
    """Native voxels around the heart.

    Attributes
    ----------
    hu : ndarray, int16 (z, y, x)
    labels : ndarray, uint8 (z, y, x)
        0 background, 1 coronary calcium, 2 other calcification, 3 heart.
    offset_zyx, shape_zyx : tuple of int
        Index of the crop's first voxel in the scan, and the scan's size.
    spacing_xyz_mm, origin_lps_mm : tuple of float
        Of the crop, see :class:`calcohort.volume.Volume`.
    heart_volume_ml : float
    warnings : tuple of str
    """

    hu: np.ndarray
    labels: np.ndarray
    offset_zyx: tuple[int, int, int]
    shape_zyx: tuple[int, int, int]
    spacing_xyz_mm: tuple[float, float, float]
    origin_lps_mm: tuple[float, float, float]
    heart_volume_ml: float
    warnings: tuple[str, ...] = ()

    def volume(self) -> Volume:
        """The cropped scan."""
        return Volume(self.hu, self.spacing_xyz_mm, self.origin_lps_mm)

    def full_labels(self) -> np.ndarray:
        """Labels on the whole scan's grid."""
        labels = np.zeros(self.shape_zyx, dtype=np.uint8)
        box = tuple(slice(o, o + n) for o, n in zip(self.offset_zyx, self.labels.shape, strict=True))
        labels[box] = self.labels
        return labels


def crop(volume: Volume, segmentation, margin_mm: float = 10.0) -> HeartCrop:
    """Cut the heart box of a :class:`~calcohort.segmentation.Segmentation` with a margin out of its scan."""
    box = []
    for axis, size in enumerate(volume.shape_zyx):
        margin = int(np.ceil(margin_mm / volume.spacing_zyx_mm[axis]))
        start, stop = segmentation.heart_box[2 * axis : 2 * axis + 2]
        box += [max(0, start - margin), min(size, stop + margin)]
    part = volume.crop(tuple(box))
    slices = tuple(slice(*box[2 * axis : 2 * axis + 2]) for axis in range(3))
    return HeartCrop(
        np.clip(np.round(part.hu), -32768, 32767).astype(np.int16),
        segmentation.labels[slices],
        tuple(box[::2]),
        tuple(volume.shape_zyx),
        part.spacing_xyz_mm,
        part.origin_lps_mm,
        segmentation.heart_volume_ml,
        segmentation.warnings,
    )


def save(path: str | Path, heart_crop: HeartCrop) -> None:
    """Write one .npz file with its images packed; the same crop always gives the same bytes."""
    with whole_file(path) as beside:
        np.savez(
            beside,
            hu=pack(heart_crop.hu),
            labels=pack(heart_crop.labels),
            size_zyx=np.array(heart_crop.hu.shape, dtype=np.int64),
            offset_zyx=np.array(heart_crop.offset_zyx, dtype=np.int64),
            shape_zyx=np.array(heart_crop.shape_zyx, dtype=np.int64),
            spacing_xyz_mm=np.array(heart_crop.spacing_xyz_mm, dtype=np.float64),
            origin_lps_mm=np.array(heart_crop.origin_lps_mm, dtype=np.float64),
            heart_volume_ml=np.float64(heart_crop.heart_volume_ml),
            warnings=np.array(heart_crop.warnings, dtype="U64"),
        )


def load(path: str | Path) -> HeartCrop:
    """Read what :func:`save` wrote.

    Raises
    ------
    InputError
        If the file is not whole.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return HeartCrop(
            unpack(arrays["hu"], tuple(arrays["size_zyx"].tolist()), np.int16),
            unpack(arrays["labels"], tuple(arrays["size_zyx"].tolist()), np.uint8),
            tuple(arrays["offset_zyx"].tolist()),
            tuple(arrays["shape_zyx"].tolist()),
            tuple(arrays["spacing_xyz_mm"].tolist()),
            tuple(arrays["origin_lps_mm"].tolist()),
            float(arrays["heart_volume_ml"]),
            tuple(arrays["warnings"].tolist()),
        )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            "not a readable heart crop", where=str(path), cure="delete its folder and run again"
        ) from error

"""Where calcium lies in the heart's box: enough to tell, in a picture, one artery's from the aorta's."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from calcohort.segmentation.store import HeartCrop

CORONARY, OTHER, HEART = 1, 2, 3
# What the network left unmarked is shown where it is as bright as metal blurred by a CTAC scan.
BRIGHT_HU, BRIGHT_MM3 = 400, 8.0
_NEIGHBOURS = np.ones((3, 3, 3), dtype=bool)


@dataclass(frozen=True)
class Spot:
    """Connected voxels of one label.

    Attributes
    ----------
    label : int
        1 coronary calcium, 2 other calcification, 3 bright but unmarked inside the heart.
    mm3 : float
    brightest : int
        Highest HU.
    x, y, z : float
        Centre relative to the heart's box: 0 its right, front and lowest side, 1 its left, back and top.
    """

    label: int
    mm3: float
    brightest: int
    x: float
    y: float
    z: float


Place = Callable[[Spot], bool]


def spots(crop: HeartCrop) -> list[Spot]:
    """Marked spots of a crop, and bright unmarked ones (:func:`unmarked`); the largest first."""
    found = [spot for _, _, group in _groups(crop) for spot in group]
    return sorted(found, key=lambda spot: (-spot.mm3, spot.label, spot.z, spot.y, spot.x))


def areas_by_slice(crop: HeartCrop, wanted: Sequence[Place]) -> np.ndarray:
    """Number of voxels of the spots at each place in each slice, (place, z)."""
    areas = np.zeros((len(wanted), len(crop.labels)), dtype=int)
    for voxels, numbers, group in _groups(crop):
        for row, place in enumerate(wanted):
            kept = np.array([place(spot) for spot in group])[numbers]
            areas[row] += np.bincount(voxels[kept, 0], minlength=len(crop.labels))
    return areas


def unmarked(crop: HeartCrop) -> np.ndarray:
    """Voxels inside the heart that are bright in one piece of `BRIGHT_MM3` or more, and were not marked.

    A piece that goes on outside the heart is none: the breastbone touches the heart's mask.
    """
    bright = ((crop.labels == HEART) | (crop.labels == 0)) & (crop.hu >= BRIGHT_HU)
    if not (bright & (crop.labels == HEART)).any():
        return np.zeros(bright.shape, dtype=bool)
    components, _ = ndimage.label(bright, structure=_NEIGHBOURS)
    sizes = np.bincount(components.ravel()) * float(np.prod(crop.spacing_xyz_mm))
    outside = np.bincount(components[crop.labels == 0], minlength=len(sizes)) > 0
    return bright & ((sizes >= BRIGHT_MM3) & ~outside)[components]


def heart_box(crop: HeartCrop) -> tuple[np.ndarray, np.ndarray]:
    """First and last voxel (z, y, x) of the heart's mask; of the crop where there is none."""
    inside = (crop.labels == HEART) | (crop.labels == CORONARY)
    if not inside.any():
        return np.zeros(3), np.array(crop.labels.shape) - 1.0
    ends = [np.flatnonzero(inside.any(axis=axes))[[0, -1]] for axes in ((1, 2), (0, 2), (0, 1))]
    return np.array([first for first, _ in ends], float), np.array([last for _, last in ends], float)


def _groups(crop: HeartCrop) -> Iterator[tuple[np.ndarray, np.ndarray, list[Spot]]]:
    """For each label: its voxels (n, zyx), the number of the spot of each of them, and the spots."""
    low, high = heart_box(crop)
    voxel_mm3 = float(np.prod(crop.spacing_xyz_mm))
    masks = {CORONARY: crop.labels == CORONARY, OTHER: crop.labels == OTHER, HEART: unmarked(crop)}
    for label, mask in masks.items():
        voxels = np.argwhere(mask)
        if not len(voxels):
            continue
        components, count = ndimage.label(mask, structure=_NEIGHBOURS)
        numbers = components[mask] - 1
        sizes = np.bincount(numbers, minlength=count)
        centres = np.stack([np.bincount(numbers, axis, count) for axis in voxels.T], axis=1) / sizes[:, None]
        brightest = np.full(count, np.iinfo(crop.hu.dtype).min)
        np.maximum.at(brightest, numbers, crop.hu[mask])
        relative = (centres - low) / np.maximum(high - low, 1.0)
        group = [
            Spot(label, float(size * voxel_mm3), int(hu), *map(float, place[::-1]))
            for size, hu, place in zip(sizes, brightest, relative, strict=True)
        ]
        yield voxels, numbers, group


# Limits of the boxes: where such calcium lay in simulated hearts, whose arteries are known.
def is_left_coronary(spot: Spot) -> bool:
    """Coronary calcium at the front of the heart's upper left: left main artery or anterior descending."""
    return spot.label == CORONARY and spot.x >= 0.45 and spot.y < 0.58 and spot.z >= 0.45


def is_right_coronary(spot: Spot) -> bool:
    """Coronary calcium on the heart's right side: right coronary artery."""
    is_right = spot.x < 0.38 or (spot.x < 0.45 and spot.z < 0.55)
    return spot.label == CORONARY and is_right and spot.y < 0.68


def is_aortic(spot: Spot) -> bool:
    """Other calcification in the middle of the heart's upper half: aortic root, valve or ascending aorta."""
    inside = 0.2 <= spot.x <= 0.7 and 0.2 <= spot.y <= 0.65 and 0.55 <= spot.z <= 1.1
    return spot.label == OTHER and inside


def is_mitral(spot: Spot) -> bool:
    """Other calcification behind and left of the heart's middle, below the aortic root: mitral ring."""
    inside = 0.45 <= spot.x <= 0.85 and 0.6 <= spot.y <= 0.95 and 0.15 <= spot.z < 0.58
    return spot.label == OTHER and inside


def volume(found: list[Spot], place: Place) -> float:
    """Cubic millimetres of the spots at a place."""
    return sum(spot.mm3 for spot in found if place(spot))

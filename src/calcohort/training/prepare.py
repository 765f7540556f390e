"""From an annotated scan to the samples that train the two networks."""

import numpy as np
from scipy import ndimage

from calcohort.errors import InputError
from calcohort.phantom.truth import METAL
from calcohort.segmentation import grids
from calcohort.segmentation.heart import signed_distance
from calcohort.segmentation.vote import CORONARY, HEART, OTHER
from calcohort.training.samples import About, Sample
from calcohort.volume import Volume

LESION_MARGIN_MM = 6.0
# Distances are stored four times coarser than the image: they are smooth.
DISTANCE_STEP = 4


def heart_of(labels: np.ndarray) -> np.ndarray:
    """Heart mask (bool) of a label map: the heart and the calcium and metal that are in it."""
    heart = labels == HEART
    if not heart.any():
        return heart
    box = ndimage.find_objects(heart.astype(np.uint8))[0]
    planted = np.isin(labels[box], (CORONARY, OTHER, METAL))
    inside = heart[box]
    # Calcium and metal are heart where most of what surrounds it in its slice is.
    around = ndimage.uniform_filter(inside.astype(np.float32), (1, 9, 9))
    known = ndimage.uniform_filter((~planted).astype(np.float32), (1, 9, 9))
    full = np.zeros_like(heart)
    full[box] = inside | (planted & (around > 0.5 * known))
    return full


def heart_sample(volume: Volume, heart: np.ndarray, about: dict, pixel_mm: float = 4.0) -> Sample:
    """Whole scan on the heart network's grid, centred in 128 x 128 cells.

    Parameters
    ----------
    volume : Volume
    heart : ndarray, bool (z, y, x)
    about : dict
        Columns of :class:`About` but the spacing.
    """
    frame = grids.heart_frame(volume.shape_zyx, volume.spacing_zyx_mm, pixel_mm)
    inside = grids.resample_mask(heart, frame, fraction=True) >= 0.5
    hu, _ = grids.on_canvas(
        np.round(grids.resample_hu(volume.hu, frame)).astype(np.int16), grids.AIR, cut=True
    )
    labels, _ = grids.on_canvas(inside.astype(np.uint8), 0, cut=True)
    distance = _coarse_distance(labels > 0, frame.spacing_zyx_mm)
    return Sample(hu, labels, distance, _about(about, frame))


def lesion_sample(volume: Volume, labels: np.ndarray, heart: np.ndarray, about: dict, pixel_mm=0.9) -> Sample:
    """Crop around the heart on the lesion network's grid.

    Parameters
    ----------
    volume : Volume
    labels : ndarray, uint8 (z, y, x)
        1 coronary calcium, 2 other calcification; what else it holds is not looked at.
    heart : ndarray, bool (z, y, x)
    about : dict
        Columns of :class:`About` but the spacing.

    Raises
    ------
    InputError
        If the heart mask is empty.
    """
    box = dilated_box(heart, volume.spacing_zyx_mm, LESION_MARGIN_MM)
    frame = grids.lesion_frame(box, volume.spacing_zyx_mm, pixel_mm)
    hu = np.round(grids.resample_hu(volume.hu, frame)).astype(np.int16)
    inside = grids.resample_mask(heart, frame, fraction=True) >= 0.5
    result = np.where(inside, np.uint8(HEART), np.uint8(0))
    # A cell that holds both kinds takes the one that fills more of it.
    other, coronary = (
        grids.resample_mask(labels == kind, frame, fraction=True) for kind in (OTHER, CORONARY)
    )
    result[other > 0] = OTHER
    result[(coronary > 0) & (coronary >= other)] = CORONARY
    distance = _coarse_distance(inside, frame.spacing_zyx_mm)
    return Sample(hu, result, distance, _about(about, frame))


def dilated_box(heart: np.ndarray, spacing_zyx_mm, margin_mm: float) -> tuple[int, int, int, int, int, int]:
    """Box (z0, z1, y0, y1, x0, x1) of a mask with a margin, within the array."""
    found = ndimage.find_objects(heart.astype(np.uint8))
    if not found:
        raise InputError("the annotation marks no heart", cure="add a heart label or leave the scan out")
    box = []
    for part, spacing, size in zip(found[0], spacing_zyx_mm, heart.shape, strict=True):
        margin = int(np.ceil(margin_mm / spacing))
        box += [max(0, part.start - margin), min(size, part.stop + margin)]
    return tuple(box)


def _about(about: dict, frame: grids.Frame) -> About:
    z, y, x = frame.spacing_zyx_mm
    return About(**about, spacing_z_mm=z, spacing_y_mm=y, spacing_x_mm=x)


def _coarse_distance(mask: np.ndarray, spacing_zyx_mm) -> np.ndarray:
    depth, height, width = mask.shape
    step = DISTANCE_STEP
    coarse = mask.reshape(depth, height // step, step, width // step, step).mean(axis=(2, 4)) >= 0.5
    spacing = (spacing_zyx_mm[0], step * spacing_zyx_mm[1], step * spacing_zyx_mm[2])
    return np.round(signed_distance(coarse, spacing)).astype(np.int8)

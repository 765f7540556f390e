"""From the heart network's probabilities to a heart that an anatomist would believe."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

# Hearts with their great vessels' roots: beyond these the mask has leaked into the liver or down the aorta.
MAXIMUM_ML, MAXIMUM_HEIGHT_MM = 1400.0, 165.0
MINIMUM_ML = 80.0
# Bridges thinner than twice this are leaks; each step is tried only when the one before is implausible.
OPENING_MM = (8.0, 11.0, 15.0)
FAR_MM = 40.0


class NoHeart(ValueError):
    """The scan shows no plausible heart (reason code ``no_heart``)."""

    reason = "no_heart"


@dataclass(frozen=True)
class Heart:
    """A heart on the heart network's grid.

    Attributes
    ----------
    mask : ndarray, bool (z, y, x)
    distance_mm : ndarray, float32 (z, y, x)
        Signed distance to the surface, inside positive, at most 40 mm either way.
    volume_ml : float
    warnings : tuple of str
        Codes of what looks implausible.
    """

    mask: np.ndarray
    distance_mm: np.ndarray
    volume_ml: float
    warnings: tuple[str, ...]


def find_heart(probability: np.ndarray, spacing_zyx_mm) -> Heart:
    """The one plausible heart among voxels of probability above one half.

    Parameters
    ----------
    probability : ndarray, float (z, y, x)
    spacing_zyx_mm : tuple of float

    Raises
    ------
    NoHeart
        If nothing as large as a small heart is there.
    """
    sigma = [min(2.0 / spacing, 1.0) for spacing in spacing_zyx_mm]
    candidate = ndimage.gaussian_filter(probability, sigma) > 0.5
    millilitres = float(np.prod(spacing_zyx_mm)) / 1000
    if candidate.sum() * millilitres < MINIMUM_ML:
        raise NoHeart("no heart was found in the scan")
    warnings = []
    for radius in OPENING_MM:
        mask = main_body(candidate, spacing_zyx_mm, radius)
        plausible = (
            mask.sum() * millilitres <= MAXIMUM_ML and _height(mask, spacing_zyx_mm) <= MAXIMUM_HEIGHT_MM
        )
        if plausible:
            break
    else:
        mask = tallest_part(mask, spacing_zyx_mm)
        warnings.append("heart_implausible")
    volume = float(mask.sum() * millilitres)
    if volume < MINIMUM_ML:
        raise NoHeart("no heart was found in the scan")
    if mask[0].sum() > 0.3 * mask.sum(axis=(1, 2)).max():
        warnings.append("heart_cut_below")
    return Heart(mask, signed_distance(mask, spacing_zyx_mm), volume, tuple(warnings))


def main_body(mask: np.ndarray, spacing_zyx_mm, radius_mm: float) -> np.ndarray:
    """Largest piece of a mask after an opening by a ball, holes filled."""
    box = ndimage.find_objects(mask.astype(np.uint8))[0]
    # The box's faces are no surface of the mask where it ends at the edge of the scan.
    padded = np.pad(mask[box], [(1, 1)] * 3, mode="edge")
    core = ndimage.distance_transform_edt(padded, spacing_zyx_mm) > radius_mm
    pieces, count = ndimage.label(core)
    if count == 0:
        return np.zeros_like(mask)
    largest = pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:])
    body = ndimage.distance_transform_edt(~largest, spacing_zyx_mm) <= radius_mm + min(spacing_zyx_mm)
    body = ndimage.binary_fill_holes(body & padded)[1:-1, 1:-1, 1:-1]
    result = np.zeros_like(mask)
    result[box] = body
    return result


def tallest_part(mask: np.ndarray, spacing_zyx_mm) -> np.ndarray:
    """The slices of plausible height that hold most of the mask."""
    height = max(1, int(MAXIMUM_HEIGHT_MM / spacing_zyx_mm[0]))
    area = np.cumsum(np.concatenate(([0], mask.sum(axis=(1, 2)))))
    first = int(np.argmax(area[height:] - area[:-height])) if height < len(mask) else 0
    part = np.zeros_like(mask)
    part[first : first + height] = mask[first : first + height]
    return part


def signed_distance(mask: np.ndarray, spacing_zyx_mm) -> np.ndarray:
    """Distance to a mask's surface in mm, positive inside, held at 40 mm; float32."""
    distance = np.full(mask.shape, -FAR_MM, dtype=np.float32)
    found = ndimage.find_objects(mask.astype(np.uint8))
    if not found:
        return distance
    box = tuple(
        slice(max(0, part.start - int(FAR_MM / spacing) - 1), part.stop + int(FAR_MM / spacing) + 1)
        for part, spacing in zip(found[0], spacing_zyx_mm, strict=True)
    )
    inside = mask[box]
    inner = ndimage.distance_transform_edt(np.pad(inside, 1, mode="edge"), spacing_zyx_mm)[1:-1, 1:-1, 1:-1]
    outer = ndimage.distance_transform_edt(~inside, spacing_zyx_mm)
    # The surface lies between voxel centres: half a voxel off on either side.
    half = min(spacing_zyx_mm) / 2
    signed = np.where(inside, inner - half, half - outer)
    distance[box] = np.clip(signed, -FAR_MM, FAR_MM)
    return distance


def _height(mask: np.ndarray, spacing_zyx_mm) -> float:
    return float(mask.any(axis=(1, 2)).sum() * spacing_zyx_mm[0])

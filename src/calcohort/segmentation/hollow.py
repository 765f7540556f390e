"""Stents by their shape: a tube of struts is darker inside than around, a plaque is brightest inside."""

import numpy as np
from scipy import ndimage

# Of the lumen of a coronary artery: a disc so wide fills what lies between the walls of a stent.
RADIUS_MM = 1.5
# Less than any scanner blurs, more than noise from pixel to pixel, which a closing would take for gaps.
SMOOTH_MM = 0.3


def hollowness(hu: np.ndarray, voxels: np.ndarray, spacing_zyx_mm) -> float:
    """How far a part, its small gaps filled, would be brighter than it is.

    Parameters
    ----------
    hu : ndarray (z, y, x)
        Hounsfield units of the scan, or of a box of it.
    voxels : ndarray of int, shape (n, 3)
        Indices (z, y, x) of the part; at least one.
    spacing_zyx_mm : tuple of float

    Returns
    -------
    float
        Between 0 (brightest in its middle) and 1. Slice by slice, a disc closes the part (what lies between
        its walls belongs to it) and the smoothed image: the rise of the image, averaged over the closed part,
        as a share of the mean of the part. Walls may be other parts: those of a stent may lie apart where
        little is above the threshold. Pixels of more than `RADIUS_MM` show no gap.
    """
    plane_mm = np.asarray(spacing_zyx_mm[1:], dtype=float)
    disc = _disc(plane_mm)
    rows, columns = disc.shape
    # A closing looks outwards and back, a disc's width in all; smoothing adds four of its own.
    margin = np.array([0, *(2 * np.array(disc.shape) + np.ceil(4 * SMOOTH_MM / plane_mm).astype(int))])
    first = np.maximum(voxels.min(axis=0) - margin, 0)
    last = voxels.max(axis=0) + margin
    image = hu[tuple(slice(low, high + 1) for low, high in zip(first, last, strict=True))]
    image = ndimage.gaussian_filter(image.astype(np.float32), (0, *(SMOOTH_MM / plane_mm)))
    # Where the scan ends a closing must not find a wall.
    image = np.pad(image, ((0, 0), (rows, rows), (columns, columns)), mode="edge")
    part = np.zeros(image.shape, dtype=bool)
    part[tuple((voxels - first + [0, rows, columns]).T)] = True
    closed = ndimage.binary_closing(part, disc[None]) | part
    rise = ndimage.grey_closing(image, footprint=disc[None]) - image
    return float(min(rise[closed].mean() / image[part].mean(), 1.0))


def _disc(plane_mm: np.ndarray) -> np.ndarray:
    """Pixels within the radius of the middle one, bool (rows, columns), both odd."""
    reach = (RADIUS_MM / plane_mm + 1e-6).astype(int)
    rows, columns = (np.arange(-n, n + 1) * mm for n, mm in zip(reach, plane_mm, strict=True))
    return np.hypot(rows[:, None], columns) <= RADIUS_MM + 1e-6

"""Stents by their shape: a tube of struts is darker inside, where calcium is dense throughout."""

import numpy as np
from scipy import ndimage

# Of the lumen of a coronary artery: a disc so wide bridges the gap between the walls of a stent.
RADIUS_MM = 1.5


def hollowness(hu: np.ndarray, voxels: np.ndarray, spacing_zyx_mm) -> float:
    """How far a part lies below what its slices would be with small gaps filled.

    Parameters
    ----------
    hu : ndarray (z, y, x)
    voxels : ndarray of int, shape (n, 3)
        Indices (z, y, x) of the part.
    spacing_zyx_mm : tuple of float

    Returns
    -------
    float
        Mean over the voxels of their morphological closing (by a disc, slice by slice) less their HU, as a
        share of their mean HU: 0 for what is brightest in its middle.
    """
    reach = np.ceil(RADIUS_MM / np.asarray(spacing_zyx_mm[1:])).astype(int)
    # A closing looks twice as far as its disc: outwards, and back.
    margin = np.array([0, *(2 * reach)])
    first = np.maximum(voxels.min(axis=0) - margin, 0)
    last = voxels.max(axis=0) + margin
    part = hu[tuple(slice(low, high + 1) for low, high in zip(first, last, strict=True))].astype(np.float32)
    gaps = ndimage.grey_closing(part, footprint=_disc(reach, spacing_zyx_mm)) - part
    inside = tuple((voxels - first).T)
    return float(gaps[inside].mean() / part[inside].mean())


def _disc(reach, spacing_zyx_mm) -> np.ndarray:
    rows, columns = (np.arange(-n, n + 1) * mm for n, mm in zip(reach, spacing_zyx_mm[1:], strict=True))
    return (np.hypot(rows[:, None], columns) <= RADIUS_MM)[None]

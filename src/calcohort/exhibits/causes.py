"""Why a score of zero was wrong, as far as two scans of the same patient tell."""

import numpy as np
from scipy import ndimage

from calcohort.exhibits import places
from calcohort.exhibits.places import CORONARY, HEART, OTHER
from calcohort.segmentation.store import HeartCrop

CALCIUM_HU = 130
# The heart moves that much between two scans, beyond what its box tells.
_REACH_MM = 12.0
# Less above the threshold than this is what noise or the edge of a lesion leaves.
_LEFT_MM3 = 5.0
# Blood without contrast agent, and how far noise strays from it among the voxels of a heart.
_BLOOD_HU, _NOISE_SDS = 45.0, 4.5


def cause_of_miss(gated: HeartCrop, ctac: HeartCrop) -> str:
    """Apparent cause of a DL-CTAC score of 0 beside calcium of the gated scan; a sentence."""
    seen = [spot for spot in places.spots(gated) if spot.label == CORONARY]
    if not seen:
        return "The network marks no coronary calcium on the gated scan either."
    near = _around(ctac, seen[0])
    if (near & (ctac.labels == OTHER)).any():
        return "Taken for non-coronary calcification."
    if _largest_mm3(ctac, near & (ctac.labels == HEART) & (ctac.hu >= CALCIUM_HU)) >= _LEFT_MM3:
        return f"Above {CALCIUM_HU} HU, but not marked."
    return f"Partial volume: too little reaches {CALCIUM_HU} HU there."


def cause_of_false_positive(gated: HeartCrop, ctac: HeartCrop, noise_hu: float | None) -> str:
    """Apparent cause of a DL-CTAC score above 0 beside a standard score of 0; a sentence."""
    marked = [spot for spot in places.spots(ctac) if spot.label == CORONARY]
    if not marked:
        return ""
    near = _around(gated, marked[0])
    if (near & (gated.labels == OTHER)).any():
        return "Non-coronary calcification scored as coronary."
    if (near & (gated.labels == CORONARY)).any():
        return "The network marks calcium there on the gated scan as well."
    known = noise_hu is not None and np.isfinite(noise_hu)
    reach = _BLOOD_HU + _NOISE_SDS * noise_hu if known else CALCIUM_HU
    if marked[0].brightest <= reach or marked[0].mm3 < _LEFT_MM3:
        return "Noise scored as calcium."
    return "An opacity that the gated scan does not show."


def _around(crop: HeartCrop, spot: places.Spot) -> np.ndarray:
    """Voxels of a crop within reach of another scan's spot, by its place in the heart's box: (z, y, x)."""
    low, high = places.heart_box(crop)
    centre = low + np.array([spot.z, spot.y, spot.x]) * (high - low)
    grid = np.ogrid[tuple(slice(0, size) for size in crop.labels.shape)]
    steps = crop.spacing_xyz_mm[::-1]
    distance2 = sum(((axis - middle) * mm) ** 2 for axis, middle, mm in zip(grid, centre, steps, strict=True))
    return distance2 <= _REACH_MM**2


def _largest_mm3(crop: HeartCrop, mask: np.ndarray) -> float:
    components, count = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    if not count:
        return 0.0
    return float(np.bincount(components.ravel())[1:].max() * np.prod(crop.spacing_xyz_mm))

"""What about a scan makes its calcium score doubtful: flags from the images themselves."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from calcohort.segmentation.store import HeartCrop

CALCIUM, HEART = 1, 3

# Blood of 45 HU crosses 130 HU by noise alone at two standard deviations of this size.
NOISE_LIMIT_HU = 42.0
# Unenhanced blood has 30-60 HU; above 100 HU a chamber holds contrast agent, and 130 HU is no longer calcium.
CONTRAST_LIMIT_HU = 100.0
# Calcium ends near 2,000 HU; brighter are stents, leads, clips and valves.
METAL_HU = 2500
METAL_VOXELS = 3
# A heart with its pericardium; leaks of the heart mask into liver or aorta came to 1.2-1.4 l.
HEART_VOLUME_ML = (250.0, 1200.0)
# A heart is about 12 cm high: fewer slices across it are too thick to find a lesion in.
HEART_SLICES = 16
# A heart that ends inside the volume tapers; one that is cut ends with a wide section.
CUT_SHARE_OF_LARGEST_SECTION = 0.25
# Nothing in a patient is darker than air.
PADDING_HU = -1100

FLAGS = {
    "noise": f"image noise in the heart above {NOISE_LIMIT_HU:g} HU",
    "contrast": f"blood in the heart above {CONTRAST_LIMIT_HU:g} HU, as after contrast agent",
    "heart_cut_off": "the scan ends inside the heart",
    "metal": f"metal near the heart (at least {METAL_VOXELS} voxels above {METAL_HU} HU)",
    "few_slices": f"fewer than {HEART_SLICES} slices across the heart",
    "heart_volume_implausible": f"heart volume outside {HEART_VOLUME_ML[0]:g}-{HEART_VOLUME_ML[1]:g} ml",
    "padding": "voxels outside the reconstructed field were set to air",
}


@dataclass(frozen=True)
class Quality:
    """Image quality around the heart.

    Attributes
    ----------
    noise_hu : float or None
        Standard deviation in squares of about 8 mm, median over the core of the heart; None without a core.
    blood_hu : float or None
        Upper quartile of the smoothed core of the heart, where its chambers are.
    metal_voxels, heart_slices : int
    flags : tuple of str
        Keys of `FLAGS`, in their order.
    """

    noise_hu: float | None
    blood_hu: float | None
    metal_voxels: int
    heart_slices: int
    flags: tuple[str, ...]


def assess(crop: "HeartCrop") -> Quality:
    """Image quality of a scan from the crop around its heart."""
    heart = (crop.labels == HEART) | (crop.labels == CALCIUM)
    noise_hu, blood_hu = _noise_and_blood(crop, crop.labels == HEART)
    metal_voxels = int(np.count_nonzero(crop.hu > METAL_HU))
    section = np.count_nonzero(heart, axis=(1, 2))
    heart_slices = int(np.count_nonzero(section))
    raised = {
        "noise": noise_hu is not None and noise_hu > NOISE_LIMIT_HU,
        "contrast": blood_hu is not None and blood_hu > CONTRAST_LIMIT_HU,
        "heart_cut_off": _is_cut(section, crop.offset_zyx[0], crop.shape_zyx[0]),
        "metal": metal_voxels >= METAL_VOXELS,
        "few_slices": heart_slices < HEART_SLICES,
        "heart_volume_implausible": not HEART_VOLUME_ML[0] <= crop.heart_volume_ml <= HEART_VOLUME_ML[1],
        "padding": bool(np.any(crop.hu < PADDING_HU)),
    }
    flags = tuple(flag for flag in FLAGS if raised[flag])
    return Quality(noise_hu, blood_hu, metal_voxels, heart_slices, flags)


def _noise_and_blood(crop: "HeartCrop", heart: np.ndarray) -> tuple[float | None, float | None]:
    z = _widest_slices(heart)
    heart, hu = heart[z], crop.hu[z].astype(np.float32)
    pixel_mm = crop.spacing_xyz_mm[0]
    # The deep part of each section: chambers and septum, away from lungs, fat and coronary arteries.
    depth = np.stack([ndimage.distance_transform_edt(section) for section in heart])
    core = depth > 0.5 * depth.max(initial=0)
    if not core.any():
        return None, None
    square = max(3, round(8.0 / pixel_mm))
    mean = ndimage.uniform_filter(hu, (0, square, square))
    variance = ndimage.uniform_filter((hu - 40.0) ** 2, (0, square, square)) - (mean - 40.0) ** 2
    noise = np.sqrt(np.median(np.maximum(variance[core], 0.0)))
    return float(noise), float(np.quantile(mean[core], 0.75))


def _widest_slices(heart: np.ndarray) -> slice:
    """The eleven slices around the widest section: enough to measure, and quick."""
    widest = int(np.argmax(np.count_nonzero(heart, axis=(1, 2))))
    return slice(max(0, widest - 5), widest + 6)


def _is_cut(section: np.ndarray, first_slice: int, n_slices: int) -> bool:
    """Whether the heart, in voxels per slice, is wide in the first or last slice of the scan."""
    largest = section.max(initial=0)
    ends = []
    if first_slice == 0:
        ends.append(section[0])
    if first_slice + len(section) == n_slices:
        ends.append(section[-1])
    return bool(largest and any(end > CUT_SHARE_OF_LARGEST_SECTION * largest for end in ends))

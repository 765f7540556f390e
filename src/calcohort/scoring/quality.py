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
# Blood of phantoms without contrast agent came to 42-56 HU in every protocol, with it to 109 HU and more.
CONTRAST_LIMIT_HU = 85.0
# The densest planted calcium came to 1,890 HU at 100 kV; leads and wires are brighter.
METAL_HU, METAL_VOXELS = 2200, 3
# Blur keeps small calcium below this, but not clips; calcium this bright came to 46 mm3 and more.
SPECK_HU, SPECK_MM3 = 1400, 15.0
# A heart with its pericardium; leaks of the heart mask into liver or aorta came to 1.2-1.4 l.
HEART_VOLUME_ML = (250.0, 1200.0)
# A heart is about 12 cm high: fewer slices across it are too thick to find a lesion in.
HEART_SLICES = 16
# Share of the heart outside the scan from which a score may be too low.
CUT_SHARE = 0.01
# Nothing in a patient is darker than air.
PADDING_HU = -1100


@dataclass(frozen=True)
class Flag:
    """A remark on a scan: its code, what it means, and the limit from which it is raised."""

    code: str
    meaning: str
    limit: str


FLAGS = {
    flag.code: flag
    for flag in (
        Flag(
            "noise",
            "image noise crosses the calcium threshold",
            f"SD in the heart above {NOISE_LIMIT_HU:g} HU",
        ),
        Flag("contrast", "contrast agent in the chambers", f"blood above {CONTRAST_LIMIT_HU:g} HU"),
        Flag("heart_cut_off", "the scan ends inside the heart", f"more than {CUT_SHARE:.0%} of it outside"),
        Flag(
            "metal",
            "metal near the heart: leads, wires, clips",
            f"{METAL_VOXELS} voxels above {METAL_HU} HU, or less than {SPECK_MM3:g} mm3 above {SPECK_HU} HU",
        ),
        Flag(
            "few_slices",
            "slices too thick to find small lesions",
            f"fewer than {HEART_SLICES} across the heart",
        ),
        Flag(
            "heart_volume_implausible",
            "the outlined heart is too small or too large",
            f"outside {HEART_VOLUME_ML[0]:g}-{HEART_VOLUME_ML[1]:g} ml",
        ),
        Flag("padding", "padding inside the heart's box", f"voxels below {PADDING_HU} HU"),
    )
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
    cut_share : float
        Estimated share of the heart that lies outside the scan.
    has_metal : bool
    heart_slices : int
    flags : tuple of str
        Keys of `FLAGS`, in their order.
    """

    noise_hu: float | None
    blood_hu: float | None
    cut_share: float
    has_metal: bool
    heart_slices: int
    flags: tuple[str, ...]


def assess(crop: "HeartCrop") -> Quality:
    """Image quality of a scan from the crop around its heart."""
    heart = (crop.labels == HEART) | (crop.labels == CALCIUM)
    noise_hu, blood_hu = _noise_and_blood(crop, crop.labels == HEART)
    heart_slices = int(np.count_nonzero(heart.any(axis=(1, 2))))
    share, metal = cut_share(heart, crop.offset_zyx, crop.shape_zyx), _has_metal(crop)
    raised = {
        "noise": noise_hu is not None and noise_hu > NOISE_LIMIT_HU,
        "contrast": blood_hu is not None and blood_hu > CONTRAST_LIMIT_HU,
        "heart_cut_off": share > CUT_SHARE,
        "metal": metal,
        "few_slices": heart_slices < HEART_SLICES,
        "heart_volume_implausible": not HEART_VOLUME_ML[0] <= crop.heart_volume_ml <= HEART_VOLUME_ML[1],
        "padding": bool(np.any(crop.hu < PADDING_HU)),
    }
    flags = tuple(flag for flag in FLAGS if raised[flag])
    return Quality(noise_hu, blood_hu, share, metal, heart_slices, flags)


def cut_share(heart: np.ndarray, offset_zyx, shape_zyx) -> float:
    """Estimated share of a heart that lies outside the scan, by its sections on the scan's six faces.

    A section of share a of the widest one cuts a ball at the height sqrt(1 - a) of its radius; the cap beyond
    is what is missing. A heart that is widest on a face may miss half of itself or more.

    Parameters
    ----------
    heart : ndarray, bool (z, y, x)
        The heart in a box that holds all of it.
    offset_zyx, shape_zyx : tuple of int
        First voxel of the box in the scan, and the scan's size.
    """
    missing = 0.0
    for axis in range(3):
        section = np.count_nonzero(heart, axis=tuple(other for other in range(3) if other != axis))
        if not section.any():
            return 0.0
        ends = [section[0]] if offset_zyx[axis] == 0 else []
        ends += [section[-1]] if offset_zyx[axis] + len(section) == shape_zyx[axis] else []
        missing += sum(_cap(float(end) / float(section.max())) for end in ends)
    return min(missing, 1.0)


def _cap(section: float) -> float:
    height = np.sqrt(1.0 - section)
    return float((1.0 - height) ** 2 * (2.0 + height) / 4.0)


def _has_metal(crop: "HeartCrop") -> bool:
    """Whether voxels are too bright for calcium, or bright in a spot too small for calcium."""
    if np.count_nonzero(crop.hu > METAL_HU) >= METAL_VOXELS:
        return True
    spots, count = ndimage.label(crop.hu > SPECK_HU // 2, np.ones((3, 3, 3)))
    if count == 0:
        return False
    brightest = ndimage.maximum(crop.hu, spots, np.arange(1, count + 1))
    voxel_mm3 = float(np.prod(crop.spacing_xyz_mm))
    for spot in np.flatnonzero(brightest > SPECK_HU):
        box = ndimage.find_objects(spots, spot + 1)[spot]
        inside = crop.hu[box][spots[box] == spot + 1]
        if np.count_nonzero(inside > brightest[spot] / 2) * voxel_mm3 < SPECK_MM3:
            return True
    return False


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

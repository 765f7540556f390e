"""What a model makes of one simulated scan, whose truth is known to the voxel."""

import time

import numpy as np
from scipy import ndimage

from calcohort.phantom import Phantom
from calcohort.phantom.truth import METAL
from calcohort.scoring import score
from calcohort.segmentation import NoHeart, Segmenter, vote
from calcohort.training.prepare import heart_of

# A lesion is found when this share of its voxels is.
FOUND_SHARE = 0.25
# Least area (mm2) of a lesion, as in the score.
LEAST_MM2 = 1.0
CUBE = np.ones((3, 3, 3), dtype=bool)


def measure(segmenter: Segmenter, phantom: Phantom) -> tuple[dict, np.ndarray | None]:
    """Row of one scan and the predicted labels (None where no heart was found).

    Returns
    -------
    dict
        scan_type, confounders, agatston_expert (the truth), agatston_dl, Agatston scores of what was wrongly
        called coronary (agatston_false: of it other calcification, metal, and noise or soft tissue) and of
        what was missed (outside the heart region, called other, called nothing), lesions planted, found and
        false, shares of planted calcium found and inside the heart region, heart volumes, seconds.
    """
    row = {
        "scan_type": phantom.protocol,
        "confounders": " ".join(phantom.confounders),
        "agatston_expert": phantom.agatston,
    }
    started = time.perf_counter()
    try:
        found = segmenter(phantom.volume)
    except NoHeart:
        return row | {"warnings": NoHeart.reason, "seconds": time.perf_counter() - started}, None
    row["seconds"] = time.perf_counter() - started
    row |= _scores(phantom, found)
    row |= _lesions(phantom, found.labels == vote.CORONARY)
    true_heart = heart_of(phantom.labels).sum() * phantom.volume.voxel_volume_mm3 / 1000
    row |= {
        "heart_volume_ml": found.heart_volume_ml,
        "heart_true_ml": float(true_heart),
        "warnings": " ".join(found.warnings),
    }
    return row, found.labels


def _scores(phantom: Phantom, found) -> dict:
    coronary, predicted = phantom.labels == vote.CORONARY, found.labels == vote.CORONARY
    region = np.zeros_like(coronary)
    region[tuple(slice(*found.heart_box[2 * axis : 2 * axis + 2]) for axis in range(3))] = True
    wrong, missed = predicted & ~coronary, coronary & ~predicted
    other, metal = wrong & (phantom.labels == vote.OTHER), wrong & (phantom.labels == METAL)
    parts = {
        "dl": predicted,
        "false": wrong,
        "false_other": other,
        "false_metal": metal,
        "false_noise": wrong & ~other & ~metal,
        "missed_outside": missed & ~region,
        "missed_other": missed & region & (found.labels == vote.OTHER),
        "missed_none": missed & region & (found.labels != vote.OTHER),
    }
    row = {f"agatston_{name}": score(phantom.volume, mask).agatston for name, mask in parts.items()}
    planted = max(1, int(coronary.sum()))
    row["found"] = float((predicted & coronary).sum() / planted) if coronary.any() else float("nan")
    row["in_box"] = float((region & coronary).sum() / planted) if coronary.any() else float("nan")
    return row


def _lesions(phantom: Phantom, predicted: np.ndarray) -> dict:
    """Lesions planted, found and false: 26-connected components of at least 1 mm2 in some slice."""
    truth = phantom.labels == vote.CORONARY
    dx, dy, _ = phantom.volume.spacing_xyz_mm
    planted, shares = _components(truth, predicted, dx * dy)
    _, true_shares = _components(predicted, truth, dx * dy)
    return {
        "lesions": planted,
        "lesions_found": int((shares >= FOUND_SHARE).sum()),
        "lesions_false": int((true_shares == 0).sum()),
    }


def _components(mask: np.ndarray, covered: np.ndarray, pixel_mm2: float) -> tuple[int, np.ndarray]:
    """Number of the large enough components of `mask`, and the share of each that `covered` holds."""
    members, count = ndimage.label(mask, CUBE)
    if not count:
        return 0, np.zeros(0)
    slices, numbers = members.nonzero()[0], members[members > 0]
    area = np.zeros((count, mask.shape[0]))
    np.add.at(area, (numbers - 1, slices), pixel_mm2)
    large = area.max(axis=1) >= LEAST_MM2 - 1e-6
    size = np.bincount(numbers, minlength=count + 1)[1:]
    held = np.bincount(numbers, weights=covered[members > 0], minlength=count + 1)[1:]
    return int(large.sum()), (held / size)[large]

"""The class of a lesion by vote: the threshold gives its edge, the network its class."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from calcohort.segmentation.hollow import hollowness

BACKGROUND, CORONARY, OTHER, HEART = range(4)
NEIGHBOURS_26 = np.ones((3, 3, 3), dtype=bool)


@dataclass(frozen=True)
class Rules:
    """How voxels at or above the threshold become lesions.

    Attributes
    ----------
    threshold_hu : float
        What counts as calcium.
    margin_mm : float
        How far outside the heart mask a lesion may lie.
    coronary_threshold : float
        Least mean coronary probability of a coronary lesion, its voxels weighted as in :func:`mean_by_part`;
        below it the component is background (noise mostly).
    small_mm3, small_threshold : float
        A part smaller than this needs at least this mean coronary probability: specks of noise and blurred
        metal are small, and would make a score of a scan that has none.
    split_share, split_voxels : float, int
        A component is divided when at least this share, and this number, of its voxels are seen as another
        class than the rest: a coronary lesion that touches the aortic wall, or bone.
    split_confidence : float
        Voxels at least this sure of their class lead the division; the others follow the nearest of them.
    dimensions : {3, 2}
        Whether components that vote reach across slices.
    metal_hu : float
        A part that holds a voxel as bright as this is metal, whatever the network says: stents, leads and
        clips saturate, calcium does not.
    hollow_share : float
        A part more hollow than this (:func:`calcohort.segmentation.hollow.hollowness`) is a stent, whatever
        the network says: blurred struts are no brighter than calcium. Nothing is more hollow than 1.
    """

    threshold_hu: float = 130.0
    margin_mm: float = 6.0
    coronary_threshold: float = 0.5
    small_mm3: float = 80.0
    small_threshold: float = 0.0
    split_share: float = 0.1
    split_voxels: int = 4
    split_confidence: float = 0.7
    dimensions: int = 3
    metal_hu: float = 2000.0
    hollow_share: float = 0.07


@dataclass(frozen=True)
class Parts:
    """Components, or their shares of mixed ones, with what decides their class.

    Attributes
    ----------
    members : ndarray of int, shape (n,)
        Number of the part each voxel belongs to, from 0.
    shares : ndarray, shape (3, parts)
        Mean probabilities, as :func:`mean_by_part` takes them.
    volume_mm3, brightest_hu, hollow : ndarray, shape (parts,)
        `hollow` is measured where the network sees coronary calcium, and 0 elsewhere.
    """

    members: np.ndarray
    shares: np.ndarray
    volume_mm3: np.ndarray
    brightest_hu: np.ndarray
    hollow: np.ndarray


def candidates(hu: np.ndarray, distance_mm: np.ndarray, rules: Rules) -> np.ndarray:
    """Voxels at or above the threshold inside the dilated heart; bool (z, y, x)."""
    return (hu >= rules.threshold_hu) & (distance_mm > -rules.margin_mm)


def components(mask: np.ndarray, dimensions: int = 3) -> np.ndarray:
    """Number (from 0) of the component of every set voxel, in ``np.nonzero`` order.

    Components are 26-connected, or 8-connected within each slice.
    """
    neighbours = NEIGHBOURS_26
    if dimensions == 2:
        neighbours = neighbours & (np.arange(3) == 1)[:, None, None]
    return ndimage.label(mask, neighbours)[0][mask] - 1


def find_parts(
    voxels: np.ndarray,
    members: np.ndarray,
    probabilities: np.ndarray,
    hu: np.ndarray,
    spacing_zyx_mm,
    rules: Rules,
) -> Parts:
    """Divide components and gather what decides the class of each part.

    Parameters
    ----------
    voxels : ndarray of int, shape (n, 3)
        Indices (z, y, x) of the candidates in `hu`.
    members : ndarray of int, shape (n,)
        Number of the component each belongs to, from 0.
    probabilities : ndarray of float, shape (3, n)
        Of background, coronary and other.
    hu : ndarray (z, y, x)
        Hounsfield units of the scan: what lies around a part tells whether it is hollow.
    spacing_zyx_mm : tuple of float
    """
    if len(voxels) == 0:
        none = np.zeros(0)
        return Parts(none.astype(np.int64), np.zeros((3, 0)), none, none, none)
    parts = divide(voxels, members, probabilities, spacing_zyx_mm, rules)
    own = hu[tuple(voxels.T)]
    shares = mean_by_part(parts, probabilities, own - rules.threshold_hu)
    grouped = _by_number(parts)
    brightest, hollow = np.zeros(len(grouped)), np.zeros(len(grouped))
    np.maximum.at(brightest, parts, own)
    for part in np.flatnonzero(shares.argmax(axis=0) == CORONARY):
        hollow[part] = hollowness(hu, voxels[grouped[part]], spacing_zyx_mm)
    return Parts(parts, shares, np.bincount(parts) * np.prod(spacing_zyx_mm), brightest, hollow)


def decide(parts: Parts, rules: Rules) -> np.ndarray:
    """Class of every part: 0 background, 1 coronary, 2 other; uint8."""
    least = np.full(len(parts.hollow), rules.coronary_threshold)
    least[parts.volume_mm3 < rules.small_mm3] = max(rules.coronary_threshold, rules.small_threshold)
    winner = parts.shares.argmax(axis=0).astype(np.uint8)
    winner[(winner == CORONARY) & (parts.shares[CORONARY] < least)] = BACKGROUND
    winner[(parts.brightest_hu >= rules.metal_hu) | (parts.hollow > rules.hollow_share)] = BACKGROUND
    return winner


def hollow_parts(parts: Parts, rules: Rules) -> np.ndarray:
    """Parts that would be coronary calcium if they were not hollow; bool."""
    otherwise = decide(parts, replace(rules, hollow_share=1.0))
    return (otherwise == CORONARY) & (parts.hollow > rules.hollow_share)


def mean_by_part(parts: np.ndarray, probabilities: np.ndarray, excess_hu: np.ndarray) -> np.ndarray:
    """Mean probabilities (classes, parts), in which voxels weigh by how far they lie above the threshold.

    The rim of a lesion is as much tissue as calcium, and the network calls much of it so: it must not outvote
    the core.
    """
    weights = np.maximum(excess_hu, 0) + 1.0
    sums = np.stack([np.bincount(parts, weights * row) for row in probabilities])
    return sums / np.bincount(parts, weights)


def divide(voxels: np.ndarray, members: np.ndarray, probabilities: np.ndarray, spacing_zyx_mm, rules: Rules):
    """Number of the part each voxel belongs to: its component, or in a mixed component its share of it.

    Returns
    -------
    ndarray of int, shape (n,)
        From 0, without gaps; parts never reach across components.
    """
    seen = probabilities.argmax(axis=0)
    kinds = len(probabilities)
    counts = np.bincount(members * kinds + seen, minlength=kinds * (members.max() + 1)).reshape(-1, kinds)
    second = np.sort(counts, axis=1)[:, -2]
    mixed = (second >= rules.split_voxels) & (second >= rules.split_share * counts.sum(axis=1))
    kind = np.zeros(len(members), dtype=np.int64)
    points = voxels * np.asarray(spacing_zyx_mm)
    sure = probabilities.max(axis=0) >= rules.split_confidence
    grouped = _by_number(members) if mixed.any() else []
    for component in np.flatnonzero(mixed):
        own = grouped[component]
        leaders = own[sure[own]]
        if len(leaders):
            away = [_nearest(points[leaders[seen[leaders] == k]], points[own]) for k in range(kinds)]
            kind[own] = np.argmin(away, axis=0)
    return np.unique(members * kinds + kind, return_inverse=True)[1]


def _by_number(numbers: np.ndarray) -> list[np.ndarray]:
    """Positions of each number, from 0 to the greatest."""
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.cumsum(np.bincount(numbers))[:-1])


def _nearest(leaders: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Distance of each point to the nearest leader; infinite without one."""
    # A tenth of the start of a shard's job, where few scans have mixed lesions.
    from scipy.spatial import cKDTree

    return cKDTree(leaders).query(points)[0] if len(leaders) else np.full(len(points), np.inf)

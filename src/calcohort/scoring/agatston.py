"""The Agatston score on the native grid, from the calcium mask that a reader or a network gives."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from calcohort.categories import categorise
from calcohort.scoring.conventions import (
    CONVENTIONS,
    DENSITY_LIMITS_120_KV,
    REFERENCE_INCREMENT_MM,
    STANDARD,
    Conventions,
    density_limits,
)
from calcohort.volume import Volume

# Headers give the pixel size as a rounded decimal, so that 9 pixels of 1/3 mm come to 0.9999999 mm2.
_AREA_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Lesion:
    """Counted components that touch across slices.

    Attributes
    ----------
    label : int
        1 for the lesion of the highest Agatston score, then downwards.
    z_slices : tuple of int
        Slices of the scored volume in which the lesion counts.
    max_hu, agatston, volume_mm3 : float
    mass_mg : float or None
        None without a calibration factor.
    centroid_lps_mm : tuple of 3 float
        Mean position of its voxels (x, y, z).
    """

    label: int
    z_slices: tuple[int, ...]
    max_hu: float
    agatston: float
    volume_mm3: float
    mass_mg: float | None
    centroid_lps_mm: tuple[float, float, float]


@dataclass(frozen=True)
class Score:
    """Calcium of one scan; no number is rounded.

    Attributes
    ----------
    agatston : float
    agatston_kvp_adjusted : float or None
        By the published density limits of the scan's tube voltage; None where voltage or limits are unknown.
    volume_mm3 : float
        Volume of the voxels that count.
    mass_mg : float or None
        Hydroxyapatite; None without a calibration factor.
    category : str
        One of `calcohort.categories.CATEGORIES`.
    n_lesions : int
    lesions : tuple of Lesion
        By falling Agatston score; their scores add up to the totals.
    """

    agatston: float
    agatston_kvp_adjusted: float | None
    volume_mm3: float
    mass_mg: float | None
    category: str
    n_lesions: int
    lesions: tuple[Lesion, ...]


@dataclass(frozen=True)
class _Components:
    """Components of one slice each: the voxels (n) they are made of and facts of every component (m)."""

    voxel_zyx: np.ndarray  # (n, 3)
    voxel_hu: np.ndarray  # (n,) float64
    voxel_component: np.ndarray  # (n,) in 0..m-1
    n_voxels: np.ndarray  # (m,)
    max_hu: np.ndarray  # (m,)


def score(
    volume: Volume,
    calcium_mask: np.ndarray,
    conventions: Conventions = STANDARD,
    kvp: float | None = None,
    calibration: float | None = None,
) -> Score:
    """Score the calcium of a scan.

    In each slice the voxels of the mask at or above the threshold fall into connected components. A
    component of at least the minimum area counts area x weight x increment / 3 mm, the weight being 1, 2, 3
    or 4 for a maximum from 130, 200, 300 or 400 HU (Agatston et al., JACC 1990;15:827). Components that
    touch across slices are listed as one lesion, which changes no total.

    Parameters
    ----------
    volume : Volume
    calcium_mask : ndarray, bool or integer, shape (z, y, x)
        Non-zero where the reader or the network sees coronary calcium; its edge is set by the threshold.
    conventions : Conventions
    kvp : float, optional
        Tube voltage of the scan.
    calibration : float, optional
        Milligrams of hydroxyapatite per millilitre and HU, from a phantom on the same scanner.

    Raises
    ------
    ValueError
        If mask and volume differ in shape.
    """
    zyx, hu = _candidates(volume, calcium_mask, conventions.threshold)
    components = _components(zyx, hu, conventions.connectivity)
    counted = _counted(components, volume, conventions)
    points = _points(components, counted, DENSITY_LIMITS_120_KV)
    unit = _unit(volume, conventions)
    total = float(points.sum() * unit)
    lesions = _lesions(components, points, unit, volume, conventions, calibration)
    counted_hu = hu[counted[components.voxel_component]]
    return Score(
        agatston=total,
        agatston_kvp_adjusted=_kvp_adjusted(zyx, hu, volume, conventions, kvp, total),
        volume_mm3=float(len(counted_hu) * volume.voxel_volume_mm3),
        mass_mg=_mass_mg(counted_hu, volume, calibration),
        category=str(categorise([total])[0]),
        n_lesions=len(lesions),
        lesions=lesions,
    )


def smallest_lesion_effect(
    volume: Volume,
    calcium_mask: np.ndarray,
    conventions: Conventions = STANDARD,
    sizes: tuple[int, ...] = (1, 2, 3),
) -> dict[int, float]:
    """Agatston score for each least number of voxels that a component must have in its slice."""
    variants = {size: replace(conventions, minimum_voxels=size) for size in sizes}
    return convention_effect(volume, calcium_mask, variants)


def convention_effect(
    volume: Volume, calcium_mask: np.ndarray, conventions: Mapping[Hashable, Conventions] = CONVENTIONS
) -> dict[Hashable, float]:
    """Agatston score under each of the named conventions."""
    effect = {}
    for name, rules in conventions.items():
        zyx, hu = _candidates(volume, calcium_mask, rules.threshold)
        effect[name] = _agatston(zyx, hu, volume, rules, DENSITY_LIMITS_120_KV)
    return effect


def lesion_map(volume: Volume, calcium_mask: np.ndarray, conventions: Conventions = STANDARD) -> np.ndarray:
    """Label, as in `Score.lesions`, of the lesion that each voxel counts for: int32 (z, y, x), 0 for none."""
    zyx, hu = _candidates(volume, calcium_mask, conventions.threshold)
    components = _components(zyx, hu, conventions.connectivity)
    points = _points(components, _counted(components, volume, conventions), DENSITY_LIMITS_120_KV)
    labels = np.zeros(volume.shape_zyx, dtype=np.int32)
    for label, (voxels, _) in enumerate(_by_lesion(components, points, conventions.connectivity), start=1):
        labels[tuple(zyx[voxels].T)] = label
    return labels


def _candidates(volume: Volume, calcium_mask: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Position (n, 3) and HU (n) of the voxels of the mask from the threshold on."""
    calcium_mask = np.asarray(calcium_mask)
    if calcium_mask.shape != volume.hu.shape:
        raise ValueError(f"mask {calcium_mask.shape} and volume {volume.hu.shape} differ in shape")
    calcium = volume.hu >= threshold
    calcium &= calcium_mask.astype(bool, copy=False)
    zyx = np.argwhere(calcium)
    return zyx, volume.hu[tuple(zyx.T)].astype(np.float64)


def _components(zyx: np.ndarray, hu: np.ndarray, connectivity: int) -> _Components:
    in_plane = np.zeros((3, 3, 3), dtype=bool)
    in_plane[1] = ndimage.generate_binary_structure(2, 2 if connectivity == 8 else 1)
    component = _label(zyx, in_plane)
    n_voxels = np.bincount(component)
    max_hu = np.full(len(n_voxels), -np.inf)
    np.maximum.at(max_hu, component, hu)
    return _Components(zyx, hu, component, n_voxels, max_hu)


def _label(zyx: np.ndarray, structure: np.ndarray) -> np.ndarray:
    """Connected component (0, 1, ...) of each voxel, labelled inside the voxels' bounding box."""
    if len(zyx) == 0:
        return np.zeros(0, dtype=np.intp)
    inside = tuple((zyx - zyx.min(axis=0)).T)
    box = np.zeros(np.ptp(zyx, axis=0) + 1, dtype=bool)
    box[inside] = True
    labels, _ = ndimage.label(box, structure)
    return labels[inside].astype(np.intp) - 1


def _counted(components: _Components, volume: Volume, conventions: Conventions) -> np.ndarray:
    area = components.n_voxels * _pixel_area_mm2(volume)
    large = area >= conventions.minimum_area_mm2 * (1 - _AREA_TOLERANCE)
    return large & (components.n_voxels >= conventions.minimum_voxels)


def _points(components: _Components, counted: np.ndarray, limits: tuple[float, ...]) -> np.ndarray:
    """Voxels x weight of each component: whole numbers, whose sum depends on no order."""
    # What reaches the threshold is calcium and weighs 1, also where a convention counts from 90 HU.
    weight = 1 + np.digitize(components.max_hu, limits[1:])
    return np.where(counted, components.n_voxels * weight, 0)


def _unit(volume: Volume, conventions: Conventions) -> float:
    """Agatston score of one voxel of weight 1."""
    increment = volume.spacing_xyz_mm[2] / REFERENCE_INCREMENT_MM
    return _pixel_area_mm2(volume) * (increment if conventions.increment_correction else 1.0)


def _agatston(zyx, hu, volume: Volume, conventions: Conventions, limits: tuple[float, ...]) -> float:
    components = _components(zyx, hu, conventions.connectivity)
    points = _points(components, _counted(components, volume, conventions), limits)
    return float(points.sum() * _unit(volume, conventions))


def _kvp_adjusted(zyx, hu, volume, conventions: Conventions, kvp, unadjusted: float) -> float | None:
    limits = density_limits(kvp)
    if limits is None:
        return None
    if limits == DENSITY_LIMITS_120_KV:
        return unadjusted
    # A convention's own threshold is raised in the same proportion as 130 HU.
    bright = hu >= conventions.threshold * limits[0] / DENSITY_LIMITS_120_KV[0]
    return _agatston(zyx[bright], hu[bright], volume, conventions, limits)


def _by_lesion(components: _Components, points: np.ndarray, connectivity: int):
    """Counted components joined across slices: voxels (indices) and points of each lesion, highest first."""
    voxels = np.flatnonzero(points[components.voxel_component] > 0)
    if len(voxels) == 0:
        return []
    structure = ndimage.generate_binary_structure(3, 3 if connectivity == 8 else 1)
    lesion = _label(components.voxel_zyx[voxels], structure)
    # Every voxel of a component lies in the same lesion, so any of them tells which.
    lesion_of = np.zeros(len(points), dtype=np.intp)
    lesion_of[components.voxel_component[voxels]] = lesion
    lesion_points = np.bincount(lesion_of, weights=points)
    voxels_of = np.split(voxels[np.argsort(lesion, kind="stable")], np.cumsum(np.bincount(lesion))[:-1])
    return [(voxels_of[i], lesion_points[i]) for i in np.argsort(-lesion_points, kind="stable")]


def _lesions(components: _Components, points, unit, volume, conventions, calibration) -> tuple[Lesion, ...]:
    found = []
    for voxels, lesion_points in _by_lesion(components, points, conventions.connectivity):
        zyx, hu = components.voxel_zyx[voxels], components.voxel_hu[voxels]
        found.append(
            Lesion(
                label=len(found) + 1,
                z_slices=tuple(int(z) for z in np.unique(zyx[:, 0])),
                max_hu=float(hu.max()),
                agatston=float(lesion_points * unit),
                volume_mm3=float(len(voxels) * volume.voxel_volume_mm3),
                mass_mg=_mass_mg(hu, volume, calibration),
                centroid_lps_mm=volume.point_lps_mm(zyx.mean(axis=0)),
            )
        )
    return tuple(found)


def _mass_mg(hu: np.ndarray, volume: Volume, calibration: float | None) -> float | None:
    """Mean HU x volume x calibration factor (Hong et al., Radiology 2002;223:474)."""
    if calibration is None:
        return None
    return float(calibration * hu.sum() * volume.voxel_volume_mm3 / 1000.0)


def _pixel_area_mm2(volume: Volume) -> float:
    return float(volume.spacing_xyz_mm[0] * volume.spacing_xyz_mm[1])

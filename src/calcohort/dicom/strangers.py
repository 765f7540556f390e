"""Slices that do not belong where they lie: of another place, patient or scale, turned, or no image."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

# A slice loses its tissue, or its air, between two that have it only where its scale is wrong.
_SHARE_OF_NEIGHBOURS, _LEAST_OF_NEIGHBOURS = 0.05, 0.1
# From pixel to pixel scans vary by 15 to 60 HU, hardly more in one slice; bytes that are no image by 600.
_ROUGHEST_HU, _TIMES_AS_ROUGH = 200, 5
_ROW_STEP, _ROUGH_RANGE_HU = 8, (-1000, 1000)
# Pixels along a side of a thumbnail, each the mean of so many along a side of its block.
_SIDE, _OF_A_BLOCK = 24, 4
_RANGE_HU = (-1000, 400)
# A stranger differs from both neighbours by so much more than they do from each other.
_TIMES, _LEAST_HU = 2.0, 20.0
# It is brighter than both in places and darker in others: what is planted in a slice is one of them alone.
_BOTH_WAYS_HU = 25.0


def thumbnail(values: np.ndarray) -> np.ndarray:
    """Hounsfield units of a slice in a few blocks, shape (24, 24) or as many as the slice has pixels."""
    rows, columns = (min(_SIDE, n) for n in values.shape)
    step = [max(1, n // (m * _OF_A_BLOCK)) for n, m in zip(values.shape, (rows, columns), strict=True)]
    few = values[:: step[0], :: step[1]]
    high, wide = len(few) // rows, few.shape[1] // columns
    few = few[: rows * high, : columns * wide].astype(np.float32).clip(*_RANGE_HU)
    return few.reshape(rows, high, columns, wide).mean(axis=(1, 3))


def foreign(thumbnails: Sequence[np.ndarray], has_values: Callable[[int], bool]) -> bool:
    """Whether a slice differs from both its neighbours, which are alike; drawings are not judged."""
    if len(thumbnails) < 3:
        return False
    small = np.array(thumbnails)
    from_below, from_above = small[1:-1] - small[:-2], small[1:-1] - small[2:]
    nearer = np.minimum(_rms(from_below), _rms(from_above))
    apart = np.maximum(_rms(small[2:] - small[:-2]), _LEAST_HU)
    brighter = _rms(np.minimum(from_below, from_above).clip(min=0))
    darker = _rms(np.maximum(from_below, from_above).clip(max=0))
    strange = (nearer > _TIMES * apart) & (np.minimum(brighter, darker) > _BOTH_WAYS_HU)
    return any(has_values(z - 1) and has_values(z + 1) for z in np.flatnonzero(strange) + 1)


def roughness(values: np.ndarray) -> float:
    """Mean difference of neighbours along some rows of a slice, HU."""
    few = values[::_ROW_STEP].clip(*_ROUGH_RANGE_HU)
    return float(np.abs(np.diff(few, axis=1)).mean())


def one_loses(n_pixels: np.ndarray, size: float) -> bool:
    """Whether a slice has hardly any pixels of a kind that both its neighbours have."""
    least = np.minimum(n_pixels[:-2], n_pixels[2:])
    lost = n_pixels[1:-1] < _LEAST_OF_NEIGHBOURS * least
    return bool(np.any(lost & (least > _SHARE_OF_NEIGHBOURS * size)))


def one_is_noise(rough: np.ndarray) -> bool:
    """Whether one of the slices, of some roughness each, is as rough as no image, and none beside it."""
    below, above = np.append(rough[1], rough[:-1]), np.append(rough[1:], rough[-2])
    return bool(np.any((rough > _ROUGHEST_HU) & (rough > _TIMES_AS_ROUGH * np.maximum(below, above))))


def scale_loses(n_pixels: np.ndarray, size: float, scales: Sequence[tuple[float, float]]) -> bool:
    """Whether pixels of a kind end where the slope or intercept of the slices changes."""
    borders = np.flatnonzero([below != above for below, above in pairwise(scales)])
    sides = np.array([n_pixels[borders], n_pixels[borders + 1]])
    less, more = sides.min(axis=0), sides.max(axis=0)
    return bool(np.any((less < _LEAST_OF_NEIGHBOURS * more) & (more > _SHARE_OF_NEIGHBOURS * size)))


def _rms(images: np.ndarray) -> np.ndarray:
    return np.sqrt(np.square(images).mean(axis=(1, 2)))

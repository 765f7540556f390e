"""Slices that do not belong where they lie: turned, displaced, or of another place or patient."""

from collections.abc import Callable, Sequence

import numpy as np

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


def strangers(thumbnails: Sequence[np.ndarray], has_values: Callable[[int], bool]) -> bool:
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


def _rms(images: np.ndarray) -> np.ndarray:
    return np.sqrt(np.square(images).mean(axis=(1, 2)))

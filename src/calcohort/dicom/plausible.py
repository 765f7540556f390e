"""Whether the Hounsfield units of a scan can be what a scanner measured."""

import math
import zlib

import numpy as np

from calcohort.dicom.padding import Padding
from calcohort.dicom.reasons import Rejected

# Metal reaches 30,000 HU on extended scales; padding was taken out before.
LARGEST_HU = np.iinfo(np.int16).max
# Denser than any bone; metal and its artefacts fill a few percent of a scan at most.
DENSE_HU, LARGEST_DENSE_SHARE = 3100, 0.1
# A scan holds tissue beside its air, in more than one shade of grey.
_TISSUE_ABOVE_HU, _AIR_BELOW_HU, _SMALLEST_RANGE_HU = -300, -300, 1
# Where the scale was applied twice, air seems to be padding and hardly anything is left above fat.
_SMALLEST_TISSUE_SHARE = 0.01
# A slice without air of which so much is as dense as bone has lost its intercept.
_BONE_HU, _LARGEST_BONE_SHARE = 700, 0.1
# A slice whose last rows are empty, more of them than in its neighbours, was written in part.
_EMPTY_ROWS, _EMPTY_SHARE = 4, 0.02
# Enough to find slices that may be alike, which are then compared whole.
_ROWS_OF_A_CHECKSUM = 8
# Noise has many values; drawings and phantoms, in which whole rows may be alike, have few.
_VALUES_OF_NOISE = 64


class Plausibility:
    """What the slices of a scan show together, noted as they are decoded."""

    def __init__(self, n_slices: int):
        self._empty = np.zeros(n_slices, dtype=int)
        self._checksums = np.zeros(n_slices, dtype=np.int64)
        self._padded = self._guessed = self._dense = self._tissue = 0
        self._lowest, self._highest = np.inf, -np.inf
        self._shifted = False

    def note(self, level: int, words: np.ndarray, values: np.ndarray, padding: Padding | None) -> None:
        """Take in one slice: its place, stored words, Hounsfield units and padding.

        Raises
        ------
        Rejected
            implausible_hu, where no metal is as dense.
        """
        largest = float(values.max())
        if largest > LARGEST_HU:
            raise Rejected("implausible_hu")
        shown = True if padding is None else ~padding.mask
        lowest = float(values.min(where=shown, initial=LARGEST_HU))
        if padding is not None:
            self._padded, self._guessed = self._padded + 1, self._guessed + padding.guessed
        self._lowest, self._highest = min(self._lowest, lowest), max(self._highest, largest)
        self._tissue += np.count_nonzero(values > _TISSUE_ABOVE_HU)
        if largest > DENSE_HU:
            self._dense += np.count_nonzero(values > DENSE_HU)
        if lowest > _AIR_BELOW_HU and np.count_nonzero(values > _BONE_HU) > _LARGEST_BONE_SHARE * values.size:
            self._shifted = True
        self._empty[level] = _empty_rows(words)
        middle = len(words) // 2
        self._checksums[level] = zlib.crc32(words[middle : middle + _ROWS_OF_A_CHECKSUM])

    def judge(self, hu, one_scale: bool) -> tuple[str, ...]:
        """Warnings about the scan, whose slices `hu` gives by number.

        Raises
        ------
        Rejected
            implausible_hu, or truncated where a slice was written in part or not at all.
        """
        n_slices, size = len(self._empty), math.prod(hu.shape)
        # Guessing needs a scale to trust: few dark slices among others with another intercept may be damaged.
        if self._guessed and not one_scale and self._guessed < n_slices / 2:
            raise Rejected("implausible_hu")
        has_image = self._highest - self._lowest >= _SMALLEST_RANGE_HU and self._highest > _TISSUE_ABOVE_HU
        twice = self._guessed > n_slices / 2 and self._tissue < _SMALLEST_TISSUE_SHARE * size
        if not has_image or twice or self._shifted or self._dense > LARGEST_DENSE_SHARE * size:
            raise Rejected("implausible_hu")
        if self._written_in_part(hu):
            raise Rejected("truncated")
        # No noise is the same twice: a slice's pixels were written in place of another's.
        same = np.flatnonzero(np.diff(self._checksums) == 0)
        if any(_has_noise(hu[z]) and np.array_equal(hu[z], hu[z + 1]) for z in same):
            raise Rejected("implausible_hu")
        notes = ("padding",) if self._padded else ()
        return notes + (("unusual_hu",) if self._lowest > _AIR_BELOW_HU else ())

    def _written_in_part(self, hu) -> bool:
        least = max(_EMPTY_ROWS, _EMPTY_SHARE * hu.shape[1])
        written = np.flatnonzero(self._empty < hu.shape[1])
        for z, own in enumerate(self._empty):
            # The nearest that were written, as several neighbours may be missing.
            beside = [*written[written < z][-1:], *written[written > z][:1]]
            if own - max(self._empty[beside], default=own) > least and all(_has_noise(hu[n]) for n in beside):
                return True
        return False


def _has_noise(values: np.ndarray) -> bool:
    return len(np.unique(values)) > _VALUES_OF_NOISE


def _empty_rows(words: np.ndarray) -> int:
    """How many of the last rows hold one value, and the same."""
    last = words[-1, -1]
    if (words[-1] != last).any():
        return 0
    filled = np.flatnonzero((words != last).any(axis=1))
    return len(words) - 1 - int(filled[-1]) if len(filled) else len(words)

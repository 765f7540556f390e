"""Whether the Hounsfield units of a scan can be what a scanner measured."""

import math
import zlib
from collections.abc import Sequence

import numpy as np

from calcohort.dicom.padding import TISSUE_ABOVE_HU, Padding
from calcohort.dicom.reasons import Rejected
from calcohort.dicom.strangers import foreign, one_is_noise, one_loses, roughness, scale_loses, thumbnail
from calcohort.dicom.written import Rows, written_in_part

# Metal reaches 30,000 HU on extended scales; padding was taken out before.
LARGEST_HU = np.iinfo(np.int16).max
# Denser than any bone; metal and its artefacts fill a few percent of a scan, and of a slice not much more.
DENSE_HU, LARGEST_DENSE_SHARE, _LARGEST_DENSE_SHARE_OF_SLICE = 3100, 0.1, 0.15
# A scan holds tissue beside its air, in more than one shade of grey.
_AIR_BELOW_HU, _SMALLEST_RANGE_HU = -300, 1
# Where the scale was applied twice, air seems to be padding and hardly anything is left above fat.
_SMALLEST_TISSUE_SHARE = 0.01
# A slice without air of which so much is as dense as bone has lost its intercept.
_BONE_HU, _LARGEST_BONE_SHARE = 700, 0.1
# Enough to find slices that may be alike, which are then compared whole.
_ROWS_OF_A_CHECKSUM = 8
_VALUES_OF_NOISE = 64


class Plausibility:
    """What the slices of a scan show together, noted as they are decoded."""

    def __init__(self, n_slices: int):
        self._rows: list[Rows | None] = [None] * n_slices
        self._checksums = np.zeros(n_slices, dtype=np.int64)
        self._roughness = np.zeros(n_slices)
        self._thumbnails: list[np.ndarray | None] = [None] * n_slices
        self._tissue = np.zeros(n_slices, dtype=np.int64)
        self._padded = self._guessed = self._dense = 0
        self._lowest, self._highest = np.inf, -np.inf
        self._shifted = False

    def note(self, level: int, words: np.ndarray, values: np.ndarray, padding: Padding | None) -> None:
        """Take in one slice: its place, stored words, Hounsfield units and padding.

        Raises
        ------
        Rejected
            implausible_hu, where no metal is as dense, or dense over so much of a slice.
        """
        largest_of_rows = values.max(axis=1)
        largest = float(largest_of_rows.max())
        if largest > LARGEST_HU:
            raise Rejected("implausible_hu")
        shown = True if padding is None else ~padding.mask
        lowest = float(values.min(where=shown, initial=LARGEST_HU))
        if padding is not None:
            self._padded, self._guessed = self._padded + 1, self._guessed + padding.guessed
        self._lowest, self._highest = min(self._lowest, lowest), max(self._highest, largest)
        self._tissue[level] = np.count_nonzero(values > TISSUE_ABOVE_HU)
        if largest > DENSE_HU:
            n_dense = np.count_nonzero(values > DENSE_HU)
            if n_dense > _LARGEST_DENSE_SHARE_OF_SLICE * values.size:
                raise Rejected("implausible_hu")
            self._dense += n_dense
        if lowest > _AIR_BELOW_HU and np.count_nonzero(values > _BONE_HU) > _LARGEST_BONE_SHARE * values.size:
            self._shifted = True
        self._rows[level] = Rows.of(words, largest_of_rows > TISSUE_ABOVE_HU, largest)
        self._thumbnails[level] = thumbnail(values)
        self._roughness[level] = roughness(values)
        middle = len(words) // 2
        self._checksums[level] = zlib.crc32(words[middle : middle + _ROWS_OF_A_CHECKSUM])

    def judge(self, hu, scales: Sequence[tuple[float, float]]) -> tuple[str, ...]:
        """Warnings about the scan, whose slices `hu` and their slopes and intercepts `scales` give by number.

        Raises
        ------
        Rejected
            implausible_hu, or truncated where a slice was written in part or not at all.
        """
        n_slices, size = len(self._rows), math.prod(hu.shape)
        # Guessing needs a scale to trust: few dark slices among others with another intercept may be damaged.
        if self._guessed and len(set(scales)) > 1 and self._guessed < n_slices / 2:
            raise Rejected("implausible_hu")
        has_image = self._highest - self._lowest >= _SMALLEST_RANGE_HU and self._highest > TISSUE_ABOVE_HU
        twice = self._guessed > n_slices / 2 and self._tissue.sum() < _SMALLEST_TISSUE_SHARE * size
        if not has_image or twice or self._shifted or self._dense > LARGEST_DENSE_SHARE * size:
            raise Rejected("implausible_hu")
        if written_in_part(self._rows, lambda z: _has_values(hu[z])):
            raise Rejected("truncated")
        size_of_slice = size // n_slices
        for shown in (self._tissue, size_of_slice - self._tissue):
            if one_loses(shown, size_of_slice) or scale_loses(shown, size_of_slice, scales):
                raise Rejected("implausible_hu")
        is_strange = one_is_noise(self._roughness) or foreign(self._thumbnails, lambda z: _has_values(hu[z]))
        if is_strange or self._holds_a_slice_twice(hu):
            raise Rejected("implausible_hu")
        notes = ("padding",) if self._padded else ()
        return notes + (("unusual_hu",) if self._lowest > _AIR_BELOW_HU else ())

    def _holds_a_slice_twice(self, hu) -> bool:
        """No noise is the same twice: pixels were written in place of another slice's.

        Where most slices are alike, an image was repeated on purpose.
        """
        order = np.argsort(self._checksums, kind="stable")
        alike = np.flatnonzero(np.diff(self._checksums[order]) == 0)
        twins = [order[n] for n in alike if np.array_equal(hu[order[n]], hu[order[n + 1]])]
        return len(twins) <= len(order) / 2 and any(_has_noise(hu[z]) for z in twins)


def _has_values(values: np.ndarray) -> bool:
    """Noise has many values; drawings and phantoms, in which whole rows may be alike, have few."""
    return len(np.unique(values)) > _VALUES_OF_NOISE


def _has_noise(values: np.ndarray) -> bool:
    """Whether tissue varies from pixel to pixel, as nothing smooth does."""
    if not _has_values(values):
        return False
    along = np.asarray(values, dtype=np.float32)
    bends = np.abs(along[:, 2:] - 2 * along[:, 1:-1] + along[:, :-2])[along[:, 1:-1] > TISSUE_ABOVE_HU]
    return len(bends) > _SMALLEST_TISSUE_SHARE * values.size and float(np.median(bends)) > 1

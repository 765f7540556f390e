"""Pixels outside the reconstruction: declared by the header or known by values that no scanner measures."""

from dataclasses import dataclass

import numpy as np

from calcohort.dicom.frames import Frame
from calcohort.dicom.pixels import PixelLayout
from calcohort.dicom.reasons import Rejected

AIR_HU = -1000
# Below any tissue, noise or air on the CT scale: only padding lies there (GE writes -2000 before rescaling).
PADDING_HU = -1500
# A declared padding value between these could as well be tissue: it is padding only from the edge inwards.
_TISSUE_HU = (-900, 3100)
# Metal on an extended scale.
_LARGEST_HU = 0x7FFF
# A circle in a square leaves 21 % outside; a slice of nearly nothing but guessed padding has a wrong scale.
_LARGEST_SHARE = 0.9
# Unless what is left is a patient.
TISSUE_ABOVE_HU, _SHARE_OF_TISSUE = -300, 0.2


@dataclass(frozen=True)
class Padding:
    """Padding of one slice. `guessed`: some of it is known by its values alone, not by the header."""

    mask: np.ndarray
    guessed: bool


def find_padding(
    words: np.ndarray, stored: np.ndarray, hu: np.ndarray, frame: Frame, layout: PixelLayout
) -> Padding | None:
    """Padding of one slice, or None.

    Parameters
    ----------
    words, stored, hu : ndarray, shape (rows, columns)
        The slice as words with all bits, as stored values, and in Hounsfield units.

    Raises
    ------
    Rejected
        implausible_hu where nearly the whole slice would be padding that no header declares.
    """
    declared = _declared(words, stored, frame, layout)
    mask = declared
    if hu.min() <= PADDING_HU:
        mask = _or(mask, hu <= PADDING_HU)
    if layout.bits_allocated == 16 and words.max() >= 0x7FFF:
        mask = _or(mask, _saturated(words, stored, hu, layout))
    if mask is None or not mask.any():
        return None
    guessed = declared is None or bool(np.any(mask & ~declared))
    if guessed and mask.mean() > _LARGEST_SHARE and np.mean(hu[~mask] > TISSUE_ABOVE_HU) < _SHARE_OF_TISSUE:
        raise Rejected("implausible_hu")
    return Padding(mask, guessed)


def has_no_padding(low: int, high: int, frame: Frame, layout: PixelLayout) -> bool:
    """Whether 16-bit stored values between `low` and `high`, for a positive slope, hold no padding at all."""
    if high >= 0x7FFF or low * frame.slope + frame.intercept <= PADDING_HU:
        return False
    if layout.padding is None:
        return True
    first, last = _declared_range(layout)
    return last < low or first > high


def _saturated(words, stored, hu, layout: PixelLayout) -> np.ndarray | None:
    """The largest 16-bit word, padding from the slice's edge inwards, declared or not; elsewhere metal.

    Where it stands for more than metal can have, what lies inwards is padding too, once the edge shows some.
    """
    if layout.signed:
        return _from_edge(stored == 0x7FFF) if layout.bits_stored == 16 else None
    full = words == 0xFFFF
    if layout.bits_stored < 16 and np.any((words >> layout.bits_stored != 0) & ~full):
        # Other words use the upper bits too: an overlay lives there, and a full word may be metal.
        return None
    outside = _from_edge(full)
    return full if outside.any() and hu[full].min() > _LARGEST_HU else outside


def _from_edge(mask: np.ndarray) -> np.ndarray:
    """The connected parts of a mask that reach the edge of the slice."""
    # Few scans need it, and each job of a shard would wait for it.
    from scipy import ndimage

    labels, n = ndimage.label(mask)
    edge = np.concatenate((labels[0], labels[-1], labels[:, 0], labels[:, -1]))
    outside = np.zeros(n + 1, dtype=bool)
    outside[edge] = True
    outside[0] = False
    return outside[labels]


def _declared(words, stored, frame: Frame, layout: PixelLayout) -> np.ndarray | None:
    if layout.padding is None:
        return None
    low, high = _declared_range(layout)
    scaled = [value * frame.slope + frame.intercept for value in (low, high)]
    mask = ((stored >= low) & (stored <= high)) | (words == layout.padding)
    return _from_edge(mask) if any(_TISSUE_HU[0] < value < _TISSUE_HU[1] for value in scaled) else mask


def _declared_range(layout: PixelLayout) -> list[int]:
    limit = layout.padding if layout.padding_limit is None else layout.padding_limit
    return sorted(_signed_word(value, layout) for value in (layout.padding, limit))


def _signed_word(word: int, layout: PixelLayout) -> int:
    return word - 0x10000 if layout.signed and word >= 0x8000 else word


def _or(a: np.ndarray | None, b: np.ndarray | None) -> np.ndarray | None:
    if a is None or b is None:
        return a if b is None else b
    return a | b

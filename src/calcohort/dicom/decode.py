"""From stored pixels to Hounsfield units, slice by slice."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np
from pydicom import uid

from calcohort.dicom.bounded import inflated
from calcohort.dicom.compressed import compressed_frames, decompress
from calcohort.dicom.frames import Frame
from calcohort.dicom.padding import AIR_HU, Padding, find_padding, has_no_padding
from calcohort.dicom.pixels import PixelLayout
from calcohort.dicom.reasons import Rejected

_INT16 = np.iinfo(np.int16)
# A picture whose neighbouring pixels are alike becomes noise with its bytes in the wrong order.
_SMOOTHER = 4


@contextmanager
def open_pixels(path: str, layout: PixelLayout) -> Iterator[BinaryIO]:
    """Stream in which the layout's offset counts: the file, or what a deflated one holds."""
    with open(path, "rb") as handle:
        deflated = layout.transfer_syntax == uid.DeflatedExplicitVRLittleEndian
        yield inflated(handle) if deflated else handle


def stored_frames(handle: BinaryIO, layout: PixelLayout) -> Iterator[np.ndarray]:
    """Stored values of each frame, shape (rows, columns), as unsigned words with all their bits."""
    if not layout.encapsulated:
        code = f"{'<' if layout.little_endian else '>'}u{layout.bits_allocated // 8}"
        handle.seek(layout.offset)
        for _ in range(layout.n_frames):
            data = handle.read(layout.frame_bytes)
            if len(data) < layout.frame_bytes:
                raise Rejected("truncated")
            yield np.frombuffer(data, dtype=code).reshape(layout.rows, layout.columns)
        return
    n_frames = 0
    for frame in compressed_frames(handle, layout):
        n_frames += 1
        if n_frames <= layout.n_frames:
            yield decompress(frame, layout)
    if n_frames != layout.n_frames:
        raise Rejected("truncated")


def to_hounsfield(words: np.ndarray, frame: Frame, layout: PixelLayout) -> tuple[np.ndarray, Padding | None]:
    """Hounsfield units of one slice, with its padding turned to air.

    Parameters
    ----------
    words : ndarray, unsigned, shape (rows, columns)
        Stored words with all bits, those above the high bit included.

    Returns
    -------
    ndarray, int16 or int32 where slope and intercept are whole, else float64
    Padding or None
    """
    shifted = _shifted(words, frame, layout)
    if shifted is not None:
        return shifted, None
    stored = _stored_values(words, layout)
    # 16-bit values times a slope fit into 32 bits only while the slope is small.
    small = abs(frame.slope) < 2**13 and abs(frame.intercept) < 2**29
    if small and layout.bits_allocated == 16 and is_whole(frame):
        hu = stored * np.int32(frame.slope) + np.int32(frame.intercept)
    else:
        hu = stored.astype(np.float64) * frame.slope + frame.intercept
    padding = find_padding(words, stored, hu, frame, layout)
    if padding is not None:
        hu[padding.mask] = AIR_HU
    return hu, padding


def _shifted(words: np.ndarray, frame: Frame, layout: PixelLayout) -> np.ndarray | None:
    """Hounsfield units, int16, of the commonest kind of slice: slope 1, no padding, no overlay.

    Smallest and largest value tell all that the general way finds out pixel by pixel; None for other slices.
    """
    if layout.bits_allocated != 16 or layout.high_bit + 1 != layout.bits_stored:
        return None
    if frame.slope != 1 or not frame.intercept.is_integer() or abs(frame.intercept) > _INT16.max:
        return None
    if layout.signed and layout.bits_stored < 16:
        return None
    signed = words.view(words.dtype.str.replace("u", "i"))
    low, high = (int(extreme) for extreme in (signed.min(), signed.max()))
    if not layout.signed and (low < 0 or high >> layout.bits_stored):
        return None
    if high + frame.intercept > _INT16.max or not has_no_padding(low, high, frame, layout):
        return None
    return signed + np.int16(frame.intercept)


def fits(words: np.ndarray, layout: PixelLayout) -> bool:
    """Whether words hold nothing beside the bits that the header calls stored."""
    full = words.view(words.dtype.str.replace("u", "i")) if layout.signed else words
    return bool(np.array_equal(_stored_values(words, layout), full))


def is_whole(frame: Frame) -> bool:
    """Whether the slice's scale gives whole Hounsfield units."""
    return frame.slope.is_integer() and frame.intercept.is_integer()


def _stored_values(words: np.ndarray, layout: PixelLayout) -> np.ndarray:
    """Signed 32-bit (or wider) values of the stored bits alone: overlays may live in the others."""
    wide = np.int32 if layout.bits_allocated == 16 else np.int64
    shift = layout.high_bit + 1 - layout.bits_stored
    if layout.bits_stored == layout.bits_allocated:
        return (words.view(words.dtype.str.replace("u", "i")) if layout.signed else words).astype(wide)
    values = (words.astype(wide) >> shift) & ((1 << layout.bits_stored) - 1)
    if layout.bits_allocated == 16 and shift == 0 and not layout.signed:
        _check_byte_order(words, layout)
    if layout.signed:
        sign = 1 << (layout.bits_stored - 1)
        values = (values ^ sign) - sign
    return values


def _check_byte_order(words: np.ndarray, layout: PixelLayout) -> None:
    """Overlays in unused bits leave the picture as smooth as it was; bytes in the wrong order do not."""
    if not (words >> layout.bits_stored).any():
        return
    kept = (1 << layout.bits_stored) - 1
    as_is, swapped = (_roughness(order & kept) for order in (words, words.byteswap()))
    if swapped < as_is / _SMOOTHER and not (words.byteswap() >> layout.bits_stored).any():
        raise Rejected("implausible_hu")


def _roughness(values: np.ndarray) -> float:
    return float(np.abs(np.diff(values.astype(np.int32), axis=1)).mean())

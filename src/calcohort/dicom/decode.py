"""From stored pixels to Hounsfield units, slice by slice."""

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np
from pydicom import uid
from pydicom.encaps import generate_fragments, generate_frames, parse_fragments
from pydicom.pixels import get_decoder

from calcohort.dicom.bounded import inflated
from calcohort.dicom.codestream import read_stream
from calcohort.dicom.frames import Frame
from calcohort.dicom.padding import AIR_HU, Padding, find_padding, has_no_padding
from calcohort.dicom.pixels import PixelLayout
from calcohort.dicom.reasons import Rejected
from calcohort.dicom.run_length import decode_run_length

# Named ones, so that the result never depends on which others are installed; where two are, both must agree.
_DECODERS = {
    uid.JPEGLSLossless: ("pyjpegls",),
    uid.JPEGLSNearLossless: ("pyjpegls",),
    uid.JPEG2000Lossless: ("pylibjpeg", "gdcm"),
    uid.JPEG2000: ("pylibjpeg", "gdcm"),
    uid.JPEGLossless: ("pylibjpeg", "gdcm"),
    uid.JPEGLosslessSV1: ("pylibjpeg", "gdcm"),
    uid.JPEGBaseline8Bit: ("pylibjpeg",),
    uid.JPEGExtended12Bit: ("pylibjpeg",),
}

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
    for frame in _encapsulated(handle, layout):
        n_frames += 1
        if n_frames <= layout.n_frames:
            yield _decompress(frame, layout)
    if n_frames != layout.n_frames:
        raise Rejected("truncated")


def _encapsulated(handle: BinaryIO, layout: PixelLayout) -> Iterator[bytes]:
    """Compressed frames one by one. Where the fragments alone tell, the table of offsets is not believed."""
    handle.seek(layout.offset + 4)
    first = layout.offset + 8 + struct.unpack("<L", handle.read(4))[0]
    handle.seek(first)
    n_fragments, _ = parse_fragments(handle)
    if layout.n_frames == 1:
        yield b"".join(generate_fragments(handle))
    elif n_fragments == layout.n_frames:
        yield from generate_fragments(handle)
    else:
        handle.seek(layout.offset)
        yield from generate_frames(handle, number_of_frames=layout.n_frames)


def _decompress(frame: bytes, layout: PixelLayout) -> np.ndarray:
    syntax = uid.UID(layout.transfer_syntax)
    if syntax == uid.RLELossless:
        words = decode_run_length(frame, layout.rows * layout.columns, layout.bits_allocated // 8)
        return words.reshape(layout.rows, layout.columns)
    _check_codestream(frame, layout)
    results = [_run(plugin, syntax, frame, layout) for plugin in _DECODERS.get(syntax, ("pylibjpeg",))]
    # Decoders differ on damaged streams, and some return nonsense without an error.
    if any(not np.array_equal(results[0], other) for other in results[1:]):
        raise Rejected("undecodable")
    return results[0]


def _run(plugin: str, syntax: uid.UID, frame: bytes, layout: PixelLayout) -> np.ndarray:
    item = struct.pack("<HHL", 0xFFFE, 0xE000, len(frame))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values, _ = get_decoder(syntax).as_array(
            b"\xfe\xff\x00\xe0\x00\x00\x00\x00" + item + frame,
            raw=True,
            index=0,
            decoding_plugin=plugin,
            rows=layout.rows,
            columns=layout.columns,
            number_of_frames=1,
            samples_per_pixel=1,
            bits_allocated=layout.bits_allocated,
            bits_stored=layout.bits_stored,
            pixel_representation=int(layout.signed),
            photometric_interpretation="MONOCHROME2",
            pixel_keyword="PixelData",
        )
    if values.shape != (layout.rows, layout.columns):
        raise Rejected("undecodable")
    n_bytes = layout.bits_allocated // 8
    return values.astype(f"<i{n_bytes}", copy=False).view(f"<u{n_bytes}")


def _check_codestream(frame: bytes, layout: PixelLayout) -> None:
    """The stream's own size and depth must be the header's, and it must run to its end marker."""
    if not frame.rstrip(b"\0").endswith(b"\xff\xd9"):
        raise Rejected("truncated")
    stream = read_stream(frame, layout.transfer_syntax)
    if (stream.rows, stream.columns, stream.components) != (layout.rows, layout.columns, 1):
        raise Rejected("undecodable")
    # Fewer bits than announced leave a sign bit where no decoder looks for it.
    if stream.bits > layout.bits_allocated or (layout.signed and stream.bits < layout.bits_stored):
        raise Rejected("undecodable")
    if stream.lossy and not layout.lossy:
        raise Rejected("lossy")


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

"""From stored pixels to Hounsfield units, slice by slice."""

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import BinaryIO

import numpy as np
import pydicom
from pydicom import uid
from pydicom.encaps import generate_frames
from pydicom.pixels import get_decoder

from calcohort.dicom.frames import Frame
from calcohort.dicom.padding import AIR_HU, Padding, find_padding
from calcohort.dicom.pixels import PixelLayout
from calcohort.dicom.reasons import Rejected

# One decoder each, so that the result never depends on which others are installed.
_DECODERS = {
    uid.JPEGLSLossless: ("pyjpegls",),
    uid.JPEGLSNearLossless: ("pyjpegls",),
    uid.JPEG2000Lossless: ("pylibjpeg", "gdcm"),
    uid.JPEG2000: ("pylibjpeg", "gdcm"),
    uid.JPEGLossless: ("pylibjpeg", "gdcm"),
    uid.JPEGLosslessSV1: ("pylibjpeg", "gdcm"),
    uid.JPEGBaseline8Bit: ("pylibjpeg",),
    uid.JPEGExtended12Bit: ("pylibjpeg",),
    uid.RLELossless: ("pydicom",),
}
_J2K = {uid.JPEG2000Lossless, uid.JPEG2000, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K}


@contextmanager
def open_pixels(path: str, layout: PixelLayout) -> Iterator[BinaryIO]:
    """Stream in which the layout's offset counts: the file, or the pixel data of a deflated one."""
    if layout.transfer_syntax == uid.DeflatedExplicitVRLittleEndian:
        yield BytesIO(pydicom.dcmread(path, specific_tags=["PixelData"]).PixelData)
        return
    with open(path, "rb") as handle:
        yield handle


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
    handle.seek(layout.offset)
    fragments = handle.read(layout.length)
    frames = list(generate_frames(fragments, number_of_frames=layout.n_frames))
    if len(frames) != layout.n_frames:
        raise Rejected("truncated")
    for frame in frames:
        yield _decompress(frame, layout)


def _decompress(frame: bytes, layout: PixelLayout) -> np.ndarray:
    syntax = uid.UID(layout.transfer_syntax)
    if syntax != uid.RLELossless:
        _check_codestream(frame, layout)
    results = [_run(plugin, syntax, frame, layout) for plugin in _DECODERS.get(syntax, ("pylibjpeg",))]
    # Decoders differ on damaged streams, and some return nonsense without an error.
    if any(not np.array_equal(results[0], other) for other in results[1:]):
        raise Rejected("undecodable")
    return results[0]


def _run(plugin: str, syntax: uid.UID, frame: bytes, layout: PixelLayout) -> np.ndarray:
    item = struct.pack("<HHL", 0xFFFE, 0xE000, len(frame))
    with warnings.catch_warnings():
        # A run-length stream that ends late or early is damaged; pydicom only warns.
        warnings.simplefilter("error" if syntax == uid.RLELossless else "ignore")
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
    """The stream's own size must be the header's, and it must run to its end marker."""
    stream = frame.rstrip(b"\0")
    if not stream.endswith(b"\xff\xd9"):
        raise Rejected("truncated")
    size = _j2k_size(stream) if layout.transfer_syntax in _J2K else _jpeg_size(stream)
    if size != (layout.rows, layout.columns, 1):
        raise Rejected("undecodable")


def _jpeg_size(stream: bytes) -> tuple[int, int, int]:
    at = 2
    while at + 9 < len(stream) and stream[at] == 0xFF:
        marker = stream[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            rows, columns, components = struct.unpack(">HHB", stream[at + 5 : at + 10])
            return rows, columns, components
        at += 2 + struct.unpack(">H", stream[at + 2 : at + 4])[0]
    raise Rejected("undecodable")


def _j2k_size(stream: bytes) -> tuple[int, int, int]:
    at = stream.find(b"\xff\x4f\xff\x51")
    if at < 0 or at + 42 > len(stream):
        raise Rejected("undecodable")
    width, height, left, top = struct.unpack(">LLLL", stream[at + 8 : at + 24])
    components = struct.unpack(">H", stream[at + 40 : at + 42])[0]
    return height - top, width - left, components


def to_hounsfield(words: np.ndarray, frame: Frame, layout: PixelLayout) -> tuple[np.ndarray, Padding | None]:
    """Hounsfield units of one slice, with its padding turned to air.

    Parameters
    ----------
    words : ndarray, unsigned, shape (rows, columns)
        Stored words with all bits, those above the high bit included.

    Returns
    -------
    ndarray, int32 where slope and intercept are whole, else float64
    Padding or None
    """
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
    if layout.signed:
        sign = 1 << (layout.bits_stored - 1)
        values = (values ^ sign) - sign
    return values

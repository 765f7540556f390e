"""Compressed frames: where they lie in a file, and the words they hold."""

import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO

import imagecodecs
import numpy as np
from pydicom import uid
from pydicom.encaps import generate_fragments, generate_frames, parse_fragments

from calcohort.dicom.codestream import J2K, JPEG, JPEG_LOSSLESS, JPEG_LS, Stream, read_stream
from calcohort.dicom.pixels import PixelLayout
from calcohort.dicom.reasons import Rejected
from calcohort.dicom.run_length import decode_run_length

# Each syntax has its own, so that a result never depends on what else is installed.
_DECODERS: dict[str, Callable[[bytes], np.ndarray]] = {
    **dict.fromkeys(J2K, imagecodecs.jpeg2k_decode),
    **dict.fromkeys(JPEG_LS, imagecodecs.jpegls_decode),
    **dict.fromkeys(JPEG, imagecodecs.jpeg8_decode),
}


def compressed_frames(handle: BinaryIO, layout: PixelLayout) -> Iterator[bytes]:
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


def decompress(frame: bytes, layout: PixelLayout) -> np.ndarray:
    """Stored words of a frame, little-endian unsigned, shape (rows, columns).

    Raises
    ------
    Rejected
        undecodable, truncated, or lossy where the header does not say so.
    """
    if layout.transfer_syntax == uid.RLELossless:
        words = decode_run_length(frame, layout.rows * layout.columns, layout.bits_allocated // 8)
        return words.reshape(layout.rows, layout.columns)
    stream = _checked(frame, layout)
    values = _words(_DECODERS[layout.transfer_syntax](frame), layout)
    if layout.transfer_syntax in JPEG_LOSSLESS and stream.plain:
        _check_by_another(values, frame, layout)
    return values


def _check_by_another(values: np.ndarray, frame: bytes, layout: PixelLayout) -> None:
    """Behind damage JPEG Lossless decoders go on, each in its own way; this one knows plain streams only."""
    if not np.array_equal(values, _words(imagecodecs.jpegsof3_decode(frame), layout)):
        raise Rejected("undecodable")


def _words(values: np.ndarray, layout: PixelLayout) -> np.ndarray:
    if values.shape != (layout.rows, layout.columns):
        raise Rejected("undecodable")
    n_bytes = layout.bits_allocated // 8
    return values.astype(f"<i{n_bytes}", copy=False).view(f"<u{n_bytes}")


def _checked(frame: bytes, layout: PixelLayout) -> Stream:
    """The stream's own size and depth must be the header's, and it must run to its end marker."""
    if not frame.rstrip(b"\0").endswith(b"\xff\xd9"):
        raise Rejected("truncated")
    stream = read_stream(frame, layout.transfer_syntax)
    if (stream.rows, stream.columns, stream.components) != (layout.rows, layout.columns, 1):
        raise Rejected("undecodable")
    # Fewer bits than announced leave a sign bit where no decoder looks for it.
    loses_sign = layout.signed and not stream.signed and stream.bits < layout.bits_stored
    if stream.bits > layout.bits_allocated or loses_sign:
        raise Rejected("undecodable")
    if stream.lossy and not layout.lossy:
        raise Rejected("lossy")
    return stream

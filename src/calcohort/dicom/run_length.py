"""Run-length frames: each byte of a stored word is a segment of its own, the highest first."""

import struct

import imagecodecs
import numpy as np

from calcohort.dicom.reasons import Rejected

_HEADER = struct.Struct("<16L")


def decode_run_length(frame: bytes, n_pixels: int, bytes_per_pixel: int) -> np.ndarray:
    """Stored words of a run-length frame (DICOM PS3.5, annex G).

    A segment is what others call PackBits; that it is whole is judged here. Some writers fill up a segment
    with more zeros than the standard's one, which read as further pixels: these are cut off. Any other
    surplus is damage.

    Returns
    -------
    ndarray, little-endian unsigned, shape (n_pixels,)

    Raises
    ------
    Rejected
        undecodable if the segments are not those of such a frame, or do not hold its pixels exactly.
    """
    if len(frame) < _HEADER.size:
        raise Rejected("undecodable")
    n_segments, *offsets = _HEADER.unpack_from(frame)
    starts, ends = offsets[:bytes_per_pixel], [*offsets[1:bytes_per_pixel], len(frame)]
    in_order = all(start < end for start, end in zip(starts, ends, strict=True))
    if n_segments != bytes_per_pixel or starts[0] < _HEADER.size or not in_order:
        raise Rejected("undecodable")
    words = np.empty((n_pixels, bytes_per_pixel), dtype=np.uint8)
    for plane, (start, end) in enumerate(zip(starts, ends, strict=True)):
        words[:, bytes_per_pixel - 1 - plane] = _segment(frame[start:end], n_pixels)
    return words.reshape(-1).view(f"<u{bytes_per_pixel}")


def _segment(segment: bytes, n_pixels: int) -> np.ndarray:
    values = _decoded(segment)
    # Two zeros of filling read as a run of one pixel.
    filling = 2 * max(len(values) - n_pixels, 0)
    if filling and not segment[-filling:].strip(b"\0"):
        values = _decoded(segment[:-filling])
    if len(values) != n_pixels:
        raise Rejected("undecodable")
    return values


def _decoded(segment: bytes) -> np.ndarray:
    try:
        return np.frombuffer(imagecodecs.packbits_decode(segment), dtype=np.uint8)
    except imagecodecs.ImcdError:  # a run that is longer than what is left of the segment
        raise Rejected("undecodable") from None

"""What a compressed frame says about itself, read from its own header without decoding."""

import struct
from dataclasses import dataclass

from pydicom import uid

from calcohort.dicom.reasons import Rejected

J2K = frozenset({uid.JPEG2000Lossless, uid.JPEG2000, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K})
JPEG_LS = frozenset({uid.JPEGLSLossless, uid.JPEGLSNearLossless})
JPEG_LOSSLESS = frozenset({uid.JPEGLossless, uid.JPEGLosslessSV1})
JPEG = JPEG_LOSSLESS | {uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit}
# Encoders in use write few tiles and precincts of 64 pixels or more; thousands of tiny ones cost a decoder
# gigabytes before it has read a pixel.
_MOST_TILES = 4096
_SMALLEST_PRECINCT = 3


@dataclass(frozen=True)
class Stream:
    """Size, depth and kind of one compressed frame.

    `signed` words have their sign from the decoder; `plain` is a JPEG without restarts and without shift.
    """

    rows: int
    columns: int
    components: int
    bits: int
    lossy: bool
    signed: bool = False
    plain: bool = False


def read_stream(frame: bytes, transfer_syntax: str) -> Stream:
    """Header of a JPEG, JPEG-LS or JPEG 2000 frame; `frame` may be its beginning alone.

    Raises
    ------
    Rejected
        undecodable if it is not what the transfer syntax says.
    """
    syntax = uid.UID(transfer_syntax)
    try:
        return _j2k(frame) if syntax in J2K else _jpeg(frame, syntax in JPEG_LS)
    except (struct.error, IndexError, ValueError):
        raise Rejected("undecodable") from None


def _jpeg(frame: bytes, is_ls: bool) -> Stream:
    found, restarts, at = None, False, 2
    if frame[:2] != b"\xff\xd8":
        raise Rejected("undecodable")
    while True:
        marker, length = struct.unpack(">HH", frame[at : at + 4])
        if marker == 0xFFFF:
            at += 1
            continue
        if marker == 0xFFDA:
            break
        restarts = restarts or marker == 0xFFDD
        if marker == 0xFFF7 or (0xFFC0 <= marker <= 0xFFCF and marker not in (0xFFC4, 0xFFC8, 0xFFCC)):
            bits, rows, columns, components = struct.unpack(">BHHB", frame[at + 4 : at + 10])
            found = marker, bits, rows, columns, components
        at += 2 + length
    if found is None or (found[0] == 0xFFF7) != is_ls:
        raise Rejected("undecodable")
    marker, bits, rows, columns, components = found
    # Behind the components of the scan JPEG-LS keeps the largest error it may make.
    near, _, shift = frame[at + 5 + 2 * frame[at + 4] :][:3]
    lossy = near > 0 if is_ls else marker not in (0xFFC3, 0xFFC7, 0xFFCB, 0xFFCF)
    return Stream(rows, columns, components, bits, lossy, plain=not restarts and not shift & 15)


def _j2k(frame: bytes) -> Stream:
    if frame[:4] != b"\xff\x4f\xff\x51":
        # Some writers keep the file format's boxes around the stream.
        start = frame.find(b"\xff\x4f\xff\x51")
        if start < 0 or frame[4:8] != b"jP  ":
            raise Rejected("undecodable")
        frame = frame[start:]
    right, bottom, left, top, width, height, tile_left, tile_top = struct.unpack(">8L", frame[8:40])
    components = struct.unpack(">H", frame[40:42])[0]
    if not (width and height):
        raise Rejected("undecodable")
    tiles = -(-(right - tile_left) // width) * -(-(bottom - tile_top) // height)
    if tiles > _MOST_TILES:
        raise Rejected("undecodable")
    bits, signed = (frame[42] & 0x7F) + 1, frame[42] >= 0x80
    return Stream(bottom - top, right - left, components, bits, _j2k_coding(frame), signed)


def _j2k_coding(frame: bytes) -> bool:
    """Whether any coding style of the main header uses the irreversible wavelet."""
    at, lossy, seen = 2, False, False
    while True:
        marker, length = struct.unpack(">HH", frame[at : at + 4])
        if marker in (0xFF90, 0xFFD9):
            break
        if marker in (0xFF52, 0xFF53):
            # COC names its component before the same fields as COD.
            style, fields = (frame[at + 4], at + 9) if marker == 0xFF52 else (frame[at + 5], at + 6)
            seen = seen or marker == 0xFF52
            lossy = lossy or frame[fields + 4] == 0
            if style & 1 and min(_exponents(frame[fields + 5 : at + 2 + length])) < _SMALLEST_PRECINCT:
                raise Rejected("undecodable")
        at += 2 + length
    if not seen:
        raise Rejected("undecodable")
    return lossy


def _exponents(precincts: bytes) -> list[int]:
    """Exponents of the precincts' sides but those of the lowest resolution, which is small anyway."""
    return [part for value in precincts[1:] for part in (value & 15, value >> 4)] or [15]

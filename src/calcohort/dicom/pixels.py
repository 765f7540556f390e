"""Where a file keeps its pixels and how they are stored: checked against the file's length, not decoded."""

import os
import struct
from dataclasses import dataclass, replace
from io import BytesIO
from typing import BinaryIO

import pydicom
from pydicom import uid

from calcohort.dicom import kinds
from calcohort.dicom.codestream import J2K, JPEG, JPEG_LS, read_stream
from calcohort.dicom.reasons import Rejected
from calcohort.dicom.tags import Malformed, Tags

# Transfer syntaxes of compressed frames that can be decoded.
_COMPRESSED = J2K | JPEG_LS | JPEG | {uid.RLELossless}
_PIXEL_DATA = 0x7FE00010
_ITEM, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE0DD
_UNDEFINED = 0xFFFFFFFF
# No CT scanner makes a larger matrix; a larger number is a broken header and would ask for gigabytes.
_LARGEST_MATRIX = 4096
# Enough of a compressed frame to hold its header.
_STREAM_HEAD = 4096
# A frame in a fragment, or in a few: a file of empty fragments would keep the reader busy for minutes.
_MOST_FRAGMENTS = 200_000


@dataclass(frozen=True, slots=True)
class PixelLayout:
    """How the pixels of one file are stored.

    `offset` and `length` place the value of the Pixel Data element in the file (in a deflated file: once it
    is inflated); `encapsulated` marks compressed fragments, `lossy` a stream that gave up information
    whatever its transfer syntax promises.
    """

    transfer_syntax: str
    offset: int
    length: int
    encapsulated: bool
    little_endian: bool
    rows: int
    columns: int
    n_frames: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    padding: int | None
    padding_limit: int | None
    lossy: bool = False

    @property
    def lowest(self) -> int:
        """Smallest value that can be stored."""
        return -(1 << (self.bits_stored - 1)) if self.signed else 0

    @property
    def frame_bytes(self) -> int:
        """Bytes of one uncompressed frame."""
        return self.rows * self.columns * self.bits_allocated // 8


def locate_pixels(handle: BinaryIO, dataset: pydicom.FileDataset, tags: Tags) -> PixelLayout:
    """Find the pixel data behind a header that pydicom has just read from `handle`.

    Raises
    ------
    Rejected
        no_pixels, truncated, pixel_length, unsupported_pixels, unsupported_syntax.
    """
    syntax = _syntax(dataset)
    implicit, little = dataset.original_encoding
    try:
        offset, length = _pixel_element(handle, bool(implicit), bool(little))
    except Rejected:
        if "Rows" in tags:
            raise
        # Cut between two elements of the header.
        raise Rejected("truncated") from None
    if not length:
        raise Rejected("no_pixels")
    rows, columns, n_frames, bits = _format(tags)
    encapsulated = length == _UNDEFINED
    if encapsulated != syntax.is_encapsulated:
        raise Rejected("undecodable")
    # What was inflated is plain in memory, and must be inflated again to be read.
    layout = PixelLayout(
        str(uid.DeflatedExplicitVRLittleEndian if isinstance(handle, BytesIO) else syntax),
        offset,
        length,
        encapsulated,
        bool(little),
        rows,
        columns,
        n_frames,
        *bits,
        tags.word("PixelPaddingValue"),
        tags.word("PixelPaddingRangeLimit"),
    )
    if encapsulated:
        end, head = _fragments(handle, offset)
        lossy = kinds.is_lossy(syntax) or (syntax != uid.RLELossless and read_stream(head, syntax).lossy)
        return replace(layout, length=end - offset, lossy=lossy)
    if _size(handle) < offset + length or length < layout.frame_bytes * n_frames:
        raise Rejected("truncated")
    # Values have even length: one byte more than the pixels is padding.
    if length > layout.frame_bytes * n_frames + 1:
        raise Rejected("pixel_length")
    return layout


def _syntax(dataset: pydicom.FileDataset) -> uid.UID:
    name = Tags(dataset.file_meta).text("TransferSyntaxUID")
    if not name:
        implicit, little = dataset.original_encoding
        explicit = uid.ExplicitVRLittleEndian if little else uid.ExplicitVRBigEndian
        return uid.ImplicitVRLittleEndian if implicit else explicit
    syntax = uid.UID(name)
    try:
        supported = not syntax.is_encapsulated or syntax in _COMPRESSED
    except ValueError:
        supported = False
    if not supported:
        raise Rejected("unsupported_syntax")
    return syntax


def _format(tags: Tags) -> tuple[int, int, int, tuple[int, int, int, bool]]:
    try:
        rows, columns = tags.word("Rows"), tags.word("Columns")
        allocated, stored = tags.word("BitsAllocated"), tags.word("BitsStored")
        high, representation = tags.word("HighBit"), tags.word("PixelRepresentation")
        samples = tags.word("SamplesPerPixel")
        frames = tags.number("NumberOfFrames")
    except Malformed:
        raise Rejected("unsupported_pixels") from None
    if stored is None:
        stored = allocated
    if high is None and stored is not None:
        high = stored - 1
    fits = (
        rows is not None
        and columns is not None
        and 0 < rows <= _LARGEST_MATRIX
        and 0 < columns <= _LARGEST_MATRIX
        and allocated in (16, 32)
        and 8 < stored <= high + 1 <= allocated
        and representation in (0, 1)
        and samples in (1, None)
        # Which end is shown white changes nothing of what the scale makes of a value (PS3.3, C.7.6.3.1.2).
        and tags.text("PhotometricInterpretation").upper() in ("MONOCHROME2", "MONOCHROME1", "")
        and (frames is None or (frames == int(frames) and 1 <= frames < 100_000))
    )
    if not fits:
        raise Rejected("unsupported_pixels")
    return rows, columns, int(frames or 1), (allocated, stored, high, representation == 1)


def _pixel_element(handle: BinaryIO, implicit: bool, little: bool) -> tuple[int, int]:
    start = handle.tell()
    head = handle.read(12)
    if len(head) < 8:
        # An element that was cut leaves the reader behind the end, or a few bytes that are no element.
        raise Rejected("truncated" if head or start > _size(handle) else "no_pixels")
    endian = "<" if little else ">"
    group, element = struct.unpack(endian + "HH", head[:4])
    if group << 16 | element != _PIXEL_DATA:
        raise Rejected("no_pixels" if group == 0x7FE0 else "malformed")
    if implicit:
        return start + 8, struct.unpack(endian + "L", head[4:8])[0]
    if head[4:6] not in (b"OW", b"OB", b"UN"):
        raise Rejected("malformed")
    if len(head) < 12:
        raise Rejected("truncated")
    return start + 12, struct.unpack(endian + "L", head[8:12])[0]


def _fragments(handle: BinaryIO, offset: int) -> tuple[int, bytes]:
    """Offset of the delimiter behind the last fragment, and the first bytes of the first frame."""
    size, at, n_items, start = _size(handle), offset, 0, b""
    while n_items < _MOST_FRAGMENTS:
        handle.seek(at)
        head = handle.read(8)
        if len(head) < 8:
            raise Rejected("truncated")
        group, element, length = struct.unpack("<HHL", head)
        tag = group << 16 | element
        if tag == _SEQUENCE_END:
            if n_items < 2:
                raise Rejected("no_pixels")
            return at, start
        if tag != _ITEM or length == _UNDEFINED:
            raise Rejected("undecodable")
        # The first item is the table of offsets.
        if n_items and len(start) < _STREAM_HEAD:
            start += handle.read(min(length, _STREAM_HEAD - len(start)))
        at, n_items = at + 8 + length, n_items + 1
        if at > size:
            raise Rejected("truncated")
    raise Rejected("undecodable")


def _size(handle: BinaryIO) -> int:
    at = handle.tell()
    end = handle.seek(0, os.SEEK_END)
    handle.seek(at)
    return end

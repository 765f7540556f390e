"""Damage that parsers step over: files that were CT slices, and headers that say one thing twice."""

import re
import struct
from collections import Counter
from typing import BinaryIO

import pydicom
from pydicom.datadict import tag_for_keyword

from calcohort.dicom.bounded import Bounded, Budget
from calcohort.dicom.kinds import CT_CLASSES

_HEAD_BYTES, _HEADER_BYTES = 65536, 2**20
_DECISIVE = (
    "RescaleSlope", "RescaleIntercept", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing",
)  # fmt: skip
_CLASSES = b"|".join(re.escape(name.encode()) for name in sorted(CT_CLASSES))
# Tag (0002,0002) or (0008,0016), then type and length or a four-byte length, then the class: texts and
# databases that name the class hold no such element.
_CT_CLASS = re.compile(
    rb"(?:\x02\x00\x02|\x08\x00\x16)\x00(?:UI..|..\x00\x00)(" + _CLASSES + rb")(?![0-9.])", re.DOTALL
)
# Archives and messages of several parts may hold whole slices, as they are.
_ARCHIVE = re.compile(rb"PK\x03\x04|.{257}ustar|(?:\r\n)?--", re.DOTALL)
# Tag (0020,000E), then type and length or a four-byte length, then the identifier.
_SERIES_UID = re.compile(rb"\x20\x00\x0e\x00(?:UI..|..\x00\x00)([0-9][0-9.]{1,63})", re.DOTALL)


def damaged_slice(handle: BinaryIO) -> str | None:
    """Series UID of a file that was a CT slice, "" where that cannot be told, None for other files."""
    handle.seek(0)
    head = handle.read(_HEAD_BYTES)
    if _ARCHIVE.match(head) or not _CT_CLASS.search(head):
        return None
    found = _SERIES_UID.search(head)
    return found[1].decode() if found else ""


def says_twice(handle: BinaryIO, implicit: bool, little: bool, budget: Budget) -> bool:
    """Whether the header up to where `handle` stands holds a decisive element a second time.

    Readers differ in which of the two they believe. What sequences hold is theirs: earlier values of what was
    corrected, for one. So is what elements of bytes hold, which may be sequences unknown to the reader.
    """
    end = handle.tell()
    handle.seek(0)
    patterns = {}
    for keyword in _DECISIVE:
        tag = tag_for_keyword(keyword)
        code = struct.pack("<HH" if little else ">HH", tag >> 16, tag & 0xFFFF)
        patterns[tag] = re.compile(re.escape(code) + (rb"..\0\0" if implicit else rb"DS"), re.DOTALL)
    found = _count(patterns, handle.read(min(end, _HEADER_BYTES)))
    nested = _inside(handle, patterns, budget) if max(found.values()) > 1 else Counter()
    handle.seek(end)
    return any(count - nested[tag] > 1 for tag, count in found.items())


def _count(patterns: dict[int, re.Pattern], data: bytes) -> Counter:
    return Counter({tag: len(pattern.findall(data)) for tag, pattern in patterns.items()})


def _inside(handle: BinaryIO, patterns: dict[int, re.Pattern], budget: Budget) -> Counter:
    """How often the elements stand in the sequences and the elements of bytes of a header."""
    handle.seek(0)
    dataset = pydicom.dcmread(Bounded(handle, budget), stop_before_pixels=True, force=True)
    found = Counter()
    for element in dataset:
        if isinstance(element.value, bytes):
            found += _count(patterns, element.value)
        elif element.VR == "SQ":
            for inner in (inner for item in element.value for inner in item.iterall()):
                found[inner.tag] += 1
                if isinstance(inner.value, bytes):
                    found += _count(patterns, inner.value)
    return found

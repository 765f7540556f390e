"""Reading with a limit: no header, however malicious, costs more than seconds and some hundred megabytes."""

import zlib
from io import BytesIO
from typing import BinaryIO

from calcohort.dicom.reasons import Rejected

# Enhanced CT takes 25 to 250 reads a frame; each costs up to 30 microseconds and a kilobyte.
LARGEST_NUMBER_OF_READS = 200_000
_BYTES_A_READ = 2048
# No value of a header is near this size; pixels are never read through here.
LARGEST_READ_BYTES = 64 * 2**20
# A deflated CT slice is about a megabyte.
LARGEST_INFLATED_BYTES = 256 * 2**20

_DEFLATED = b"1.2.840.10008.1.2.1.99"
# As long as the identifier it stands for, so that lengths stay: readers cut trailing zeros.
_NATIVE = b"1.2.840.10008.1.2.1".ljust(len(_DEFLATED), b"\0")


class TooMuch(ValueError):
    """The header asks for more work than any CT header needs."""


class Budget:
    """How many reads the header of one file still has, nested sequences included; a large file has more."""

    def __init__(self, file_bytes: int = 0):
        self.left = LARGEST_NUMBER_OF_READS + file_bytes // _BYTES_A_READ


class Bounded:
    """A stream for a parser that trusts lengths and nesting: raises :class:`TooMuch` beyond the limits."""

    def __init__(self, stream: BinaryIO, budget: Budget):
        self._read, self.seek, self.tell = stream.read, stream.seek, stream.tell
        self._budget = budget

    def read(self, size: int = -1) -> bytes:
        """As of any stream."""
        self._budget.left -= 1
        if self._budget.left < 0 or size > LARGEST_READ_BYTES:
            raise TooMuch
        return self._read(size if size >= 0 else LARGEST_READ_BYTES)


def inflated(stream: BinaryIO) -> BinaryIO:
    """The same stream, or where its data set is deflated, one of the same file uncompressed.

    Raises
    ------
    Rejected
        truncated where the compressed data end early, malformed where they are damaged or swell beyond
        measure.
    """
    start = _data_set_start(stream)
    if start is None:
        return stream
    stream.seek(0)
    head, packed = stream.read(start), stream.read(LARGEST_INFLATED_BYTES)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = inflater.decompress(packed, LARGEST_INFLATED_BYTES)
    except zlib.error:
        raise Rejected("malformed") from None
    if not inflater.eof:
        raise Rejected("malformed" if inflater.unconsumed_tail else "truncated")
    return BytesIO(head.replace(_DEFLATED, _NATIVE) + data)


def _data_set_start(stream: BinaryIO) -> int | None:
    """Offset of the data set of a deflated file, None for any other."""
    stream.seek(0)
    head = stream.read(4096)
    stream.seek(0)
    if head[128:132] != b"DICM" or _DEFLATED not in head:
        return None
    at, syntax = 132, b""
    while head[at : at + 2] == b"\x02\x00":
        wide = head[at + 4 : at + 6] in (b"OB", b"OW", b"SQ", b"UN", b"UT")
        begin = at + (12 if wide else 8)
        length = int.from_bytes(head[begin - (4 if wide else 2) : begin], "little")
        if head[at + 2 : at + 4] == b"\x10\x00":
            syntax = head[begin : begin + length].rstrip(b"\0 ")
        at = begin + length
    return at if syntax == _DEFLATED else None

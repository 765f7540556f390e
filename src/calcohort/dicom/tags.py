"""Header values as plain Python, read from the raw bytes: quick, and no surprises on malformed values."""

import math
import re
import struct
from collections.abc import Iterator
from io import BytesIO

import pydicom
from pydicom.charset import default_encoding
from pydicom.datadict import dictionary_has_tag, dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.filereader import read_sequence
from pydicom.valuerep import STANDARD_VR

from calcohort.dicom.bounded import Bounded, Budget

_KNOWN_VRS = frozenset(str(vr) for vr in STANDARD_VR)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


class Malformed(ValueError):
    """A value is there but is not what its tag promises."""


class Tags:
    """Typed access to one dataset by keyword; an absent or empty value is "", () or None."""

    def __init__(self, dataset: pydicom.Dataset, budget: Budget | None = None):
        self._dataset = dataset
        # Under plain numbers: comparing pydicom's tags costs more than all else a header does.
        self._elements = {int(tag): element for tag, element in dataset.items()}
        self._budget = budget or Budget()
        self._sequences: dict[int, list[Tags]] = {}

    def __contains__(self, keyword: str) -> bool:
        return tag_for_keyword(keyword) in self._elements

    @property
    def last(self) -> int:
        """The largest tag, 0 of an empty dataset."""
        return max(self._elements, default=0)

    def _bytes(self, keyword: str) -> tuple[bytes, bool]:
        element = self._elements.get(tag_for_keyword(keyword))
        if element is None:
            return b"", True
        if isinstance(element, RawDataElement):
            # A damaged type makes the length behind it a guess.
            if element.VR is not None and element.VR not in _KNOWN_VRS:
                raise Malformed(keyword)
            return element.value or b"", element.is_little_endian
        value = element.value
        if value is None or isinstance(value, pydicom.Sequence):
            return b"", True
        values = value if isinstance(value, pydicom.multival.MultiValue) else [value]
        return "\\".join(str(v) for v in values).encode(), True

    def text(self, keyword: str) -> str:
        """Value as text without padding; several values joined by a backslash."""
        raw, _ = self._bytes(keyword)
        try:
            text = raw.decode("ascii")
        except UnicodeDecodeError:
            text = self._decoded(keyword, raw)
        return text.strip(" \0\t\r\n")

    def _decoded(self, keyword: str, raw: bytes) -> str:
        # Only pydicom knows the character set of the dataset.
        try:
            return str(self._dataset[tag_for_keyword(keyword)].value)
        except Exception:
            return raw.decode("latin-1")

    def numbers(self, keyword: str, count: int | None = None) -> tuple[float, ...]:
        """Decimal strings; raises :class:`Malformed` if one is no finite number or their count is wrong."""
        text = self.text(keyword)
        if not text:
            return ()
        values = tuple(_number(part.strip(" \0")) for part in text.split("\\"))
        if count is not None and len(values) != count:
            raise Malformed(keyword)
        return values

    def number(self, keyword: str) -> float | None:
        """First decimal string of a value."""
        values = self.numbers(keyword)
        return values[0] if values else None

    def number_or_none(self, keyword: str) -> float | None:
        """Like :meth:`number` for facts that decide nothing: malformed is absent."""
        try:
            return self.number(keyword)
        except Malformed:
            return None

    def double(self, keyword: str) -> float | None:
        """Binary FD or FL value."""
        raw, little = self._bytes(keyword)
        element = self._elements.get(tag_for_keyword(keyword))
        if len(raw) in (4, 8) and isinstance(element, RawDataElement):
            value = struct.unpack(("<" if little else ">") + ("f" if len(raw) == 4 else "d"), raw)[0]
            return value if math.isfinite(value) else None
        return self.number_or_none(keyword)

    def word(self, keyword: str) -> int | None:
        """Binary US, SS or small UL value as its unsigned 16-bit word."""
        raw, little = self._bytes(keyword)
        if not raw:
            return None
        # pydicom turns a few elements into numbers by itself once it has looked into a sequence.
        if not isinstance(self._elements[tag_for_keyword(keyword)], RawDataElement):
            return int(raw) & 0xFFFF
        if len(raw) < 2:
            raise Malformed(keyword)
        lowest = raw[:2] if little or len(raw) != 4 else raw[2:]
        return int.from_bytes(lowest, "little" if little else "big")

    def items(self, keyword: str) -> list["Tags"]:
        """Items of a sequence."""
        return self._items(tag_for_keyword(keyword))

    def _items(self, tag: int) -> list["Tags"]:
        if tag not in self._sequences:
            parsed = self._parsed(tag) if tag in self._elements else ()
            self._sequences[tag] = [Tags(item, self._budget) for item in parsed]
        return self._sequences[tag]

    def _parsed(self, tag: int) -> pydicom.Sequence | tuple:
        element = self._elements[tag]
        if not isinstance(element, RawDataElement):
            return element.value if isinstance(element.value, pydicom.Sequence) else ()
        # Implicit encodings leave the type to the dictionary, which knows no private tag.
        if (element.VR or _dictionary_vr(tag)) != "SQ" or not element.value:
            return ()
        stream = Bounded(BytesIO(element.value), self._budget)
        encoding = element.is_implicit_VR, element.is_little_endian
        return read_sequence(stream, *encoding, len(element.value), default_encoding)

    def nested(self) -> Iterator["Tags"]:
        """This dataset, then every item of its sequences, depth first."""
        yield self
        for tag in self._elements:
            for item in self._items(tag):
                yield from item.nested()


def _dictionary_vr(tag: int) -> str:
    return dictionary_VR(tag) if dictionary_has_tag(tag) else "UN"


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise Malformed(text)
    value = float(text)
    if not math.isfinite(value):
        raise Malformed(text)
    return value

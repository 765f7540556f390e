"""Files that no parser reads but whose bytes show that they were CT slices: they count in their series."""

import re
from typing import BinaryIO

from calcohort.dicom.kinds import CT_CLASSES

_HEAD_BYTES = 65536
_CLASSES = b"|".join(re.escape(name.encode()) for name in sorted(CT_CLASSES))
_CT_CLASS = re.compile(rb"(?<![0-9.])(" + _CLASSES + rb")(?![0-9.])")
# Tag (0020,000E), then type and length or a four-byte length, then the identifier.
_SERIES_UID = re.compile(rb"\x20\x00\x0e\x00(?:UI..|..\x00\x00)([0-9][0-9.]{1,63})", re.DOTALL)


def damaged_slice(handle: BinaryIO) -> str | None:
    """Series UID of a file that was a CT slice, "" where that cannot be told, None for other files."""
    handle.seek(0)
    head = handle.read(_HEAD_BYTES)
    if not _CT_CLASS.search(head):
        return None
    found = _SERIES_UID.search(head)
    return found[1].decode() if found else ""

"""What ITK's readers let pass: volume files that end early, or that do not say how large a voxel is."""

import gzip
import math
import os
import re
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from calcohort.dicom.reasons import Rejected

_TEXT_BYTES = 65536
_CHUNK = 2**20
# A voxel size in the affine and the one in its own field agree up to rounding to single precision.
_SAME_SIZE = 1e-3


@dataclass(frozen=True)
class _Layout:
    """Offsets and types of one version of the NIfTI header."""

    bits: tuple[int, str]
    dimensions: tuple[int, str]
    voxel: tuple[int, str]
    data: tuple[int, str]
    codes: tuple[int, str]
    affine: tuple[int, str]
    scale: tuple[int, str]
    magic: tuple[int, bytes]


_VERSIONS = {
    348: _Layout(
        (72, "h"), (40, "8h"), (76, "8f"), (108, "f"), (252, "2h"), (280, "12f"), (112, "2f"), (344, b"n+1\0")
    ),
    540: _Layout(
        (14, "h"), (16, "8q"), (104, "8d"), (168, "q"), (344, "2i"), (400, "12d"), (176, "2d"), (4, b"n+2\0")
    ),
}
# The spaces that say which way is left, back and up.
_SPACES = re.compile(r"(right|left)-(anterior|posterior)-superior|[RL][AP]S", re.IGNORECASE)


def check_volume_header(path: str | Path) -> None:
    """Refuse a NIfTI, NRRD or MetaImage file whose grid is unknown or whose voxels are not all there.

    Raises
    ------
    Rejected
        no_geometry, no_rescale, implausible_hu, truncated, pixel_length, malformed.
    OSError
        If the file cannot be read.
    """
    name = str(path).lower()
    if not os.path.isfile(path):
        raise Rejected("malformed")
    if name.endswith((".nii", ".nii.gz")):
        _check_nifti(path, name.endswith(".gz"))
    elif name.endswith((".nrrd", ".nhdr")):
        _check_nrrd(path)
    else:
        _check_meta_image(path)


def _check_nrrd(path: str | Path) -> None:
    fields = _fields(path, ":", "")
    units = re.findall(r'"([^"]*)"', fields.get("space units", ""))
    known = _SPACES.fullmatch(fields.get("space", "")) and "space directions" in fields
    if not known or any(unit.strip().lower() not in ("mm", "") for unit in units):
        raise Rejected("no_geometry")
    for keyword in ("data file", "datafile"):
        _check_data_file(path, fields.get(keyword))


def _check_meta_image(path: str | Path) -> None:
    fields = _fields(path, "=", "ElementDataFile")
    if not {"ElementSpacing", "ElementSize"} & set(fields):
        raise Rejected("no_geometry")
    data = fields.get("ElementDataFile", "")
    _check_data_file(path, None if data.upper() == "LOCAL" else data)


def _fields(path: str | Path, sign: str, last: str) -> dict[str, str]:
    """Fields of a text header, up to an empty line or the field named `last`."""
    fields: dict[str, str] = {}
    with open(path, "rb") as handle:
        lines = handle.read(_TEXT_BYTES).decode("latin-1").split("\n")
    for line in lines:
        name, _, value = line.partition(sign)
        if not line.strip():
            break
        fields[name.strip()] = value.strip()
        if name.strip() == last:
            break
    return fields


def _check_data_file(header: str | Path, name: str | None) -> None:
    """Voxels in a file of their own: one ordinary file, for a pipe would never end."""
    if name is not None and not (Path(header).parent / name).is_file():
        raise Rejected("malformed")


def _check_nifti(path: str | Path, packed: bool) -> None:
    try:
        with gzip.open(path) if packed else open(path, "rb") as handle:
            expected = _nifti_bytes(handle.read(540))
            handle.seek(0)
            if _count(handle, expected) < expected:
                raise Rejected("truncated")
            # Only behind the last byte does gzip compare its checksum.
            if handle.read(1):
                raise Rejected("pixel_length")
    except EOFError:
        raise Rejected("truncated") from None
    except (gzip.BadGzipFile, zlib.error, struct.error):
        raise Rejected("malformed") from None


def _nifti_bytes(head: bytes) -> int:
    """Bytes of header and voxels together; checks the grid on the way."""
    order = next((o for o in "<>" if struct.unpack(o + "i", head[:4])[0] in _VERSIONS), None)
    if order is None:
        raise Rejected("malformed")
    layout = _VERSIONS[struct.unpack(order + "i", head[:4])[0]]

    def field(place: tuple[int, str]) -> tuple:
        return struct.unpack_from(order + place[1], head, place[0])

    n, *sizes = field(layout.dimensions)
    voxel, affine, codes = field(layout.voxel)[1:4], field(layout.affine), field(layout.codes)
    if not 1 <= n <= 7 or min(sizes[:n]) < 1 or not head.startswith(layout.magic[1], layout.magic[0]):
        raise Rejected("malformed")
    # Readers disagree on what a slope of zero does to the offset.
    slope, offset = field(layout.scale)
    if not math.isfinite(slope) or not math.isfinite(offset) or (slope == 0 and offset != 0):
        raise Rejected("no_rescale")
    if slope < 0:
        raise Rejected("implausible_hu")
    # Without one of the two transforms nobody can tell head from foot.
    if max(codes) <= 0 or not all(math.isfinite(v) and v > 0 for v in voxel):
        raise Rejected("no_geometry")
    if codes[1] > 0:
        if not all(map(math.isfinite, affine)):
            raise Rejected("no_geometry")
        lengths = [math.hypot(*affine[axis::4]) for axis in range(3)]
        if any(not math.isclose(a, b, rel_tol=_SAME_SIZE) for a, b in zip(lengths, voxel, strict=True)):
            raise Rejected("no_geometry")
    return int(field(layout.data)[0]) + math.prod(sizes[:n]) * field(layout.bits)[0] // 8


def _count(handle: BinaryIO, expected: int) -> int:
    """Bytes in the stream, at most `expected`."""
    seen = 0
    while seen < expected and (part := handle.read(min(_CHUNK, expected - seen))):
        seen += len(part)
    return seen

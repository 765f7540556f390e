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

import numpy as np

from calcohort.dicom.reasons import Rejected

VOLUME_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
_TEXT_BYTES = 65536
_CHUNK = 2**20
# A voxel size in the affine and the one in its own field agree up to rounding to single precision.
_SAME_SIZE = 1e-3


@dataclass(frozen=True)
class _Layout:
    """Offsets and types of one version of the NIfTI header."""

    kind: tuple[int, str]
    dimensions: tuple[int, str]
    voxel: tuple[int, str]
    data: tuple[int, str]
    codes: tuple[int, str]
    quaternion: tuple[int, str]
    affine: tuple[int, str]
    scale: tuple[int, str]
    magic: tuple[int, bytes]


_VERSIONS = {
    348: _Layout(
        (70, "2h"),
        (40, "8h"),
        (76, "8f"),
        (108, "f"),
        (252, "2h"),
        (256, "6f"),
        (280, "12f"),
        (112, "2f"),
        (344, b"n+1\0"),
    ),
    540: _Layout(
        (12, "2h"),
        (16, "8q"),
        (104, "8d"),
        (168, "q"),
        (344, "2i"),
        (352, "6d"),
        (400, "12d"),
        (176, "2d"),
        (4, b"n+2\0"),
    ),
}
_WINDOWS = {"gzip": 31, "gz": 31, "zlib": 15}
_BYTES_EACH = {
    **dict.fromkeys(("char", "int8", "uchar", "unsigned char", "uint8", "MET_CHAR", "MET_UCHAR"), 1),
    **dict.fromkeys(("short", "int16", "ushort", "unsigned short", "uint16", "MET_SHORT", "MET_USHORT"), 2),
    **dict.fromkeys(
        ("int", "int32", "uint", "unsigned", "uint32", "float", "MET_INT", "MET_UINT", "MET_FLOAT"), 4
    ),
    **dict.fromkeys(("double", "MET_DOUBLE", "MET_LONG_LONG", "MET_ULONG_LONG"), 8),
}
_META_GRID = ({"ElementSpacing", "ElementSize"}, {"TransformMatrix", "Rotation", "Orientation"})
_FLOATS = {16: "f4", 64: "f8"}
# The spaces that say which way is left, back and up.
_SPACES = re.compile(r"(right|left)-(anterior|posterior)-superior|[RL][AP]S", re.IGNORECASE)


def is_volume_file(path: str | Path) -> bool:
    """Whether the name is that of a NIfTI, NRRD or MetaImage file."""
    return str(path).lower().endswith(VOLUME_SUFFIXES)


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
    data = fields.get("data file", fields.get("datafile"))
    _check_data_file(path, data)
    sizes = _sizes(fields.get("sizes", ""))
    each = _BYTES_EACH.get(fields.get("type", "").removeprefix("signed ").removesuffix(" int"))
    if data is None and each and not {"line skip", "lineskip", "byte skip", "byteskip"} & set(fields):
        _check_length(path, rb"\n\r?\n", fields.get("encoding", ""), math.prod(sizes) * each)


def _check_meta_image(path: str | Path) -> None:
    fields = _fields(path, "=", "ElementDataFile")
    # An absent orientation means none by the format, and a damaged name in most files that lack it.
    if not all(names & set(fields) for names in _META_GRID):
        raise Rejected("no_geometry")
    if fields.get("ElementNumberOfChannels", "1") != "1":
        raise Rejected("not_3d")
    data, sizes = fields.get("ElementDataFile", ""), _sizes(fields.get("DimSize", ""))
    _check_data_file(path, None if data.upper() == "LOCAL" else data)
    each = _BYTES_EACH.get(fields.get("ElementType", ""))
    if data.upper() == "LOCAL" and each and fields.get("BinaryData", "").lower() == "true":
        announced = fields.get("CompressedDataSize", "")
        packed = "zlib" if fields.get("CompressedData", "").lower() == "true" else "raw"
        _check_length(path, rb"ElementDataFile *= *\w+\r?\n", packed, math.prod(sizes) * each, announced)


def _sizes(text: str) -> list[int]:
    if not re.fullmatch(r"[1-9][0-9]*( +[1-9][0-9]*){1,6}", text, re.ASCII):
        raise Rejected("malformed")
    return [int(part) for part in text.split()]


def _check_length(path: str | Path, mark: bytes, encoding: str, expected: int, announced: str = "") -> None:
    """The voxels behind the text that ends in `mark`, packed or not, are as many bytes as the header says."""
    with open(path, "rb") as handle:
        end = re.search(mark, handle.read(_TEXT_BYTES))
        if end is None:
            raise Rejected("malformed")
        handle.seek(end.end())
        stored = os.path.getsize(path) - end.end()
        if encoding in _WINDOWS:
            if announced and announced != str(stored):
                raise Rejected("malformed")
            stored = _inflated_length(handle, _WINDOWS[encoding], expected)
        elif encoding != "raw":
            return
    if stored != expected:
        raise Rejected("truncated" if stored < expected else "pixel_length")


def _inflated_length(handle: BinaryIO, window: int, expected: int) -> int:
    inflater, seen = zlib.decompressobj(window), 0
    try:
        while seen <= expected and not inflater.eof:
            part = inflater.unconsumed_tail or handle.read(_CHUNK)
            if not part:
                # Only behind its end has a stream compared its checksum.
                raise Rejected("truncated")
            seen += len(inflater.decompress(part, _CHUNK))
    except zlib.error:
        raise Rejected("malformed") from None
    return seen


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
            start, n_bytes, kind = _nifti_voxels(handle.read(540))
            handle.seek(start)
            _check_voxels(handle, n_bytes, kind)
            # Only behind the last byte does gzip compare its checksum.
            if handle.read(1):
                raise Rejected("pixel_length")
    except EOFError:
        raise Rejected("truncated") from None
    except (gzip.BadGzipFile, zlib.error, struct.error):
        raise Rejected("malformed") from None


def _nifti_voxels(head: bytes) -> tuple[int, int, str | None]:
    """Where the voxels begin, how many bytes they are, and their type if it is a float; checks the grid."""
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
    if codes[0] > 0 and not all(map(math.isfinite, field(layout.quaternion))):
        raise Rejected("no_geometry")
    if codes[1] > 0:
        if not all(map(math.isfinite, affine)):
            raise Rejected("no_geometry")
        lengths = [math.hypot(*affine[axis::4]) for axis in range(3)]
        if any(not math.isclose(a, b, rel_tol=_SAME_SIZE) for a, b in zip(lengths, voxel, strict=True)):
            raise Rejected("no_geometry")
    kind, bits = field(layout.kind)
    dtype = order + _FLOATS[kind] if kind in _FLOATS else None
    return int(field(layout.data)[0]), math.prod(sizes[:n]) * bits // 8, dtype


def _check_voxels(handle: BinaryIO, n_bytes: int, dtype: str | None) -> None:
    seen = 0
    while seen < n_bytes:
        part = handle.read(min(_CHUNK, n_bytes - seen))
        if not part:
            raise Rejected("truncated")
        # The NIfTI library makes water of what is no number.
        if dtype and not np.isfinite(np.frombuffer(part[: len(part) // 8 * 8], dtype)).all():
            raise Rejected("implausible_hu")
        seen += len(part)

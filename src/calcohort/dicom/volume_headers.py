"""What ITK's readers let pass: volume files that end early, or that do not say how large a voxel is."""

import gzip
import math
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

    size: int
    bits: tuple[int, str]
    dimensions: tuple[int, str]
    voxel: tuple[int, str]
    data: tuple[int, str]
    codes: tuple[int, str]
    affine: tuple[int, str]


_VERSIONS = {
    348: _Layout(348, (72, "h"), (40, "8h"), (76, "8f"), (108, "f"), (252, "2h"), (280, "12f")),
    540: _Layout(540, (14, "h"), (16, "8q"), (104, "8d"), (168, "q"), (344, "2i"), (400, "12d")),
}


def check_volume_header(path: str | Path) -> None:
    """Refuse a NIfTI, NRRD or MetaImage file whose grid is unknown or whose voxels are not all there.

    Raises
    ------
    Rejected
        no_geometry, truncated, malformed.
    OSError
        If the file cannot be read.
    """
    name = str(path).lower()
    if name.endswith((".nii", ".nii.gz")):
        _check_nifti(path, name.endswith(".gz"))
        return
    with open(path, "rb") as handle:
        head = handle.read(_TEXT_BYTES)
    if name.endswith((".nrrd", ".nhdr")):
        fields = {line.partition(b":")[0].strip() for line in head.partition(b"\n\n")[0].splitlines()}
        if not {b"space", b"space directions"} <= fields and b"space dimension" not in fields:
            raise Rejected("no_geometry")
        return
    fields = {line.partition(b"=")[0].strip() for line in head.splitlines()}
    if not fields & {b"ElementSpacing", b"ElementSize"}:
        raise Rejected("no_geometry")


def _check_nifti(path: str | Path, packed: bool) -> None:
    try:
        with gzip.open(path) if packed else open(path, "rb") as handle:
            expected = _nifti_bytes(handle.read(540))
            handle.seek(0)
            if _count(handle, expected) < expected:
                raise Rejected("truncated")
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
    if not 1 <= n <= 7 or min(sizes[:n]) < 1:
        raise Rejected("malformed")
    # Without one of the two transforms nobody can tell head from foot.
    if max(codes) <= 0 or not all(math.isfinite(v) and v > 0 for v in voxel):
        raise Rejected("no_geometry")
    if codes[1] > 0:
        lengths = [math.hypot(*affine[axis::4]) for axis in range(3)]
        if any(not math.isclose(a, b, rel_tol=_SAME_SIZE) for a, b in zip(lengths, voxel, strict=True)):
            raise Rejected("no_geometry")
    return int(field(layout.data)[0]) + math.prod(sizes[:n]) * field(layout.bits)[0] // 8


def _count(handle: BinaryIO, expected: int) -> int:
    """Bytes in the stream, at most `expected`; reading to the end checks the sum of a gzip file."""
    seen = 0
    while seen < expected and (part := handle.read(_CHUNK)):
        seen += len(part)
    return seen

"""Converted volumes on disk: raw voxels behind an NRRD header, written slice by slice, read through a map.

Neither way holds a whole volume in memory, and the header keeps spacing and origin to the last digit, which
NIfTI does not.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from calcohort.errors import InputError
from calcohort.volume import Volume

# Fixed, because the type of the voxels is known only when all of them are written.
_HEADER_BYTES = 512
_TYPES = {np.dtype("<i2"): "int16", np.dtype("<f4"): "float"}
_NUMBER = re.compile(r"[-+.\deE]+")


class SliceFile:
    """A volume's slices in a file, set and read by number like those of an array.

    As a context it leaves no file behind when it is left by an exception.
    """

    def __init__(self, path: str | Path, shape_zyx: tuple[int, int, int], dtype: np.dtype):
        self.shape, self.dtype = shape_zyx, np.dtype(dtype)
        self._path = Path(path)
        with _told(path):
            self._file = open(path, "wb+")  # noqa: SIM115

    def __enter__(self) -> "SliceFile":
        return self

    def __exit__(self, kind, *exception) -> None:
        self._file.close()
        if kind is not None:
            self._path.unlink()

    def __setitem__(self, z: int, values: np.ndarray) -> None:
        self._seek(z)
        with _told(self._path):
            self._file.write(np.ascontiguousarray(values, dtype=self.dtype).data)

    def __getitem__(self, z: int) -> np.ndarray:
        if z >= self.shape[0]:
            raise IndexError(z)
        self._seek(z)
        rows, columns = self.shape[1:]
        content = self._file.read(rows * columns * self.dtype.itemsize)
        return np.frombuffer(content, dtype=self.dtype).reshape(rows, columns)

    def _seek(self, z: int) -> None:
        rows, columns = self.shape[1:]
        self._file.seek(_HEADER_BYTES + z * rows * columns * self.dtype.itemsize)

    def narrow(self) -> None:
        """Make whole numbers of floats: int16, in place."""
        narrow = np.dtype("<i2")
        for z in range(self.shape[0]):
            values = self[z]
            rows, columns = self.shape[1:]
            self._file.seek(_HEADER_BYTES + z * rows * columns * narrow.itemsize)
            self._file.write(values.astype(narrow).data)
        self.dtype = narrow
        self._file.truncate()

    def finish(self, spacing_xyz_mm: tuple[float, ...], origin_lps_mm: tuple[float, ...]) -> None:
        """Write the header, once all slices are there."""
        with _told(self._path):
            self._file.seek(0)
            self._file.write(_header(self.shape, self.dtype, spacing_xyz_mm, origin_lps_mm))
            self._file.flush()


@contextmanager
def _told(path: str | Path) -> Iterator[None]:
    """A full disk is told as such: it is no fault of the scan."""
    try:
        yield
    except OSError as error:
        cure = "make room or write elsewhere"
        raise InputError(f"cannot be written: {error.strerror}", where=str(path), cure=cure) from error


def _header(shape_zyx, dtype, spacing_xyz_mm, origin_lps_mm) -> bytes:
    x, y, z = (repr(float(value)) for value in spacing_xyz_mm)
    origin = ",".join(repr(float(value)) for value in origin_lps_mm)
    lines = (
        "NRRD0004",
        f"type: {_TYPES[dtype]}",
        "dimension: 3",
        "space: left-posterior-superior",
        f"sizes: {' '.join(map(str, shape_zyx[::-1]))}",
        f"space directions: ({x},0,0) (0,{y},0) (0,0,{z})",
        "kinds: domain domain domain",
        "endian: little",
        "encoding: raw",
        f"space origin: ({origin})",
    )
    text = "\n".join(lines) + "\n#"
    return text.ljust(_HEADER_BYTES - 2).encode() + b"\n\n"


def write_volume(volume: Volume, path: str | Path) -> None:
    """Write a volume of int16 or float32 for :func:`open_volume`."""
    with SliceFile(path, volume.shape_zyx, volume.hu.dtype) as slices:
        for z, values in enumerate(volume.hu):
            slices[z] = values
        slices.finish(volume.spacing_xyz_mm, volume.origin_lps_mm)


def open_volume(path: str | Path) -> Volume:
    """A volume that was written by this module; its voxels are read from the file where they are used.

    Raises
    ------
    InputError
        If the file is not whole.
    """
    try:
        with open(path, "rb") as handle:
            lines = handle.read(_HEADER_BYTES).decode().splitlines()
        fields = dict(line.split(": ", 1) for line in lines if ": " in line)
        shape = tuple(map(int, fields["sizes"].split()))[::-1]
        dtype = {name: dtype for dtype, name in _TYPES.items()}[fields["type"]]
        directions = [float(text) for text in _NUMBER.findall(fields["space directions"])]
        origin = tuple(float(text) for text in _NUMBER.findall(fields["space origin"]))
        # Copy on write: PyTorch warns of arrays that it might not write to, and the file stays as it is.
        hu = np.memmap(path, dtype=dtype, mode="c", offset=_HEADER_BYTES, shape=shape)
    except (OSError, ValueError, KeyError) as error:
        cure = "delete it and run again"
        raise InputError("not a converted volume", where=str(path), cure=cure) from error
    return Volume(hu, tuple(directions[::4]), origin)

"""Training samples: stacks on a network's grid, many to a file."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd

from calcohort.digest import text_digest
from calcohort.errors import InputError
from calcohort.tables import whole_file

ARRAYS = ("hu", "labels", "distance")


@dataclass(frozen=True)
class About:
    """Where a sample comes from.

    Attributes
    ----------
    sample, patient : str
        Unique name of the sample; samples of one patient never part between training and validation.
    site, scan_type : str
    spacing_z_mm, spacing_y_mm, spacing_x_mm : float
        Size of the sample's cells.
    agatston : float
        Reference score of the scan itself; missing where unknown.
    """

    sample: str
    patient: str
    site: str
    scan_type: str
    spacing_z_mm: float
    spacing_y_mm: float
    spacing_x_mm: float
    agatston: float = float("nan")


@dataclass(frozen=True)
class Sample:
    """One stack.

    Attributes
    ----------
    hu : ndarray, int16 (z, y, x)
    labels : ndarray, uint8 (z, y, x)
        0 background, 1 coronary calcium, 2 other calcification, 3 heart (heart samples: 0 or 1).
    distance : ndarray, int8 (z, y / 4, x / 4)
        Signed distance to the heart's surface in mm, inside positive.
    about : About
    """

    hu: np.ndarray
    labels: np.ndarray
    distance: np.ndarray
    about: About


@dataclass(frozen=True)
class Samples:
    """Many stacks of one size, slices end to end.

    Attributes
    ----------
    hu, labels, distance : ndarray
        As in :class:`Sample`, with the slices of all samples along the first axis.
    starts : ndarray of int, shape (n + 1,)
        Sample i is slices ``starts[i]:starts[i + 1]``.
    about : DataFrame
        One row per sample, columns of :class:`About`.
    """

    hu: np.ndarray
    labels: np.ndarray
    distance: np.ndarray
    starts: np.ndarray
    about: pd.DataFrame

    def __len__(self) -> int:
        return len(self.about)

    def sample(self, index: int) -> Sample:
        """One sample, its arrays views of these."""
        part = slice(self.starts[index], self.starts[index + 1])
        about = About(**self.about.iloc[index].to_dict())
        return Sample(self.hu[part], self.labels[part], self.distance[part], about)


def write_samples(path: str | Path, samples: Sequence[Sample], *, compress: bool = True) -> None:
    """Write samples to one .npz file; the same samples give the same bytes."""
    about = pd.DataFrame([asdict(sample.about) for sample in samples])
    arrays = {
        "hu": np.concatenate([sample.hu for sample in samples]),
        "labels": pack(np.concatenate([sample.labels for sample in samples])),
        "distance": np.concatenate([sample.distance for sample in samples]),
        "depths": np.array([len(sample.hu) for sample in samples]),
    }
    for column in about:
        values = about[column].to_numpy()
        arrays[f"about_{column}"] = values.astype("U") if values.dtype == object else values
    with whole_file(path) as beside:
        (np.savez_compressed if compress else np.savez)(beside, **arrays)


def read_samples(paths: Iterable[str | Path], mapped: str | Path | None = None) -> Samples:
    """Read the samples of several files, in the order of the files' names.

    Parameters
    ----------
    paths : iterable of path
    mapped : path, optional
        Folder for a file of each array, which is then mapped into memory: trainings beside one another
        share it, and it may be larger than memory.

    Raises
    ------
    InputError
        If there is none, or a file is damaged.
    """
    paths = sorted(Path(path) for path in paths)
    about, starts = read_about(paths)
    if mapped is None:
        arrays = {name: _join(paths, name, int(starts[-1])) for name in ARRAYS}
    else:
        content = text_digest(*(f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in paths))
        files = {name: Path(mapped) / f"{content}-{name}.npy" for name in ARRAYS}
        arrays = {name: _map(paths, name, int(starts[-1]), file) for name, file in files.items()}
    return Samples(starts=starts, about=about, **arrays)


def read_about(paths: Iterable[str | Path]) -> tuple[pd.DataFrame, np.ndarray]:
    """Where the samples of several files come from, and where each starts: see :class:`Samples`."""
    columns = {f"about_{field.name}": field.name for field in fields(About)}
    parts = [_read(path, ("depths", *columns)) for path in sorted(Path(path) for path in paths)]
    if not parts:
        raise InputError("there are no training samples", cure="prepare or generate some first")
    depths = np.concatenate([part.pop("depths") for part in parts])
    about = pd.concat([pd.DataFrame(part) for part in parts], ignore_index=True).rename(columns=columns)
    return about, np.concatenate(([0], np.cumsum(depths)))


def find_samples(folder: str | Path) -> list[Path]:
    """Sample files of a folder and those below it, sorted."""
    return sorted(Path(folder).rglob("*.npz"))


def pack(labels: np.ndarray) -> np.ndarray:
    """Four labels (0-3) of a row in one byte; the last axis must be a multiple of 4."""
    return labels[..., 0::4] | labels[..., 1::4] << 2 | labels[..., 2::4] << 4 | labels[..., 3::4] << 6


def unpack(packed: np.ndarray) -> np.ndarray:
    """Inverse of :func:`pack`."""
    labels = np.empty((*packed.shape[:-1], packed.shape[-1] * 4), dtype=np.uint8)
    for position in range(4):
        labels[..., position::4] = packed >> (2 * position) & 3
    return labels


def _map(paths: Sequence[Path], name: str, slices: int, file: Path) -> np.ndarray:
    """One array of all files, joined in `file` unless it is there already, and mapped."""
    if not file.exists():
        with whole_file(file) as beside:
            _join(paths, name, slices, beside)
    # Copy on write: torch warns of arrays that cannot be written to.
    return np.load(file, mmap_mode="c")


def _join(paths: Sequence[Path], name: str, slices: int, file: Path | None = None) -> np.ndarray:
    """One array of all files, its slices end to end; in memory, or in a file that is mapped."""
    joined, at = None, 0
    for path in paths:
        part = _read(path, (name,))[name]
        if joined is None:
            shape = (slices, *part.shape[1:])
            if file is None:
                joined = np.empty(shape, part.dtype)
            else:
                joined = np.lib.format.open_memmap(file, "w+", part.dtype, shape)
        joined[at : at + len(part)] = part
        at += len(part)
    return joined


def _read(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Arrays of a file by their names."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in names}
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise InputError(
            "not a readable sample file", where=str(path), cure="delete it and prepare again"
        ) from error
    if "labels" in arrays:
        arrays["labels"] = unpack(arrays["labels"])
    return arrays

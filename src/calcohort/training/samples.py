"""Training samples: stacks on a network's grid, many to a file."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd

from calcohort.errors import InputError
from calcohort.tables import whole_file


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


def read_samples(paths: Iterable[str | Path]) -> Samples:
    """Read the samples of several files, in the order of the files' names.

    Raises
    ------
    InputError
        If there is none, or a file is damaged.
    """
    parts = [_read(path) for path in sorted(Path(path) for path in paths)]
    if not parts:
        raise InputError("there are no training samples", cure="prepare or generate some first")
    joined = {}
    for name in ("hu", "labels", "distance", "depths"):
        joined[name] = np.concatenate([part[0].pop(name) for part in parts])
    about = pd.concat([part[1] for part in parts], ignore_index=True)
    starts = np.concatenate(([0], np.cumsum(joined.pop("depths"))))
    return Samples(starts=starts, about=about, **joined)


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


def _read(path: Path) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in ("hu", "labels", "distance", "depths")}
            about = {field.name: stored[f"about_{field.name}"] for field in fields(About)}
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise InputError(
            "not a readable sample file", where=str(path), cure="delete it and prepare again"
        ) from error
    arrays["labels"] = unpack(arrays["labels"])
    return arrays, pd.DataFrame(about)

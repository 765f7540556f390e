"""Phantoms kept on disk, so that several models are tested on the same scans without drawing them anew."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from calcohort.phantom.acquisition import Phantom
from calcohort.segmentation.packing import pack, unpack
from calcohort.tables import whole_file
from calcohort.volume import Volume

ARRAYS = {"hu": np.int16, "labels": np.uint8, "vessels": np.uint8}


def kept_phantom(path: str | Path, draw: Callable[[], Phantom]) -> Phantom:
    """The phantom that `path` holds; drawn and kept there if there is none yet."""
    path = Path(path)
    if path.exists():
        return load_phantom(path)
    phantom = draw()
    save_phantom(path, phantom)
    return phantom


def save_phantom(path: str | Path, phantom: Phantom) -> None:
    """Write a phantom, packed without loss."""
    arrays = {"hu": phantom.volume.hu, "labels": phantom.labels, "vessels": phantom.vessels}
    packed = {name: pack(np.asarray(arrays[name], dtype=dtype)) for name, dtype in ARRAYS.items()}
    with whole_file(path) as beside:
        np.savez(
            beside,
            **packed,
            shape=np.array(phantom.volume.hu.shape),
            spacing_xyz_mm=np.array(phantom.volume.spacing_xyz_mm),
            origin_lps_mm=np.array(phantom.volume.origin_lps_mm),
            kvp=phantom.kvp,
            protocol=phantom.protocol,
            confounders=" ".join(phantom.confounders),
        )


def load_phantom(path: str | Path) -> Phantom:
    """Read what :func:`save_phantom` wrote."""
    with np.load(path) as stored:
        shape = tuple(stored["shape"].tolist())
        hu, labels, vessels = (unpack(stored[name], shape, dtype) for name, dtype in ARRAYS.items())
        geometry = (tuple(stored[name].tolist()) for name in ("spacing_xyz_mm", "origin_lps_mm"))
        return Phantom(
            Volume(hu, *geometry),
            labels,
            vessels,
            int(stored["kvp"]),
            str(stored["protocol"]),
            tuple(str(stored["confounders"]).split()),
        )

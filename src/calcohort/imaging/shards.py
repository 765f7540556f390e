"""Shards of scans: names that depend on the keys alone, so that one new scan touches one shard."""

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

_ROOT = "s"
# Where the shards of a run lie.
PLACES = (
    *("imaging/volumes", "imaging/shards", "segmentation/shards", "segmentation/outcomes", "scores/shards"),
    *("scores/lesions", "scores/conventions", "logs/convert", "logs/segment", "logs/score"),
    *("benchmarks/convert", "benchmarks/segment", "benchmarks/score"),
)


def assign(keys: Iterable[str], shard_size: int) -> dict[str, str]:
    """Shard of each key.

    Keys are leaves of a binary tree by the bits of their SHA-256; a shard with more than `shard_size` keys
    splits into its two branches. A shard's name is its branch, e.g. ``s``, ``s0``, ``s10``. One key more
    changes the members of one shard, or splits that one; order and repetition of keys do not matter.

    Raises
    ------
    ValueError
        If `shard_size` is less than 1.
    """
    if shard_size < 1:
        raise ValueError("shard_size must be at least 1")
    shards: dict[str, str] = {}
    open_branches = [(_ROOT, [(_bits(key), key) for key in sorted(set(keys))])]
    while open_branches:
        name, members = open_branches.pop()
        if len(members) <= shard_size:
            shards |= {key: name for _, key in members}
            continue
        depth = len(name) - len(_ROOT)
        for bit in "01":
            open_branches.append((name + bit, [(bits, key) for bits, key in members if bits[depth] == bit]))
    return dict(sorted(shards.items()))


def members(scans: pd.DataFrame, files: pd.DataFrame) -> pd.DataFrame:
    """The files of the scans, one row each, sorted by shard: a job finds its own without reading the others.

    Parameters
    ----------
    scans : DataFrame
        Rows of imaging/scans.csv.
    files : DataFrame
        series, root, path of every file that was indexed.
    """
    return scans.merge(files, on="series").sort_values(["shard", "series"], kind="stable", ignore_index=True)


def remove_others(results: str | Path, shards: set[str]) -> None:
    """Remove what earlier runs left of shards that are no more: nothing of a withdrawn patient may stay.

    Parameters
    ----------
    results : path
        results/NAME; below it every file or folder of a shard bears the shard's name.
    """
    for place in PLACES:
        for path in Path(results).glob(f"{place}/{_ROOT}*"):
            name = path.name.split(".")[0]
            if name in shards or set(name[len(_ROOT) :]) - set("01"):
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _bits(key: str) -> str:
    digest = hashlib.sha256(key.encode()).digest()
    return f"{int.from_bytes(digest, 'big'):0256b}"

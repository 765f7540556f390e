"""What the files of each scan hold: one that was replaced makes its scan stale, a touched one does not."""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from calcohort.dicom.found import file_path
from calcohort.digest import readable_digest

# A file whose size and time of change are those of the run before was not changed since.
STAMP = ["root", "path", "size", "time_ns"]


def contents(
    files: pd.DataFrame, roots: Sequence[str | Path], known: pd.DataFrame | None = None, workers: int = 1
) -> pd.DataFrame:
    """SHA-256 of each file; those that `known` has with the same size and time of change are not read again.

    Parameters
    ----------
    files : DataFrame
        Rows of `FolderIndex.files`.
    roots : sequence of path
        The folders that were indexed.
    known : DataFrame, optional
        What this function returned before.
    workers : int
        Files that are read at a time.

    Returns
    -------
    DataFrame
        root (the folder as it was given), path, size (bytes), time_ns, digest ("unreadable" without one).
    """
    roots = [os.fspath(root) for root in roots]
    paths = [file_path(roots[root], path) for root, path in zip(files["root"], files["path"], strict=True)]
    stamps = [_stamp(path) for path in paths]
    table = pd.DataFrame({"root": [roots[root] for root in files["root"]], "path": list(files["path"])})
    table["size"] = pd.Series([size for size, _ in stamps], dtype="int64")
    table["time_ns"] = pd.Series([time for _, time in stamps], dtype="int64")
    before = pd.DataFrame(columns=[*STAMP, "digest"]).astype(table.dtypes) if known is None else known
    table = table.merge(before.drop_duplicates(STAMP), on=STAMP, how="left")
    digests = table["digest"].astype(object)
    new = digests.index[digests.isna()]
    with ThreadPoolExecutor(workers) as pool:
        digests[new] = list(pool.map(readable_digest, [paths[number] for number in new]))
    return table.assign(digest=digests)


def content_digests(files: pd.DataFrame, digests: Sequence[str]) -> pd.Series:
    """Digest of each series by those of its files, given in the order of `files`."""
    placed = pd.DataFrame({"series": list(files["series"]), "path": list(files["path"]), "digest": digests})
    groups = placed.sort_values(["series", "path", "digest"]).groupby("series")["digest"]
    return groups.agg(lambda parts: hashlib.sha256("".join(parts).encode()).hexdigest()[:16])


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return -1, -1
    return status.st_size, status.st_mtime_ns

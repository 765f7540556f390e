"""What the files of each scan hold: one that was replaced makes its scan stale, a touched one does not."""

import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from calcohort import tables
from calcohort.dicom.found import file_path, portable
from calcohort.digest import files_below, readable_digest, tree_digest

# A file whose size and time of change are those of the run before was not changed since.
STAMP = ["root", "path", "size", "time_ns", "whole"]
CONTENTS = "contents.parquet"
# Of a file that is no scan the header tells all that matters.
_HEAD_BYTES = 2**16


def contents(
    files: pd.DataFrame,
    roots: Sequence[str | Path],
    known: pd.DataFrame | None = None,
    workers: int = 1,
    whole: Sequence[bool] | None = None,
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
    whole : sequence of bool, optional
        Files that are read to their end; of the others the beginning. All without it.

    Returns
    -------
    DataFrame
        root (the folder as it was given), path, size (bytes), time_ns, whole, digest ("unreadable" without
        one).
    """
    roots = [os.fspath(root) for root in roots]
    paths = [file_path(roots[root], path) for root, path in zip(files["root"], files["path"], strict=True)]
    stamps = [_stamp(path) for path in paths]
    table = pd.DataFrame({"root": [roots[root] for root in files["root"]], "path": list(files["path"])})
    table["size"] = pd.Series([size for size, _ in stamps], dtype="int64")
    table["time_ns"] = pd.Series([time for _, time in stamps], dtype="int64")
    table["whole"] = True if whole is None else list(whole)
    if known is None or not {*STAMP, "digest"} <= set(known):
        known = pd.DataFrame(columns=[*STAMP, "digest"]).astype(table.dtypes)
    table = table.merge(known.drop_duplicates(STAMP), on=STAMP, how="left")
    digests = table["digest"].astype(object)
    new = digests.index[digests.isna()]
    with ThreadPoolExecutor(workers) as pool:
        read = pool.map(_digest, [paths[number] for number in new], table["whole"][new])
        digests[new] = list(read)
    return table.assign(digest=digests)


def content_digests(files: pd.DataFrame, digests: Sequence[str]) -> pd.Series:
    """Digest of each series by those of its files, given in the order of `files`."""
    placed = pd.DataFrame({"series": list(files["series"]), "path": list(files["path"]), "digest": digests})
    groups = placed.sort_values(["series", "path", "digest"]).groupby("series")["digest"]
    return groups.agg(lambda parts: hashlib.sha256("".join(parts).encode()).hexdigest()[:16])


def settled_digest(roots: Sequence[str | Path], folder: str | Path) -> str:
    """Digest of the files below `roots` for a plan: the one of the index where files were touched since.

    Parameters
    ----------
    folder : path
        Where the index keeps ``contents.parquet`` and ``tree.json``, in which the digest of untouched files
        is remembered, so that touched ones are read once.
    """
    seen, place = tree_digest(*roots), Path(folder) / "tree.json"
    try:
        last = json.loads(place.read_text(encoding="utf-8"))
        if last["seen"] == seen:
            return last["settled"]
        if not _only_touched(roots, pd.read_parquet(place.with_name(CONTENTS))):
            return seen
    except (OSError, ValueError, KeyError):
        return seen
    # Where nothing can be written the files are read again by the next plan.
    with contextlib.suppress(OSError):
        settle(place, last["settled"], seen)
    return last["settled"]


def settle(place: str | Path, settled: str, seen: str) -> None:
    """Remember that files whose digest is `seen` hold what they held under the digest `settled`."""
    with tables.whole_file(place) as beside:
        beside.write_text(json.dumps({"settled": settled, "seen": seen}), encoding="utf-8")


def _only_touched(roots: Sequence[str | Path], known: pd.DataFrame) -> bool:
    """Whether the files below `roots` hold what `known` tells, whatever their times say."""
    names = {(os.fspath(root), portable(name)) for root in roots for name, *_ in files_below(str(root))}
    if names != set(zip(known["root"], known["path"], strict=True)):
        return False
    for file in known.itertuples():
        path = file_path(file.root, file.path)
        size, time_ns = _stamp(path)
        if size != file.size or (time_ns != file.time_ns and _digest(path, file.whole) != file.digest):
            return False
    return True


def _digest(path: Path, whole: bool) -> str:
    return readable_digest(path, None if whole else _HEAD_BYTES)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return -1, -1
    return status.st_size, status.st_mtime_ns

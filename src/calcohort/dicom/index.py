"""All files below some folders, grouped into series by their headers: nothing is left out without a code."""

import os
import sys
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from calcohort.dicom.consistency import pixel_digest
from calcohort.dicom.facts import content_key, series_key
from calcohort.dicom.geometry import MINIMUM_EXTENT_MM
from calcohort.dicom.header import FileHeader, read_header
from calcohort.dicom.kinds import CT_CLASSES
from calcohort.dicom.series import Checked, check_series
from calcohort.dicom.spool import Spool


@dataclass(frozen=True)
class FolderIndex:
    """What lies in some folders.

    Attributes
    ----------
    files : DataFrame
        One row per file: `root` (number of the path it was found under), `path` (relative to that), `series`
        (key, empty where there is none) and `reason` (its own code or that of its series, missing when used).
    series : DataFrame
        One row per series, by key: `series`, `accepted`, `reason`, `warnings` (codes, joined by spaces),
        identity, protocol facts and geometry.
    roots : tuple of Path
        The paths as they were given.
    """

    files: pd.DataFrame
    series: pd.DataFrame
    roots: tuple[Path, ...]

    def paths(self, series: str) -> list[Path]:
        """All files of a series, to give to `load_series`."""
        return series_paths(self.files, self.roots, series)


def series_paths(files: pd.DataFrame, roots: Sequence[str | Path], series: str) -> list[Path]:
    """All files of a series, from the table of files and the paths that were scanned."""
    rows = files[files["series"] == series]
    return [Path(roots[root]) / path for root, path in zip(rows["root"], rows["path"], strict=True)]


def scan_folder(
    paths: Iterable[str | Path] | str | Path,
    workers: int = 1,
    *,
    allow_lossy: bool = False,
    extra_keywords: Sequence[str] = (),
    minimum_extent_mm: float = MINIMUM_EXTENT_MM,
) -> FolderIndex:
    """Index every file below `paths` by its header; pixels are read only where two images look alike.

    Parameters
    ----------
    paths : path or paths
        Folders of any structure, or single files.
    workers : int
        Processes that read headers.
    extra_keywords : sequence of str
        Further DICOM keywords to keep as columns of `series`, for the rules of a config.

    Raises
    ------
    FileNotFoundError
        If one of `paths` does not exist.
    """
    roots = tuple(Path(p) for p in ([paths] if isinstance(paths, str | Path) else paths))
    found = list(_walk(roots))
    judge = partial(check_series, minimum_extent_mm=minimum_extent_mm, extra_keywords=extra_keywords)
    with Spool() as spool:
        traces = []
        for header in _read_all([path for _, _, path in found], workers, tuple(extra_keywords), allow_lossy):
            spool.append(header)
            traces.append(_trace(header))
        keys = _keys(found, traces)
        groups: dict[str, array] = defaultdict(lambda: array("Q"))
        for number, key in enumerate(keys):
            if key:
                groups[key].append(number)
        verdicts = {key: _verdict(judge(spool.read(numbers))) for key, numbers in groups.items()}
        copies = _duplicate_series(verdicts, lambda key: judge(spool.read(groups[key])))
    series = _series_table(verdicts, copies, _beside(found, traces, keys), extra_keywords)
    return FolderIndex(_files_table(found, traces, keys, verdicts, copies), series, roots)


def _walk(roots: Sequence[Path]) -> Iterator[tuple[int, str, str]]:
    """(number of the root, path relative to it, path) of each file, in a fixed order, each once."""
    seen_folders, seen_files = set(), set()
    for number, root in enumerate(roots):
        if not root.exists():
            raise FileNotFoundError(f"{root}: no such file or folder")
        if not root.is_dir():
            yield number, ".", str(root)
            continue
        for folder, subfolders, names in os.walk(root, followlinks=True):
            status = os.stat(folder)
            # A link to a folder above would never end.
            if (status.st_dev, status.st_ino) in seen_folders:
                subfolders.clear()
                continue
            seen_folders.add((status.st_dev, status.st_ino))
            subfolders.sort()
            for name in sorted(names):
                path = os.path.join(folder, name)
                if path not in seen_files:
                    seen_files.add(path)
                    yield number, os.path.relpath(path, root).replace(os.sep, "/"), path


def _read_all(
    paths: list[str], workers: int, extra: tuple[str, ...], allow_lossy: bool
) -> Iterator[FileHeader]:
    read = partial(read_header, extra_keywords=extra, allow_lossy=allow_lossy)
    if workers > 1 and len(paths) > 200:
        with ProcessPoolExecutor(workers) as pool:
            yield from pool.map(read, paths, chunksize=100)
    else:
        yield from map(read, paths)


@dataclass(frozen=True, slots=True)
class _Trace:
    """What is kept of a header while the others are read."""

    key: str
    is_ct: bool
    reason: str | None

    @property
    def is_cut_slice(self) -> bool:
        """Whether the file ended before it could name its series."""
        return self.reason == "truncated" and not self.key and self.is_ct


def _trace(header: FileHeader) -> _Trace:
    key = sys.intern(series_key(header.series_uid)) if header.series_uid else ""
    return _Trace(key, header.sop_class in CT_CLASSES, header.reason)


@dataclass(frozen=True)
class _Verdict:
    """What is kept of a series; `place` is what copies of it share, None for a rejected one."""

    reason: str | None
    warnings: tuple[str, ...]
    facts: dict
    left_aside: dict[str, str]
    place: tuple | None


def _verdict(checked: Checked) -> _Verdict:
    place = None
    if checked.reason is None:
        grid = checked.grid
        place = (
            checked.facts["patient_id"],
            len(checked.slices),
            grid.spacing_xyz_mm,
            grid.origin_lps_mm,
        )
    left_aside = {path: reason for path, reason in checked.files if reason}
    return _Verdict(checked.reason, checked.warnings, checked.facts, left_aside, place)


def _keys(found: Sequence[tuple[int, str, str]], traces: Sequence[_Trace]) -> list[str]:
    """Key of each file's series; empty where there is no DICOM.

    A slice cut before the name of its series belongs to the only CT series of its folder, if there is one:
    else the rest would pass for the whole. Any other file without a name is listed as a series of its own.
    """
    neighbours: dict[str, set[str]] = defaultdict(set)
    for (_, _, path), trace in zip(found, traces, strict=True):
        if trace.key and trace.is_ct:
            neighbours[os.path.dirname(path)].add(trace.key)
    keys = []
    for (_, _, path), trace in zip(found, traces, strict=True):
        near = neighbours.get(os.path.dirname(path), ())
        if trace.key or trace.reason in ("not_dicom", "unreadable"):
            keys.append(trace.key)
        elif trace.is_cut_slice and len(near) == 1:
            keys.append(next(iter(near)))
        else:
            keys.append(content_key(path))
    return keys


def _beside(found, traces: Sequence[_Trace], keys: Sequence[str]) -> set[str]:
    """Keys of series in whose folder lies a cut slice that may belong to any of several series."""
    folders = [os.path.dirname(path) for _, _, path in found]
    named = {trace.key for trace in traces if trace.key}
    several = {
        folder
        for folder, trace, key in zip(folders, traces, keys, strict=True)
        if trace.is_cut_slice and key not in named
    }
    return {key for folder, key in zip(folders, keys, strict=True) if key and folder in several}


def _duplicate_series(verdicts: dict[str, _Verdict], judge: Callable[[str], Checked]) -> dict[str, str]:
    """Series with the same pixels at the same places as another of the same patient: {copy: original}."""
    alike = defaultdict(list)
    for key, verdict in sorted(verdicts.items()):
        if verdict.place is not None:
            alike[verdict.place].append(key)
    copies = {}
    for keys in alike.values():
        originals: dict[str, str] = {}
        for key in keys if len(keys) > 1 else ():
            digest = _stack_digest(judge(key))
            if digest in originals:
                copies[key] = originals[digest]
            elif digest:
                originals[digest] = key
    return copies


def _stack_digest(checked: Checked) -> str | None:
    ordered = [checked.slices[index] for index in checked.grid.order]
    try:
        return pixel_digest(list({id(s.header): s.header for s in ordered}.values()))
    except Exception:
        # What does not decode is no copy; it gets its reason when it is loaded.
        return None


def _series_table(verdicts, copies, beside, extra_keywords) -> pd.DataFrame:
    rows = []
    for key, verdict in sorted(verdicts.items()):
        reason = "duplicate_series" if key in copies else verdict.reason
        warnings = verdict.warnings + (("broken_file_beside",) if key in beside else ())
        rows.append(
            {"series": key, "accepted": reason is None, "reason": reason, "warnings": " ".join(warnings)}
            | {"copy_of": copies.get(key)}
            | verdict.facts
        )
    empty = check_series((), extra_keywords=extra_keywords).facts
    columns = ["series", "accepted", "reason", "warnings", "copy_of", *empty]
    return pd.DataFrame(rows, columns=list(rows[0]) if rows else columns)


def _files_table(found, traces, keys, verdicts, copies) -> pd.DataFrame:
    """A file's own reason, else that of its series: no row without a reason that is not used."""
    rows = []
    for (root, relative, path), trace, key in zip(found, traces, keys, strict=True):
        verdict = verdicts.get(key)
        reason = verdict.left_aside.get(path) if verdict else trace.reason
        of_series = "duplicate_series" if key in copies else verdict.reason if verdict else None
        rows.append((root, relative, key, reason or of_series))
    return pd.DataFrame(rows, columns=["root", "path", "series", "reason"])

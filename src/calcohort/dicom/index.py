"""All files below some folders, grouped into series by their headers: nothing is left out without a code."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd

from calcohort.dicom.consistency import pixel_digest
from calcohort.dicom.facts import content_key, series_key
from calcohort.dicom.geometry import MINIMUM_EXTENT_MM
from calcohort.dicom.header import FileHeader, read_header
from calcohort.dicom.kinds import CT_CLASSES
from calcohort.dicom.series import Checked, check_series


@dataclass(frozen=True)
class FolderIndex:
    """What lies in some folders.

    Attributes
    ----------
    files : DataFrame
        One row per file: `root` (number of the path it was found under), `path` (relative to that), `series`
        (key, empty where there is none) and `reason` (code, missing for a slice that is used).
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
    headers = _read_all([path for _, _, path in found], workers, tuple(extra_keywords), allow_lossy)
    keys = _keys(headers)
    groups: dict[str, list[FileHeader]] = defaultdict(list)
    for header, key in zip(headers, keys, strict=True):
        if key:
            groups[key].append(header)
    checked = {
        key: check_series(group, minimum_extent_mm=minimum_extent_mm, extra_keywords=extra_keywords)
        for key, group in groups.items()
    }
    copies = _duplicate_series(checked)
    series = _series_table(checked, copies, _beside(headers, groups), extra_keywords)
    return FolderIndex(_files_table(found, headers, keys, checked, copies), series, roots)


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


def _read_all(paths: list[str], workers: int, extra: tuple[str, ...], allow_lossy: bool) -> list[FileHeader]:
    # Slices of a series share their facts, which are kept once.
    shared: dict[tuple, dict[str, str]] = {}
    read = partial(read_header, extra_keywords=extra, allow_lossy=allow_lossy)
    if workers > 1 and len(paths) > 200:
        with ProcessPoolExecutor(workers) as pool:
            headers = pool.map(read, paths, chunksize=100)
            return [_sharing(header, shared) for header in headers]
    return [_sharing(read(path), shared) for path in paths]


def _sharing(header: FileHeader, shared: dict[tuple, dict[str, str]]) -> FileHeader:
    if header.facts is None:
        return header
    return replace(header, facts=shared.setdefault(tuple(header.facts.items()), header.facts))


def _keys(headers: Sequence[FileHeader]) -> list[str]:
    """Key of each file's series; empty where there is no DICOM.

    A slice cut before the name of its series belongs to the only CT series of its folder, if there is one:
    else the rest would pass for the whole. Any other file without a name is listed as a series of its own.
    """
    neighbours: dict[str, set[str]] = defaultdict(set)
    for header in headers:
        if header.series_uid and header.sop_class in CT_CLASSES:
            neighbours[os.path.dirname(header.path)].add(header.series_uid)
    keys = []
    for header in headers:
        near = neighbours[os.path.dirname(header.path)]
        if header.reason in ("not_dicom", "unreadable"):
            keys.append("")
        elif header.series_uid:
            keys.append(series_key(header.series_uid))
        elif _is_cut_slice(header) and len(near) == 1:
            keys.append(series_key(next(iter(near))))
        else:
            keys.append(content_key(header.path))
    return keys


def _is_cut_slice(header: FileHeader) -> bool:
    return header.reason == "truncated" and not header.series_uid and header.sop_class in CT_CLASSES


def _beside(headers: Sequence[FileHeader], groups) -> set[str]:
    """Keys of series in whose folder lies a cut slice that may belong to any of several series."""
    joined = {header.path for group in groups.values() if len(group) > 1 for header in group}
    cut = {os.path.dirname(h.path) for h in headers if _is_cut_slice(h) and h.path not in joined}
    return {key for key, group in groups.items() if any(os.path.dirname(h.path) in cut for h in group)}


def _duplicate_series(checked: dict[str, Checked]) -> dict[str, str]:
    """Series with the same pixels at the same places as another of the same patient: {copy: original}."""
    alike = defaultdict(list)
    for key, one in sorted(checked.items()):
        if one.reason is None:
            grid = one.grid
            place = (one.facts["patient_id"], len(one.slices), grid.spacing_xyz_mm, grid.origin_lps_mm)
            alike[place].append(key)
    copies = {}
    for keys in alike.values():
        originals: dict[str, str] = {}
        for key in keys if len(keys) > 1 else ():
            digest = _stack_digest(checked[key])
            if digest in originals:
                copies[key] = originals[digest]
            elif digest:
                originals[digest] = key
    return copies


def _stack_digest(one: Checked) -> str | None:
    ordered = [one.slices[index] for index in one.grid.order]
    try:
        return pixel_digest(list({id(s.header): s.header for s in ordered}.values()))
    except Exception:
        # What does not decode is no copy; it gets its reason when it is loaded.
        return None


def _series_table(checked, copies, beside, extra_keywords) -> pd.DataFrame:
    rows = []
    for key, one in sorted(checked.items()):
        reason = "duplicate_series" if key in copies else one.reason
        warnings = one.warnings + (("broken_file_beside",) if key in beside else ())
        rows.append(
            {"series": key, "accepted": reason is None, "reason": reason, "warnings": " ".join(warnings)}
            | {"copy_of": copies.get(key)}
            | one.facts
        )
    empty = check_series((), extra_keywords=extra_keywords).facts
    columns = ["series", "accepted", "reason", "warnings", "copy_of", *empty]
    return pd.DataFrame(rows, columns=list(rows[0]) if rows else columns)


def _files_table(found, headers, keys, checked, copies) -> pd.DataFrame:
    fate = {path: reason for one in checked.values() for path, reason in one.files}
    rows = []
    for (root, relative, path), header, key in zip(found, headers, keys, strict=True):
        reason = fate.get(path, header.reason)
        rows.append((root, relative, key, "duplicate_series" if key in copies and reason is None else reason))
    return pd.DataFrame(rows, columns=["root", "path", "series", "reason"])

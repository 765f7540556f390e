"""All files below some folders, grouped into series by their headers: nothing is left out without a code."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from calcohort.dicom.consistency import pixel_digest
from calcohort.dicom.dose import Dose, series_dose
from calcohort.dicom.found import Found, file_path
from calcohort.dicom.geometry import MINIMUM_EXTENT_MM
from calcohort.dicom.header import FileHeader, read_header
from calcohort.dicom.series import Checked, check_series
from calcohort.dicom.spool import Spool

_BATCH = 20_000


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
    return [file_path(roots[root], path) for root, path in zip(rows["root"], rows["path"], strict=True)]


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
    judge = partial(check_series, minimum_extent_mm=minimum_extent_mm, extra_keywords=extra_keywords)
    read = partial(read_header, extra_keywords=tuple(extra_keywords), allow_lossy=allow_lossy)
    found, rows = Found(roots), _SeriesRows(judge(()).facts)
    with Spool() as spool:
        doses: dict[str, Dose] = {}
        for header in _read_all(found, workers, read):
            spool.append(header)
            found.note(header)
            doses |= {dose.event: dose for dose in header.doses}
        found.name_the_nameless()
        groups = found.groups()
        for key, numbers in sorted(groups.items()):
            headers = spool.read(numbers)
            checked = judge(headers)
            found.settle(numbers, headers, checked)
            rows.add(key, checked, _with_dose(headers, checked.facts, doses))
        copies = _duplicate_series(rows.places, lambda key: judge(spool.read(groups[key])))
    rows.mark(copies, found.beside_broken())
    return FolderIndex(found.table(copies), rows.table(), roots)


def _read_all(found: Found, workers: int, read: Callable[[str], FileHeader]) -> Iterator[FileHeader]:
    if workers < 2 or len(found) <= 200:
        yield from map(read, found.paths(0, len(found)))
        return
    with ProcessPoolExecutor(workers) as pool:
        # In batches: a pool keeps the arguments of all its calls.
        for start in range(0, len(found), _BATCH):
            yield from pool.map(read, found.paths(start, start + _BATCH), chunksize=100)


def _with_dose(headers: Sequence[FileHeader], facts: dict, doses: Mapping[str, Dose]) -> dict:
    events = [event for header in headers if header.frames and not header.reason for event in header.events]
    ctdi, dlp = series_dose(events, facts["ctdi_vol_mgy"], doses)
    return facts | {"ctdi_vol_mgy": ctdi, "dlp_mgy_cm": dlp}


class _SeriesRows:
    """The table of series as columns that share equal values; `places` is what copies of one have alike."""

    def __init__(self, fact_names: Iterable[str]):
        names = ("series", "accepted", "reason", "warnings", "copy_of", *fact_names)
        self._columns: dict[str, list] = {name: [] for name in names}
        self._shared: dict = {}
        self.places: dict[str, tuple] = {}

    def add(self, key: str, checked: Checked, facts: dict) -> None:
        """One series, by ascending key."""
        row = {"series": key, "accepted": checked.reason is None, "reason": checked.reason}
        row |= {"warnings": " ".join(checked.warnings), "copy_of": None} | facts
        for name, values in self._columns.items():
            value = row[name]
            values.append(self._shared.setdefault((type(value), value), value))
        if checked.grid is not None and checked.reason is None:
            # Written anew, numbers may differ in their last digits.
            spacing = tuple(round(value, 2) for value in checked.grid.spacing_xyz_mm)
            origin = tuple(round(value, 1) for value in checked.grid.origin_lps_mm)
            self.places[key] = facts["patient_id"], len(checked.slices), spacing, origin

    def mark(self, copies: Mapping[str, str], beside_broken: set[str]) -> None:
        """Reject copies; warn of broken files that may belong to a series."""
        columns = self._columns
        for number, key in enumerate(columns["series"]):
            if key in copies:
                columns["accepted"][number], columns["reason"][number] = False, "duplicate_series"
                columns["copy_of"][number] = copies[key]
            if key in beside_broken:
                columns["warnings"][number] = f"{columns['warnings'][number]} broken_file_beside".strip()

    def table(self) -> pd.DataFrame:
        """One row per series."""
        return pd.DataFrame(self._columns)


def _duplicate_series(places: Mapping[str, tuple], judge: Callable[[str], Checked]) -> dict[str, str]:
    """Series with the same pixels at the same places as another of the same patient: {copy: original}."""
    alike = defaultdict(list)
    for key, place in sorted(places.items()):
        alike[place].append(key)
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
    try:
        return pixel_digest([checked.slices[index] for index in checked.grid.order])
    except Exception:
        # What does not decode is no copy; it gets its reason when it is loaded.
        return None

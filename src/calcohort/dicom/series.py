"""One series: checked by its headers, decoded to a volume; every failure is a reason code."""

import math
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from calcohort.dicom.consistency import (
    Slice,
    check_identity,
    check_protocol,
    drop_duplicates,
    worst,
)
from calcohort.dicom.decode import fits, is_whole, open_pixels, stored_frames, to_hounsfield
from calcohort.dicom.facts import series_facts, series_key
from calcohort.dicom.geometry import MINIMUM_EXTENT_MM, Grid, stack
from calcohort.dicom.header import FileHeader, read_header
from calcohort.dicom.plausible import Plausibility
from calcohort.dicom.reasons import REASONS, Rejected
from calcohort.errors import InputError
from calcohort.nrrd import SliceFile, open_volume
from calcohort.volume import Volume

# Gaps count from a quarter of the thickness: rounding makes smaller ones.
_GAP = 1.25
# Increments are written with rounding.
_SAME_INCREMENT = 0.02
# 1536 slices of 512 x 512, less than a gigabyte, are held in memory; more are kept in a file.
LARGEST_VOXELS = 1536 * 512 * 512
# 45 cm at half a millimetre and a matrix of 1024.
_LARGEST_SERIES = 900 * 1024 * 1024
# A left-aside image lies in the row of slices up to this distance.
_IN_LINE_MM = 0.11


@dataclass(frozen=True)
class LoadedSeries:
    """What came of one series or volume file: a volume, or the reason why there is none.

    Attributes
    ----------
    facts : dict
        Columns of one row of `FolderIndex.series`.
    files : tuple of (path, reason or None)
        What became of each file.
    """

    volume: Volume | None
    reason: str | None
    warnings: tuple[str, ...] = ()
    facts: dict = field(default_factory=dict)
    files: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True)
class Checked:
    """A series judged by its headers alone."""

    reason: str | None
    warnings: tuple[str, ...]
    facts: dict
    files: tuple[tuple[str, str | None], ...]
    slices: tuple[Slice, ...] = ()
    grid: Grid | None = None


def check_series(
    headers: Sequence[FileHeader],
    *,
    minimum_extent_mm: float = MINIMUM_EXTENT_MM,
    extra_keywords: Sequence[str] = (),
) -> Checked:
    """Judge the files of one series by their headers; no pixel is read unless two files look alike."""
    headers = sorted(headers, key=lambda header: header.path)
    fate = {header.path: header.reason for header in headers}
    facts = series_facts(headers, extra_keywords)
    usable = [h for h in headers if h.reason is None or REASONS[h.reason].level == "series"]
    whole = {h.sop_uid for h in usable if h.reason is None}
    # A transfer that broke off and was made again: the whole file is there.
    resent = {h.path for h in usable if h.reason == "truncated" and h.sop_uid in whole}
    fate |= dict.fromkeys(resent, "duplicate_file")
    usable = [h for h in usable if h.path not in resent]
    slices, grid, notes, reason = (), None, (), None
    try:
        slices, notes = _judge(headers, usable, fate)
        grid, more = _stack(slices, minimum_extent_mm)
        notes += more + _slices_left_aside(headers, slices, grid)
    except Rejected as rejected:
        reason = rejected.code
    except Exception:
        # Comparing look-alikes decodes pixels, and decoders raise what they like.
        reason = "undecodable"
    n_files, copies = len(headers), sum(code == "duplicate_file" for code in fate.values())
    notes = tuple(dict.fromkeys(notes + (("duplicate_file",) if copies else ())))
    facts |= {"n_files": n_files, "n_slices": len(slices) or sum(len(h.frames) for h in usable)}
    facts |= _grid_facts(slices, grid)
    return Checked(reason, notes, facts, tuple(fate.items()), slices, grid)


def _judge(headers, usable, fate) -> tuple[tuple[Slice, ...], tuple[str, ...]]:
    if not usable:
        counts = Counter(h.reason for h in headers if h.reason)
        raise Rejected(min(counts, key=lambda code: (-counts[code], code)) if counts else "not_dicom")
    if len({header.series_uid for header in usable if header.series_uid}) > 1:
        raise Rejected("several_series")
    # A file too damaged to be read has only the name of its series, one cut short not all of its identity.
    told = [h for h in usable if h.series_uid and h.facts and h.reason != "truncated"]
    if told:
        check_identity(told)
    fatal = worst([header.reason for header in usable if header.reason])
    if fatal:
        raise Rejected(fatal)
    distinct, copies = drop_duplicates(usable)
    fate |= dict.fromkeys(copies, "duplicate_file")
    slices = tuple(Slice(header, frame) for header in distinct for frame in header.frames)
    notes = tuple(note for header in distinct for note in header.warnings)
    if not distinct[0].patient[0]:
        notes += ("no_patient_id",)
    return slices, notes + check_protocol(slices)


def _stack(slices, minimum_extent_mm) -> tuple[Grid, tuple[str, ...]]:
    pixels = slices[0].header.pixels
    if len(slices) * pixels.rows * pixels.columns > _LARGEST_SERIES:
        raise Rejected("too_large")
    frames = [s.frame for s in slices]
    grid = stack(frames, pixels.rows, pixels.columns, minimum_extent_mm)
    notes = grid.warnings
    thickness = [frame.thickness for frame in frames if frame.thickness]
    if thickness and grid.spacing_xyz_mm[2] > _GAP * max(thickness):
        notes += ("slice_gap",)
    parts = slices[0].header.facts["InConcatenationTotalNumber"]
    if parts and int(parts) > len({s.header.path for s in slices}):
        notes += ("coverage",)
    numbers = [frames[index].instance for index in grid.order]
    if None not in numbers and len(set(numbers)) == len(numbers):
        strides = {abs(stride) for stride in np.diff(numbers).tolist()}
        if len(strides) == 1 and _skips(strides.pop(), slices[0].header.facts, grid, notes):
            raise Rejected("nonuniform_spacing")
        announced = slices[0].header.facts["ImagesInAcquisition"]
        whole = max(numbers) - min(numbers) + 1 == len(numbers)
        if (whole and min(numbers) > 1) or (announced.isdecimal() and int(announced) > len(numbers)):
            notes += ("coverage",)
    return grid, notes


def _skips(stride: int, facts: dict[str, str], grid: Grid, notes: tuple[str, ...]) -> bool:
    """Whether numbers that skip and slices that do not touch, or not as they should, tell of lost ones."""
    try:
        increment = abs(float(facts["SpacingBetweenSlices"]))
    except ValueError:
        increment = 0.0
    further = math.isclose(stride * increment, grid.spacing_xyz_mm[2], rel_tol=_SAME_INCREMENT)
    return stride > 1 and ("slice_gap" in notes or further)


def _slices_left_aside(headers: Sequence[FileHeader], slices, grid: Grid) -> tuple[str, ...]:
    """A warning where an image that calls itself no slice would go on where the slices end."""
    ends = [np.array(slices[index].frame.position) for index in (grid.order[0], grid.order[-1])]
    step = (ends[1] - ends[0]) / (len(slices) - 1)
    beyond = [ends[0] - step, ends[1] + step]
    for header in headers:
        if header.reason is None or REASONS[header.reason].level != "file":
            continue
        for frame in header.frames:
            turn = np.subtract(frame.orientation, slices[0].frame.orientation)
            near = min(np.abs(end - frame.position).max() for end in beyond) < _IN_LINE_MM
            if near and np.abs(turn).max() < 1e-3:
                return ("coverage",)
    return ()


def _grid_facts(slices, grid: Grid | None) -> dict:
    facts = dict.fromkeys(
        ("rows", "columns", "pixel_spacing_x_mm", "pixel_spacing_y_mm", "increment_mm", "extent_mm")
    )
    if slices:
        facts |= {"rows": slices[0].header.pixels.rows, "columns": slices[0].header.pixels.columns}
    if grid is not None:
        x, y, z = grid.spacing_xyz_mm
        facts |= {"pixel_spacing_x_mm": x, "pixel_spacing_y_mm": y, "increment_mm": z}
        facts["extent_mm"] = round(z * len(slices), 6)
    return facts


def load_series(
    paths: Iterable[str | Path] | str | Path,
    *,
    allow_lossy: bool = False,
    minimum_extent_mm: float = MINIMUM_EXTENT_MM,
    into: str | Path | None = None,
) -> LoadedSeries:
    """Decode one series into Hounsfield units on the patient's LPS axes.

    Parameters
    ----------
    paths : path or paths
        Files of one series in any order, or a folder that holds one series (other files in it are ignored).
    allow_lossy : bool
        Accept images that were compressed with loss, with a warning.
    minimum_extent_mm : float
        Shorter stacks are rejected as too_few_slices.
    into : path, optional
        Write the volume to this NRRD file, slice by slice, and give it as a map of the file: no more than a
        slice is in memory. There is no file where there is no volume.

    Returns
    -------
    LoadedSeries
        Never raises for what is in the files: each failure is a code of :mod:`calcohort.dicom.reasons`.

    Raises
    ------
    InputError
        If `into` cannot be written.
    """
    headers = [read_header(path, allow_lossy=allow_lossy) for path in _files(paths)]
    checked = check_series(headers, minimum_extent_mm=minimum_extent_mm)
    uids = sorted({header.series_uid for header in headers if header.series_uid})
    facts = {"series": series_key(uids[0]) if len(uids) == 1 else None} | checked.facts
    if checked.reason:
        return LoadedSeries(None, checked.reason, checked.warnings, facts, checked.files)
    try:
        with warnings.catch_warnings():
            # Decoders' warnings quote header values, which may be identifiers.
            warnings.simplefilter("ignore")
            volume, notes = _decode(checked, into)
    except Rejected as rejected:
        return LoadedSeries(None, rejected.code, checked.warnings, facts, checked.files)
    except InputError:
        raise
    except Exception:
        # Decoders raise what they like on damaged data: none of it may end the run.
        return LoadedSeries(None, "undecodable", checked.warnings, facts, checked.files)
    return LoadedSeries(volume, None, checked.warnings + notes, facts, checked.files)


def _files(paths) -> list[str]:
    if isinstance(paths, str | Path):
        path = Path(paths)
        return sorted(str(p) for p in path.rglob("*") if not p.is_dir()) if path.is_dir() else [str(path)]
    return sorted(str(path) for path in paths)


def _decode(checked: Checked, into: str | Path | None) -> tuple[Volume, tuple[str, ...]]:
    grid, slices = checked.grid, checked.slices
    whole = all(is_whole(s.frame) and s.header.pixels.bits_allocated == 16 for s in slices)
    pixels = slices[0].header.pixels
    size = (pixels.columns, pixels.rows) if grid.transpose else (pixels.rows, pixels.columns)
    shape, dtype = (len(slices), *size), np.int16 if whole else np.float32
    if into is None and math.prod(shape) > LARGEST_VOXELS:
        # The map outlives the name of its file.
        with tempfile.TemporaryDirectory() as folder:
            return _decode(checked, Path(folder) / "volume.nrrd")
    if into is None:
        hu = np.empty(shape, dtype)
        notes = _fill(hu, checked)
        return Volume(smallest(hu), grid.spacing_xyz_mm, grid.origin_lps_mm), notes
    with SliceFile(into, shape, dtype) as hu:
        notes = _fill(hu, checked)
        if not whole and _all_whole(hu):
            hu.narrow()
        hu.finish(grid.spacing_xyz_mm, grid.origin_lps_mm)
    return open_volume(into), notes


def _fill(hu: np.ndarray | SliceFile, checked: Checked) -> tuple[str, ...]:
    """Decode every slice to its place; returns warnings."""
    grid, slices = checked.grid, checked.slices
    level = {id(slices[index].frame): z for z, index in enumerate(grid.order)}
    shown = Plausibility(len(slices))
    usual_bits = Counter(_bits(s.header) for s in slices).most_common(1)[0][0]
    for header in {id(s.header): s.header for s in slices}.values():
        with open_pixels(header.path, header.pixels) as handle:
            for frame, words in zip(header.frames, stored_frames(handle, header.pixels), strict=True):
                if _bits(header) != usual_bits and not fits(words, header.pixels):
                    raise Rejected("implausible_hu")
                values, padding = to_hounsfield(words, frame, header.pixels)
                z = level[id(frame)]
                shown.note(z, words, values, padding)
                hu[z] = grid.to_lps(values)
    frames = [slices[index].frame for index in grid.order]
    return shown.judge(hu, [(frame.slope, frame.intercept) for frame in frames])


def _bits(header: FileHeader) -> tuple[int, int]:
    return header.pixels.bits_stored, header.pixels.high_bit


def smallest(hu: np.ndarray) -> np.ndarray:
    """Whole numbers as int16, in the same memory: half steps of a slope often cancel."""
    if hu.dtype == np.int16 or not _all_whole(hu):
        return hu
    small = hu.reshape(-1).view(np.int16)[: hu.size].reshape(hu.shape)
    for z in range(len(hu)):
        small[z] = hu[z].copy()
    return small


def _all_whole(hu: np.ndarray | SliceFile) -> bool:
    return all(np.array_equal(values, np.rint(values)) for values in hu)

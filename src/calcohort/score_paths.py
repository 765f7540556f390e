"""Score scans without a study: whatever lies under some paths, one row per series."""

import argparse
import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from calcohort.dicom import (
    LoadedSeries,
    file_path,
    load_series,
    load_volume_file,
    save_volume,
    scan_folder,
)
from calcohort.dicom.facts import content_key
from calcohort.dicom.volume_headers import is_volume_file
from calcohort.errors import InputError
from calcohort.imaging.protocol import UNKNOWN, classify
from calcohort.imaging.volume_files import volume_key
from calcohort.pictures import overlay, png_bytes
from calcohort.scoring.rows import rejected_row, score_row
from calcohort.tables import whole_file
from calcohort.volume import Volume

logger = logging.getLogger(__name__)

_PICTURE_BYTES = 400_000


@dataclass(frozen=True)
class Found:
    """A series on disk, not yet decoded: `about` holds what its row says of it in any case."""

    about: dict
    reason: str | None
    load: Callable[[], LoadedSeries] | None = None
    shape: dict = field(default_factory=dict)


def score_paths(
    paths: Sequence[str | Path],
    segmenter,
    out: str | Path | None = None,
    save_volume: bool = False,
) -> list[dict]:
    """Score every series under `paths`: folders and files of DICOM, NIfTI, NRRD or MetaImage.

    Parameters
    ----------
    paths : sequence of path
    segmenter : calcohort.segmentation.Segmenter
        Or any callable from a Volume to a Segmentation.
    out : path, optional
        Folder for a picture of each scan, ``SERIES.png``.
    save_volume : bool
        Write ``SERIES.nii.gz`` (HU) and ``SERIES_mask.nii.gz`` (labels) to `out` as well.

    Returns
    -------
    list of dict
        One row per series, scored or with the code of its reason, keys as `calcohort.scoring.rows.JSON_KEYS`.

    Raises
    ------
    InputError
        If a path does not exist, or volumes are to be saved nowhere. What is in the files never raises.
    """
    _check(paths, out, save_volume)
    folder = None if out is None else Path(out)
    return [_score(found, segmenter, folder, save_volume) for found in find_series(paths)]


def find_series(paths: Sequence[str | Path]) -> Iterator[Found]:
    """Every series under `paths`, in the order of the paths, each once."""
    index = scan_folder([Path(path) for path in paths])
    protocols = dict(zip(index.series["series"], classify(index.series), strict=True))
    facts = index.series.set_index("series", drop=False)
    seen = set()
    for file in index.files.itertuples():
        path = file_path(index.roots[file.root], file.path)
        if file.series:
            if file.series not in seen:
                seen.add(file.series)
                yield _dicom(index.paths(file.series), facts.loc[file.series], protocols[file.series], path)
        elif is_volume_file(path):
            if path.resolve() in seen:
                continue
            seen.add(path.resolve())
            yield _volume_file(path)
        elif file.path == ".":
            # A file that the user named gets an answer; junk beside a series does not.
            about = {"source": str(path), "series": content_key(str(path))}
            yield Found(about, file.reason)


def run(options: argparse.Namespace) -> int:
    """The command `calcohort score`."""
    _check(options.paths, options.out, options.save_volume)
    # Torch takes seconds to load: a mistyped path is reported before.
    from calcohort.segmentation import Segmenter

    segmenter = Segmenter.load(options.model, options.device)
    rows = score_paths(options.paths, segmenter, options.out, options.save_volume)
    print(json.dumps(rows, indent=2, allow_nan=False) if options.json else as_text(rows))
    return 0


def as_text(rows: Sequence[dict]) -> str:
    """Rows as aligned text, one line per series."""
    header = (
        "series",
        "protocol",
        "agatston",
        "category",
        "lesions",
        "heart ml",
        "seconds",
        "remarks",
        "source",
    )
    lines = [header, *map(_text_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    return "\n".join(aligned if rows else ["no series found"])


def _text_cells(row: dict) -> tuple[str, ...]:
    number = {
        name: "-" if row[name] is None else f"{row[name]:.{digits}f}"
        for name, digits in (("agatston", 1), ("n_lesions", 0), ("heart_volume_ml", 0), ("seconds", 1))
    }
    remarks = ([f"rejected: {row['reason']}"] if row["reason"] else []) + row["warnings"]
    return (
        row["series"],
        row["protocol"],
        number["agatston"],
        row["category"] or "-",
        number["n_lesions"],
        number["heart_volume_ml"],
        number["seconds"],
        ", ".join(remarks) or "-",
        row["source"],
    )


def _check(paths: Sequence[str | Path], out: str | Path | None, save_volume: bool) -> None:
    for path in paths:
        if not Path(path).exists():
            raise InputError("no such file or folder", where=str(path), cure="check the path")
    if save_volume and out is None:
        raise InputError("there is no folder to write to", where="--save-volume", cure="add --out DIR")
    if out is not None and Path(out).exists() and not Path(out).is_dir():
        raise InputError("is a file", where=str(out), cure="give --out a folder")


def _dicom(paths: list[Path], facts: pd.Series, protocol: str, first: Path) -> Found:
    about = {
        "source": str(first if len(paths) == 1 else first.parent),
        "series": str(facts["series"]),
        "protocol": protocol,
        "kvp": _number(facts["kvp"]),
        "warnings": str(facts["warnings"]).split(),
    }
    shape = [_number(facts[name]) for name in ("n_slices", "rows", "columns")]
    spacing = [_number(facts[f"{name}_mm"]) for name in ("pixel_spacing_x", "pixel_spacing_y", "increment")]
    known = {
        "shape_zyx": None if None in shape else shape,
        "spacing_xyz_mm": None if None in spacing else spacing,
    }
    reason = None if facts["accepted"] else str(facts["reason"])
    return Found(about, reason, lambda: load_series(paths), known)


def _volume_file(path: Path) -> Found:
    about = {"source": str(path), "series": volume_key(path), "protocol": UNKNOWN}
    return Found(about, None, lambda: load_volume_file(path))


def _score(found: Found, segmenter, out: Path | None, save: bool) -> dict:
    start = time.perf_counter()
    about = dict(found.about)
    if found.reason:
        return rejected_row(reason=found.reason, seconds=_since(start), **found.shape, **about)
    loaded = found.load()
    about["warnings"] = list(dict.fromkeys((*about.get("warnings", ()), *loaded.warnings)))
    if loaded.volume is None:
        return rejected_row(reason=loaded.reason, seconds=_since(start), **found.shape, **about)
    volume = loaded.volume
    known = {"shape_zyx": volume.shape_zyx, "spacing_xyz_mm": volume.spacing_xyz_mm}
    try:
        row, segmentation, crop = _segment_and_score(volume, segmenter, about)
        row["seconds"] = _since(start)
    except Exception as error:
        # One scan that cannot be scored must not cost the others theirs.
        reason = getattr(error, "reason", "scoring_failed")
        if reason == "scoring_failed":
            logger.warning("%s: %s: %s", about["series"], type(error).__name__, error)
        row, segmentation = rejected_row(reason=reason, seconds=_since(start), **known, **about), None
    if out is not None:
        if save:
            save_volume(volume, out / f"{about['series']}.nii.gz")
        if segmentation is not None:
            _write_mask_and_picture(out, row, volume, segmentation if save else None, crop)
    return row


def _segment_and_score(volume: Volume, segmenter, about: dict):
    from calcohort.segmentation import store

    segmentation = segmenter(volume)
    crop = store.crop(volume, segmentation)
    return score_row(crop, **about), segmentation, crop


def _write_mask_and_picture(out: Path, row: dict, volume: Volume, segmentation, crop) -> None:
    if segmentation is not None:
        labels = Volume(segmentation.labels, volume.spacing_xyz_mm, volume.origin_lps_mm)
        save_volume(labels, out / f"{row['series']}_mask.nii.gz")
    figure = overlay(crop, title=row["series"], flags=row["warnings"], kvp=row["kvp"])
    with whole_file(out / f"{row['series']}.png") as beside:
        beside.write_bytes(png_bytes(figure, _PICTURE_BYTES))


def _number(value) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _since(start: float) -> float:
    return round(time.perf_counter() - start, 3)

"""NIfTI, NRRD and MetaImage volumes in a study's imaging folders: series whose patient a table names."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import SimpleITK as sitk

from calcohort.dicom import file_path
from calcohort.dicom.geometry import MINIMUM_EXTENT_MM
from calcohort.dicom.reasons import Rejected
from calcohort.dicom.volume_headers import is_volume_file
from calcohort.dicom.volumes import from_sitk
from calcohort.errors import InputError

# What the table may say of a scan beside whose it is: columns of the series table.
STATED = (
    "kvp", "mas", "rotation_time_s", "kernel", "slice_thickness_mm", "manufacturer", "scanner", "site",
    "ctdi_vol_mgy", "dlp_mgy_cm",
)  # fmt: skip
# Headers of detached data name their file so (MetaImage, NRRD).
_DETACHED = re.compile(
    rb"^\s*(?:ElementDataFile\s*=|data ?file\s*:)\s*(.+?)\s*$", re.MULTILINE | re.IGNORECASE
)
_HEADER_BYTES = 65536


def data_file(path: str | Path) -> Path | None:
    """File that holds the voxels of a detached header (.mhd, .nhdr), where there is one."""
    path = Path(path)
    if path.suffix.lower() not in (".mhd", ".nhdr"):
        return None
    try:
        with open(path, "rb") as handle:
            named = _DETACHED.search(handle.read(_HEADER_BYTES))
        beside = path.parent / named.group(1).decode() if named else None
        return beside if beside is not None and beside.is_file() else None
    except (OSError, ValueError):
        return None


def volume_key(path: str | Path) -> str:
    """First 16 hexadecimal digits of SHA-256 of a volume's bytes, those of detached data included."""
    digest = hashlib.sha256()
    try:
        for part in filter(None, (Path(path), data_file(path))):
            with open(part, "rb") as handle:
                while block := handle.read(1 << 20):
                    digest.update(block)
    except OSError:
        return ""
    return digest.hexdigest()[:16]


def volume_series(
    files: pd.DataFrame, roots: Sequence[str | Path], listed: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The volume files among all files, as series.

    Parameters
    ----------
    files : DataFrame
        `FolderIndex.files`.
    roots : sequence of path
        The folders that were indexed.
    listed : DataFrame, optional
        The study's table of volumes: file, patient_id, scan_date, protocol and any of `STATED`; its index is
        the row number that errors show.

    Returns
    -------
    files, series : DataFrame
        The files with the keys and reasons of volumes; one row per volume, columns of `FolderIndex.series`
        and `protocol_given`. A volume without a row of the table has no patient.

    Raises
    ------
    InputError
        If the table names a file that is not there, or one scan in two ways.
    """
    files = files.copy()
    stray = files["series"] == ""
    volumes = {
        row: _path(roots, files.loc[row, "root"], files.loc[row, "path"])
        for row in files.index[stray & files["path"].map(_may_be_volume)]
    }
    volumes = {row: path for row, path in volumes.items() if is_volume_file(path)}
    stated = _stated(volumes, files, listed)
    rows_at = {path.resolve(): row for row, path in _places(files, roots, stray)} if volumes else {}
    series: dict[str, dict] = {}
    by_key = defaultdict(list)
    for row, path in volumes.items():
        key = volume_key(path)
        by_key[key].append(row)
        facts = series.get(key) or describe(path)
        series[key] = facts | {"series": key, "n_files": 1}
        files.loc[row, ["series", "reason"]] = [
            key,
            facts["reason"] if len(by_key[key]) == 1 else "duplicate_file",
        ]
        beside = data_file(path)
        if beside is not None and beside.resolve() in rows_at:
            files.loc[rows_at[beside.resolve()], ["series", "reason"]] = [key, facts["reason"]]
    for key, rows in by_key.items():
        series[key] |= _one_statement([stated[row] for row in rows if row in stated])
        series[key]["warnings"] = "duplicate_file" if len(rows) > 1 else ""
    return files, pd.DataFrame(list(series.values()))


def with_volumes(series: pd.DataFrame, volumes: pd.DataFrame) -> pd.DataFrame:
    """The series of an index together with those of volume files, by key."""
    series = series.assign(source="dicom", protocol_given=None)
    if volumes.empty:
        return series
    rows = [*series.to_dict("records"), *volumes.assign(source="volume").to_dict("records")]
    columns = list(dict.fromkeys([*series.columns, *volumes.columns]))
    together = pd.DataFrame(rows, columns=columns).sort_values("series", ignore_index=True)
    texts = [name for name in columns if together[name].dtype == object]
    together[texts] = together[texts].astype(object).where(together[texts].notna(), None)
    return together


def describe(path: str | Path) -> dict:
    """Row of a series by the file's header alone: accepted, reason and geometry."""
    row = {"accepted": False, "reason": "malformed", "modality": "CT", "patient_id": None, "study_date": None}
    try:
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        reader.ReadImageInformation()
        (x, y, z), (columns, rows, n_slices) = _grid(reader)
    except Rejected as rejected:
        return row | {"reason": rejected.code}
    except (RuntimeError, OSError):
        return row
    row |= {"n_slices": n_slices, "rows": rows, "columns": columns, "increment_mm": z}
    row |= {"pixel_spacing_x_mm": x, "pixel_spacing_y_mm": y, "extent_mm": round(z * n_slices, 6)}
    reason = "too_few_slices" if row["extent_mm"] < MINIMUM_EXTENT_MM else None
    return row | {"accepted": reason is None, "reason": reason}


def _grid(reader: sitk.ImageFileReader) -> tuple[tuple, tuple]:
    """Spacing and size (x, y, z) once the axes are the patient's."""
    dimension, size = reader.GetDimension(), reader.GetSize()
    if dimension not in (3, 4) or any(n > 1 for n in size[3:]) or min(size[:3]) < 3:
        raise Rejected("not_3d")
    direction = np.array(reader.GetDirection()).reshape(dimension, dimension)[:3, :3]
    # A small image with the same axes tells how they lie, without reading the voxels.
    small = sitk.Image([3, 3, 3], sitk.sitkUInt8, reader.GetNumberOfComponents())
    small.SetSpacing(reader.GetSpacing()[:3])
    small.SetDirection(direction.ravel().tolist())
    turned = [0, 0, 0]
    for axis, patient_axis in enumerate(np.abs(direction).argmax(axis=0)):
        turned[patient_axis] = int(size[axis])
    return from_sitk(small).spacing_xyz_mm, tuple(turned)


def _may_be_volume(path: str) -> bool:
    return path == "." or is_volume_file(path)


def _path(roots: Sequence[str | Path], root: int, path: str) -> Path:
    return file_path(roots[root], path)


def _places(files: pd.DataFrame, roots, stray: pd.Series):
    for row in files.index[stray]:
        yield row, _path(roots, files.loc[row, "root"], files.loc[row, "path"])


def _stated(volumes: dict[int, Path], files: pd.DataFrame, listed: pd.DataFrame | None) -> dict[int, dict]:
    """What the table says of each volume file, by its row in `files`."""
    if listed is None:
        return {}
    known = defaultdict(set)
    for row, path in volumes.items():
        names = {files.loc[row, "path"], path.as_posix(), path.name if files.loc[row, "path"] == "." else ""}
        for name in names - {"", "."}:
            known[name].add(row)
    stated = {}
    for number, entry in listed.iterrows():
        found = known.get(Path(entry["file"]).as_posix(), set())
        where = f"imaging.volumes row {number}"
        if not found:
            cure = "write its path relative to a folder of imaging.dicom"
            raise InputError("the file is not in the imaging folders", where=where, cure=cure)
        if len(found) > 1:
            raise InputError("several folders hold this file", where=where, cure="write its whole path")
        facts = {"patient_id": entry["patient_id"], "study_date": entry["scan_date"]}
        facts |= {"protocol_given": entry["protocol"], "table_row": number}
        facts |= {name: entry[name] for name in STATED if name in entry and not pd.isna(entry[name])}
        stated[found.pop()] = facts
    return stated


def _one_statement(statements: list[dict]) -> dict:
    """What all rows of the table say of one scan."""
    if not statements:
        return {}
    bare = [{key: value for key, value in one.items() if key != "table_row"} for one in statements]
    if any(one != bare[0] for one in bare):
        first, second = (one["table_row"] for one in statements[:2])
        what = f"names the same scan as row {second}, with other facts"
        raise InputError(what, where=f"imaging.volumes row {first}", cure="keep one of them")
    return bare[0]

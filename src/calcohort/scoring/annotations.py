"""Readers' annotations of calcium as a map of vessels on the grid of the scan they belong to.

A map of vessels is uint8 (z, y, x): 0 none, 1 left main, 2 left anterior descending, 3 circumflex, 4 right
coronary artery, 5 other calcification. The edge of a lesion is set by the score's threshold, not by the pen.
"""

import re
from pathlib import Path

import numpy as np

from calcohort.errors import InputError
from calcohort.volume import Volume

VESSELS = ("LM", "LAD", "LCX", "RCA")
OTHER = len(VESSELS) + 1

# The first pattern that is found decides: valves and cusps are named after arteries too, and "left coronary"
# is what is left when no branch is named. RIVA, RCX and HS are German names, IVA, CD and TC French ones.
_NAMES = (
    (r"valve|cusp|leaflet|mitral|annul|pericard|non.?coronary|\baortic (wall|root|arch)\b|^\W*aorta", OTHER),
    (r"\b(lad|riva|iva)\d*\b|\blad|anterior descending|\bdiag|\bd[1-3]\b", 2),
    (r"\b(lcx|cx|lcfx|rcx|circ)\d*\b|\blcx|circumflex|marginal|\bom\d?\b|\bramus\b|\bri\b|intermedi", 3),
    (r"\b(rca|cd|rpda?|pda|plb|plv)\d*\b|\brca|right coronary|posterior descending|postero.?lateral", 4),
    (r"\b(lm|lmca|lms|hs|tc)\b|left main|main stem|left coronary|hauptstamm", 1),
    (r"aort|\bother\b", OTHER),
)
_ON_GRID = 0.1  # voxels


def read_annotation(path: str | Path, volume: Volume) -> np.ndarray:
    """Map of vessels from a label map (NIfTI, NRRD), a DICOM SEG file or an OsiriX/Horos ROI file.

    Raises
    ------
    InputError
        If the file cannot be read, names an unknown vessel or lies on another grid.
    """
    from calcohort.scoring.dicom_seg import read_dicom_seg
    from calcohort.scoring.label_maps import is_label_map, read_label_map
    from calcohort.scoring.roi_xml import read_roi_xml

    if is_label_map(path):
        return read_label_map(path, volume)
    if Path(path).suffix.lower() in (".xml", ".plist"):
        return read_roi_xml(path, volume)
    return read_dicom_seg(path, volume)


def vessel_of(name: str, where: str) -> int:
    """Number of the vessel that a reader calls `name`.

    Raises
    ------
    InputError
        If the name is of no known vessel.
    """
    for pattern, vessel in _NAMES:
        if re.search(pattern, name.lower().replace("_", " ")):
            return vessel
    raise InputError(
        f"no vessel is called {name!r}", where=where, cure=f"name it one of {', '.join(VESSELS)} or other"
    )


def coronary(vessels: np.ndarray) -> np.ndarray:
    """Mask of coronary calcium in a map of vessels."""
    return (vessels > 0) & (vessels < OTHER)


def index_of(points_lps_mm: np.ndarray, volume: Volume) -> np.ndarray:
    """Fractional voxel index (n, 3; z, y, x) of points (n, 3; x, y, z)."""
    offset = np.asarray(points_lps_mm, dtype=float) - volume.origin_lps_mm
    return (offset / volume.spacing_xyz_mm)[:, ::-1]


def whole_index(index: np.ndarray, volume: Volume, where: str) -> np.ndarray:
    """Whole voxel indices of an annotation that must share the scan's grid.

    Raises
    ------
    InputError
        If a voxel lies between those of the scan or outside it.
    """
    whole = np.rint(index).astype(int)
    if np.any(np.abs(index - whole) > _ON_GRID):
        raise InputError("lies on another grid than the scan", where=where, cure="annotate the scan itself")
    if np.any(whole < 0) or np.any(whole >= volume.shape_zyx):
        raise InputError("reaches outside the scan", where=where, cure="give the annotation of this scan")
    return whole

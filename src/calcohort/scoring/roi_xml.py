"""OsiriX and Horos ROI files: outlines in patient coordinates, each with the name of a vessel."""

import plistlib
import re
from pathlib import Path
from xml.parsers.expat import ExpatError

import contourpy
import numpy as np
from matplotlib.path import Path as Outline

from calcohort.errors import InputError
from calcohort.scoring.annotations import OTHER, VESSELS, index_of, vessel_of
from calcohort.tables import whole_file
from calcohort.volume import Volume

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"


def read_roi_xml(path: str | Path, volume: Volume) -> np.ndarray:
    """Map of vessels: pixels whose centre is inside an outline, or nearest to one that holds no centre.

    Raises
    ------
    InputError
        If the file is no ROI file, names an unknown vessel, or has an outline outside the scan.
    """
    where = Path(path).name
    try:
        with open(path, "rb") as handle:
            images = plistlib.load(handle)["Images"]
        rois = [roi for image in images for roi in image["ROIs"]]
        outlines = [(roi["Name"], _points(roi["Point_mm"])) for roi in rois]
    except (plistlib.InvalidFileException, ExpatError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            "is no ROI file of OsiriX or Horos (Images, ROIs, Name, Point_mm)",
            where=where,
            cure="export the ROIs again as XML",
        ) from error
    vessels = np.zeros(volume.shape_zyx, dtype=np.uint8)
    for name, points in outlines:
        if len(points):
            _fill(vessels, index_of(points, volume), vessel_of(name, where), where)
    return vessels


def write_roi_xml(path: str | Path, vessels: np.ndarray, volume: Volume) -> None:
    """Write the outline of every lesion of every slice; a hole in a lesion is not kept."""
    names = (*VESSELS, "other")
    images = []
    for z in np.flatnonzero(vessels.any(axis=(1, 2))):
        rois = []
        for vessel in range(1, OTHER + 1):
            for outline in _outlines(vessels[z] == vessel):
                points = [volume.point_lps_mm((z, y, x)) for x, y in outline]
                text = [f"({x!r}, {y!r}, {z_mm!r})" for x, y, z_mm in points]
                rois.append({"Name": names[vessel - 1], "NumberOfPoints": len(text), "Point_mm": text})
        images.append({"ImageIndex": int(z), "NumberOfROIs": len(rois), "ROIs": rois})
    with whole_file(path) as beside:
        beside.write_bytes(plistlib.dumps({"Images": images}))


def _points(texts: list[str]) -> np.ndarray:
    points = [[float(number) for number in re.findall(_NUMBER, text)] for text in texts]
    return np.array(points, dtype=float).reshape(len(texts), 3)


def _fill(vessels: np.ndarray, index: np.ndarray, vessel: int, where: str) -> None:
    nearest = np.rint(index).astype(int)
    if len(set(nearest[:, 0])) != 1:
        raise InputError("an outline crosses slices", where=where, cure="draw outlines in axial slices")
    # A lesion at the border of the image is outlined half a pixel outside it.
    within = np.clip(nearest, 0, np.array(vessels.shape) - 1)
    if np.any(np.abs(index - within).max(axis=0) > (0.5, 1.0, 1.0)):
        raise InputError("an outline lies outside the scan", where=where, cure="give the ROIs of this scan")
    (y0, x0), (y1, x1) = within[:, 1:].min(axis=0), within[:, 1:].max(axis=0) + 1
    centres = np.argwhere(np.ones((y1 - y0, x1 - x0), dtype=bool)) + (y0, x0)
    inside = Outline(index[:, 1:], closed=False).contains_points(centres) if len(index) > 2 else [False]
    y, x = (centres[inside] if np.any(inside) else within[:, 1:]).T
    vessels[within[0, 0], y, x] = vessel


def _outlines(pixels: np.ndarray) -> list[np.ndarray]:
    """Closed lines (n, 2; x, y) half way between the pixels inside and those outside."""
    lines = contourpy.contour_generator(z=np.pad(pixels, 1).astype(float)).lines(0.5)
    return [line - 1 for line in lines]

"""OsiriX and Horos ROI files: outlines in patient coordinates, each with the name of a vessel."""

import plistlib
import re
from itertools import pairwise
from pathlib import Path
from xml.parsers.expat import ExpatError

import contourpy
import numpy as np
from matplotlib.path import Path as Outline

from calcohort.errors import InputError
from calcohort.scoring.annotations import OTHER, VESSELS, index_of, vessel_of
from calcohort.tables import whole_file
from calcohort.volume import Volume

# Parts of a slice by which points of one outline may differ in height.
_IN_SLICE = 0.25
_MALFORMED = (plistlib.InvalidFileException, ExpatError)
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
        outlines = [
            (image.get("ImageIndex"), roi["Name"], index_of(_points(roi["Point_mm"]), volume))
            for image in images
            for roi in image["ROIs"]
            if len(roi["Point_mm"])
        ]
    except (*_MALFORMED, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            "is no ROI file of OsiriX or Horos (Images, ROIs, Name, Point_mm)",
            where=where,
            cure="export the ROIs again as XML",
        ) from error
    vessels = np.zeros(volume.shape_zyx, dtype=np.uint8)
    slices = [_slice_of(index, volume, where) for _, _, index in outlines]
    _check_images([image for image, _, _ in outlines], slices, where)
    for (_, name, index), z in zip(outlines, slices, strict=True):
        _fill(vessels[z], index[:, 1:], vessel_of(str(name), where), where)
    return vessels


def write_roi_xml(path: str | Path, vessels: np.ndarray, volume: Volume) -> None:
    """Write the outline of every lesion of every slice; a hole is joined to the outline around it."""
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


def _slice_of(index: np.ndarray, volume: Volume, where: str) -> int:
    """The slice in which an outline lies."""
    if np.ptp(index[:, 0]) > _IN_SLICE:
        raise InputError("an outline crosses slices", where=where, cure="draw outlines in axial slices")
    height = float(np.mean(index[:, 0]))
    z = round(height)
    if not 0 <= z < volume.shape_zyx[0]:
        raise InputError("an outline lies outside the scan", where=where, cure="give the ROIs of this scan")
    if abs(height - z) > _IN_SLICE:
        raise InputError("an outline lies between two slices", where=where, cure="give the ROIs of this scan")
    return z


def _check_images(images: list, slices: list[int], where: str) -> None:
    """Slices must follow the numbers of their images, upwards or downwards."""
    pairs = [(image, z) for image, z in zip(images, slices, strict=True) if image is not None]
    up, down = ({image + sign * z for image, z in pairs} for sign in (-1, 1))
    if pairs and min(len(up), len(down)) > 1:
        what = "an outline lies in another slice than its image"
        raise InputError(what, where=where, cure="export the ROIs of one series at a time")


def _fill(pixels: np.ndarray, outline: np.ndarray, vessel: int, where: str) -> None:
    """Give the pixels inside an outline (n, 2; y, x) to a vessel."""
    # A lesion at the border of the image is outlined half a pixel outside it.
    within = np.clip(np.rint(outline).astype(int), 0, np.array(pixels.shape) - 1)
    if np.any(np.abs(np.rint(outline) - within) > 1.0):
        raise InputError("an outline lies outside the scan", where=where, cure="give the ROIs of this scan")
    (y0, x0), (y1, x1) = within.min(axis=0), within.max(axis=0) + 1
    centres = np.argwhere(np.ones((y1 - y0, x1 - x0), dtype=bool)) + (y0, x0)
    inside = Outline(outline, closed=False).contains_points(centres) if len(outline) > 2 else [False]
    y, x = (centres[inside] if np.any(inside) else within).T
    pixels[y, x] = vessel


def _outlines(pixels: np.ndarray) -> list[np.ndarray]:
    """Closed lines (n, 2; x, y) half way between the pixels inside and those outside, holes cut open."""
    generator = contourpy.contour_generator(
        z=np.pad(pixels, 1).astype(float), fill_type=contourpy.FillType.OuterOffset
    )
    lines = []
    for points, offsets in zip(*generator.filled(0.5, 2.0), strict=True):
        rings = [points[start:stop] for start, stop in pairwise(offsets)]
        # To the hole and back on one line: what lies inside the hole is outside of the outline.
        lines.append(np.concatenate([rings[0], *(np.vstack([ring, rings[0][:1]]) for ring in rings[1:])]) - 1)
    return lines

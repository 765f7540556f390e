"""From the positions of slices to a grid in the patient's LPS frame, or the reason why there is none.

Only positions decide: slice thickness, slice location and the tilt tag are known to be wrong too often.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calcohort.dicom.frames import Frame
from calcohort.dicom.reasons import Rejected

# Directions count as parallel up to this difference of their cosines (0.1 degree).
_PARALLEL = 2e-3
# Slices of one series have the same direction up to noise of rounding: 0.1 mm at the edge of the field.
_SAME_DIRECTION = 3e-4
_SAME_SPACING_MM = 1e-4
# Scanners round positions to 0.1 mm at worst; up to 0.02 mm goes without a warning.
_SILENT_JITTER_MM = 0.021
_LARGEST_JITTER_MM = 0.055
# No scanner reconstructs slices closer than this.
_SAME_POSITION_MM = 0.08
MINIMUM_EXTENT_MM = 60.0


@dataclass(frozen=True)
class Grid:
    """Where each slice goes.

    Attributes
    ----------
    order : tuple of int
        Index of the frames from inferior to superior.
    transpose, flip_y, flip_x : bool
        What turns a slice as stored into rows along y and columns along x of LPS.
    """

    order: tuple[int, ...]
    transpose: bool
    flip_y: bool
    flip_x: bool
    spacing_xyz_mm: tuple[float, float, float]
    origin_lps_mm: tuple[float, float, float]
    warnings: tuple[str, ...]

    def to_lps(self, image: np.ndarray) -> np.ndarray:
        """View of a stored slice with y to posterior and x to the left."""
        image = image.T if self.transpose else image
        return image[:: -1 if self.flip_y else 1, :: -1 if self.flip_x else 1]


def stack(frames: Sequence[Frame], rows: int, columns: int, minimum_extent_mm=MINIMUM_EXTENT_MM) -> Grid:
    """Grid of one series' slices.

    Raises
    ------
    Rejected
        orientation_mismatch, spacing_mismatch, not_axial, too_few_slices, duplicate_position, gantry_tilt,
        nonuniform_spacing.
    """
    orientations = np.array([frame.orientation for frame in frames])
    if np.abs(orientations - orientations[0]).max() > _SAME_DIRECTION:
        raise Rejected("orientation_mismatch")
    spacings = np.array([frame.spacing for frame in frames])
    if np.abs(spacings - spacings[0]).max() > _SAME_SPACING_MM:
        raise Rejected("spacing_mismatch")
    along_columns, along_rows = orientations[0][:3], orientations[0][3:]
    normal = np.cross(along_columns, along_rows)
    if np.hypot(*normal[:2]) > _PARALLEL and not _is_tilt(frames, normal):
        raise Rejected("not_axial")
    order, increment, warnings = _line(frames, normal, minimum_extent_mm)
    transpose, flip_y, flip_x = _turn(along_columns, along_rows)
    between_rows, between_columns = frames[0].spacing
    origin = np.array(frames[order[0]].position)
    # Stored rows run along `along_rows`, columns along `along_columns`; a flipped axis begins at its far end.
    far_rows = along_rows * between_rows * (rows - 1)
    far_columns = along_columns * between_columns * (columns - 1)
    flip_rows, flip_columns = (flip_x, flip_y) if transpose else (flip_y, flip_x)
    origin = origin + far_rows * flip_rows + far_columns * flip_columns
    spacing_xy = (between_rows, between_columns) if transpose else (between_columns, between_rows)
    return Grid(
        order,
        transpose,
        flip_y,
        flip_x,
        (*spacing_xy, increment),
        tuple(float(value) for value in origin),
        warnings,
    )


def _is_tilt(frames: Sequence[Frame], normal: np.ndarray) -> bool:
    """Tilted planes moved along the table, not along their normal."""
    positions = np.array([frame.position for frame in frames])
    path = np.ptp(positions, axis=0)
    return len(frames) > 1 and path[2] > 10 * max(path[0], path[1]) and abs(normal[2]) > 0.7


def _line(frames: Sequence[Frame], normal: np.ndarray, minimum_extent_mm: float):
    positions = np.array([frame.position for frame in frames])
    heights = positions[:, 2]
    order = np.argsort(heights, kind="stable")
    n = len(frames)
    if n < 3:
        raise Rejected("too_few_slices")
    steps = np.diff(heights[order])
    if steps.min() < _SAME_POSITION_MM:
        raise Rejected("duplicate_position")
    ordered = positions[order]
    travel = ordered[-1] - ordered[0]
    direction = normal if normal[2] > 0 else -normal
    sideways = travel - direction * (travel @ direction)
    if np.hypot(*sideways[:2]) > _PARALLEL * np.linalg.norm(travel) and _is_straight(ordered):
        raise Rejected("gantry_tilt")
    # A fitted line, so that the rounding of the first and last position does not count twice.
    number = np.arange(n) - (n - 1) / 2
    slope = number @ ordered / (number @ number)
    increment = float(slope[2])
    residual = np.abs(ordered - ordered.mean(axis=0) - number[:, None] * slope).max()
    if residual > _LARGEST_JITTER_MM or np.abs(steps - increment).max() > 2 * _LARGEST_JITTER_MM:
        raise Rejected("nonuniform_spacing")
    warnings = ("position_jitter",) if residual > _SILENT_JITTER_MM else ()
    # As exact as positions are.
    if n * increment < minimum_extent_mm - _LARGEST_JITTER_MM:
        raise Rejected("too_few_slices")
    # Rounding of decimal strings would else show up as 2.9999999999.
    return tuple(int(i) for i in order), round(increment, 6), warnings


def _is_straight(ordered: np.ndarray) -> bool:
    """Whether the sideways drift grows evenly, as a tilt's does, rather than in one shifted slice."""
    share = (ordered[:, 2] - ordered[0, 2]) / (ordered[-1, 2] - ordered[0, 2])
    ideal = ordered[0] + share[:, None] * (ordered[-1] - ordered[0])
    return bool(np.abs(ordered - ideal)[:, :2].max() < 2 * _LARGEST_JITTER_MM)


def _turn(along_columns: np.ndarray, along_rows: np.ndarray) -> tuple[bool, bool, bool]:
    """Transposition and flips that bring stored rows and columns to y and x."""
    transpose = abs(along_columns[1]) > abs(along_columns[0])
    x_axis, y_axis = (along_rows, along_columns) if transpose else (along_columns, along_rows)
    if np.hypot(*x_axis[1:]) > _PARALLEL or np.hypot(y_axis[0], y_axis[2]) > _PARALLEL:
        raise Rejected("not_axial")
    return transpose, bool(y_axis[1] < 0), bool(x_axis[0] < 0)

"""A CT volume in Hounsfield units with its place in the patient."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Volume:
    """HU on an axial grid in the patient's LPS frame.

    Attributes
    ----------
    hu : ndarray, int16 or float32, shape (z, y, x)
        z ascends to superior, y to posterior, x to the patient's left; axes are parallel to the patient's.
    spacing_xyz_mm : tuple of 3 float
        Distance between voxel centres; z is the slice increment, never the slice thickness.
    origin_lps_mm : tuple of 3 float
        Centre of voxel hu[0, 0, 0] (x, y, z).
    """

    hu: np.ndarray
    spacing_xyz_mm: tuple[float, float, float]
    origin_lps_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def shape_zyx(self) -> tuple[int, int, int]:
        """Number of voxels (z, y, x)."""
        return self.hu.shape

    @property
    def spacing_zyx_mm(self) -> tuple[float, float, float]:
        """Spacing in the order of the array's axes."""
        return self.spacing_xyz_mm[::-1]

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel."""
        return float(np.prod(self.spacing_xyz_mm))

    def point_lps_mm(self, zyx) -> tuple[float, float, float]:
        """Patient coordinates (x, y, z) of a voxel index (z, y, x), fractions allowed."""
        return tuple(
            float(o + s * i)
            for o, s, i in zip(self.origin_lps_mm, self.spacing_xyz_mm, tuple(zyx)[::-1], strict=True)
        )

    def crop(self, box: tuple[int, int, int, int, int, int]) -> "Volume":
        """Part of the volume inside ``box`` = (z0, z1, y0, y1, x0, x1), half open, in voxels."""
        z0, z1, y0, y1, x0, x1 = box
        return Volume(self.hu[z0:z1, y0:y1, x0:x1], self.spacing_xyz_mm, self.point_lps_mm((z0, y0, x0)))

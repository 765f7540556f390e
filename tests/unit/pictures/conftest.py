"""A small heart with three coronary lesions and one in the aorta."""

import numpy as np
import pytest

from calcohort.segmentation.store import HeartCrop


@pytest.fixture
def crop():
    rng = np.random.default_rng(3)
    hu = rng.normal(40, 15, (30, 90, 100)).astype(np.int16)
    labels = np.zeros(hu.shape, dtype=np.uint8)
    labels[2:28, 15:75, 15:85] = 3
    for z, y, x, size, value in ((5, 30, 30, 3, 300), (12, 40, 60, 4, 600), (20, 60, 40, 2, 180)):
        hu[z : z + 2, y : y + size, x : x + size] = value
        labels[z : z + 2, y : y + size, x : x + size] = 1
    hu[25, 20:24, 70:74], labels[25, 20:24, 70:74] = 900, 2
    return HeartCrop(
        hu, labels, (100, 7, 9), (200, 512, 512), (1.0, 1.0, 3.0), (0.0, 0.0, 0.0), 600.0, ("noise",)
    )


@pytest.fixture
def empty(crop):
    """The same scan without calcium."""
    labels = np.where(crop.labels == 3, 3, 0).astype(np.uint8)
    fields = ("offset_zyx", "shape_zyx", "spacing_xyz_mm", "origin_lps_mm", "heart_volume_ml")
    return HeartCrop(crop.hu, labels, *(getattr(crop, name) for name in fields))

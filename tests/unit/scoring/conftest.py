"""Blocks of known density in an empty volume."""

import numpy as np
import pytest

from calcohort.volume import Volume

BACKGROUND_HU = 40


@pytest.fixture
def blocks():
    """Factory: a volume with blocks ``(z0, z1, y0, y1, x0, x1, hu)`` and the mask of these blocks."""

    def make(*placed, spacing=(0.5, 0.5, 3.0), shape=(12, 40, 40)):
        hu = np.full(shape, BACKGROUND_HU, dtype=np.int16)
        mask = np.zeros(shape, dtype=bool)
        for z0, z1, y0, y1, x0, x1, value in placed:
            hu[z0:z1, y0:y1, x0:x1] = value
            mask[z0:z1, y0:y1, x0:x1] = True
        return Volume(hu, spacing), mask

    return make

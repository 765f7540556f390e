"""Small phantoms shared by the tests."""

import pytest
import torch

from calcohort.phantom import Grid, acquire, draw_anatomy, heart_grid


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Timings and sums of the tests do not depend on the machine's cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def rich_anatomy():
    """A patient with heavy coronary calcium."""
    return draw_anatomy(5, burden=">400")


@pytest.fixture(scope="session")
def rich_crop(rich_anatomy):
    """Heart crop of the patient on a stress CTAC."""
    return acquire(
        rich_anatomy, "ctac_stress", 1, grid=heart_grid(rich_anatomy, (40, 160, 160), (1.0, 1.0, 3.5))
    )


@pytest.fixture(scope="session")
def coarse_grid():
    """Whole chest on 4 mm voxels."""
    return Grid((60, 110, 130), (4.0, 4.0, 4.0), (-258.0, -218.0, -110.0))

"""A small CT series, 20 slices of 48 x 40 pixels, anisotropic, with air, lung, soft tissue and calcium."""

import shutil

import numpy as np
import pytest

from calcohort.simulate.dicom_writer import write_series
from calcohort.volume import Volume


def small_volume(seed: int = 7) -> Volume:
    rng = np.random.default_rng(seed)
    hu = rng.normal(40, 20, (20, 48, 40))
    hu[:, :, :6] = -1000
    hu[:, 10:20, 8:16] = -800
    hu[8:12, 30:34, 20:24] = 600
    return Volume(
        np.rint(np.clip(hu, -1024, 3071)).astype(np.int16), (1.1, 1.3, 5.0), (-20.5, -31.25, -512.5)
    )


@pytest.fixture(scope="session")
def volume() -> Volume:
    return small_volume()


@pytest.fixture(scope="session")
def written(volume, tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    write_series(
        volume, folder, patient_id="P001", study_date="2015-03-04", protocol="ctac_stress", sex="male"
    )
    return folder


@pytest.fixture
def folder(written, tmp_path):
    """A private copy of the written series."""
    return shutil.copytree(written, tmp_path / "series")

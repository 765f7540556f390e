"""A patient or a scan in both cohorts stops the run, whatever its names became."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from calcohort.development import check_separate
from calcohort.errors import InputError
from calcohort.segmentation.store import pixel_hash
from calcohort.volume import Volume

VOLUME = Volume(np.arange(60, dtype=np.int16).reshape(3, 4, 5), (1.0, 1.0, 3.0))


def cohorts(shared_patient=False, shared_scan=False):
    own = pd.DataFrame({"patient_id": ["a", "b"], "pixels": [pixel_hash(VOLUME), "0"]})
    others = pd.DataFrame({"patient_id": ["b" if shared_patient else "c"]})
    copy = replace(VOLUME, hu=VOLUME.hu + (0 if shared_scan else 1))
    return own, others, pd.DataFrame({"pixels": [pixel_hash(copy), None]})


def test_separate_cohorts_are_counted():
    table = check_separate(*cohorts()).set_index("what")
    assert table["both"].tolist() == [0, 0]
    assert table.loc["scans", "external"] == 1


@pytest.mark.parametrize(("what", "named"), [("shared_patient", "1 patients"), ("shared_scan", "1 scans")])
def test_what_is_in_both_stops_the_run(what, named):
    with pytest.raises(InputError, match=named) as stopped:
        check_separate(*cohorts(**{what: True}))
    assert "take them out" in str(stopped.value)


def test_the_hash_is_of_voxels_and_shape_and_needs_the_key():
    assert pixel_hash(VOLUME) == pixel_hash(replace(VOLUME, origin_lps_mm=(1.0, 2.0, 3.0)))
    assert pixel_hash(VOLUME) != pixel_hash(replace(VOLUME, hu=VOLUME.hu.reshape(3, 5, 4)))
    assert pixel_hash(VOLUME, b"key") != pixel_hash(VOLUME)

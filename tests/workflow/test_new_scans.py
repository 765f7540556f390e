"""Scans that come, change and go: each costs the work of its shard, and the outcome is that of a new run."""

import os
import shutil
from collections import Counter

import numpy as np
import pandas as pd
import pydicom
import pytest

from calcohort import tables
from calcohort.simulate.dicom_writer import write_series
from calcohort.volume import Volume
from tests.workflow.conftest import jobs_of, new_place, said

pytestmark = pytest.mark.slow
RUN = "results/new"
SCANS = 5
# The jobs of a shard.
SHARD = ("convert", "segment", "score")


@pytest.fixture
def study(place):
    """Five small scans of noise in shards of two; the last one is not there yet. Place and config."""
    noise = np.random.default_rng(0)
    for n in range(SCANS):
        hu = noise.integers(-900, 200, (40, 32, 32)).astype(np.int16)
        folder = place / f"{'later' if n == SCANS - 1 else 'scans/some'}/{n}"
        about = {"patient_id": f"P{n}", "study_date": "2015-03-04", "protocol": "ctac_stress"}
        write_series(Volume(hu, (8.0, 8.0, 4.0)), folder, **about, transfer_syntax="explicit")
    people = pd.DataFrame({"patient_id": [f"P{n}" for n in range(SCANS)]})
    tables.write_csv(people.assign(scan_date="2015-03-04"), place / "pet.csv")
    tables.write_csv(people.assign(sex="male", age=60), place / "people.csv")
    config = {
        "name": "new",
        "imaging": {"dicom": "scans", "shard_size": 2},
        "registries": {"patients": {"path": "people.csv"}, "pet": {"path": "pet.csv"}},
    }
    return place, place.config(config)


def run(place, config) -> Counter:
    """Bring the scores up to date; how many jobs of each rule that took."""
    done = place.snakemake("scores", "--configfile", config)
    assert done.returncode == 0, said(done)[-3000:]
    return jobs_of(done)


def shards(place) -> dict[str, str]:
    """What each shard holds."""
    table = tables.read_csv(place / f"{RUN}/imaging/scans.csv", dtype={"shard": str})
    return {shard: rows.to_csv(index=False) for shard, rows in table.groupby("shard")}


def changed(before: dict, after: dict) -> list[str]:
    """Shards that are new or hold something else."""
    return [shard for shard in after if before.get(shard) != after[shard]]


def another_pixel(path) -> None:
    """Change a file in the middle of its pixels; its size stays."""
    data, size = pydicom.dcmread(path), path.stat().st_size
    pixels = data.pixel_array.copy()
    pixels[16, 16] += 5
    data.PixelData = pixels.tobytes()
    data.save_as(path)
    assert path.stat().st_size == size


def test_added_changed_and_removed_scans_cost_the_work_of_their_shards(study, tmp_path_factory):
    place, config = study
    first, before = run(place, config), shards(place)
    assert first["convert"] == len(before) >= 2

    # At a depth where no scan lay before.
    shutil.move(place / "later", place / "scans/deep/down/here")
    jobs, after = run(place, config), shards(place)
    assert {jobs[name] for name in SHARD} == {len(changed(before, after))}
    # One shard, or the two that it was divided into.
    assert 1 <= jobs["convert"] <= 2

    for path in (place / "scans").rglob("*"):
        os.utime(path)
    assert not run(place, config)
    # A registry of other things than names does not lead to the scans.
    (place / "people.csv").write_text((place / "people.csv").read_text().replace("male,60", "male,61", 1))
    assert "index" not in run(place, config)

    # One pixel of one file, and every file touched.
    another_pixel(sorted((place / "scans/some/0").iterdir())[20])
    for path in (place / "scans").rglob("*"):
        os.utime(path)
    before, jobs = after, run(place, config)
    assert [jobs[name] for name in SHARD] == [1, 1, 1]
    assert len(changed(before, shards(place))) == 1

    shutil.rmtree(place / "scans/some/1")
    jobs = run(place, config)
    assert jobs["convert"] <= 1
    listed = tables.read_csv(place / f"{RUN}/scores/scores.csv")
    assert listed["patient_id"].tolist() == ["P0", "P2", "P3", "P4"]

    again = new_place(tmp_path_factory.mktemp("again"))
    for name in ("scans", "pet.csv", "people.csv", config):
        (again / name).symlink_to(place / name)
    run(again, config)
    for name in ("imaging/scans.csv", "imaging/series.csv", "scores/scores.csv", "scores/lesions.csv"):
        assert (again / f"{RUN}/{name}").read_bytes() == (place / f"{RUN}/{name}").read_bytes()

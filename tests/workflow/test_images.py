"""Images of any kind in a study: volumes among DICOM, and development scans that are broken or edited."""

import shutil

import pandas as pd
import pytest
import SimpleITK as sitk

from calcohort import tables
from calcohort.dicom import load_series, save_volume
from calcohort.scoring.rows import SCORE_COLUMNS
from tests.workflow.conftest import jobs_of, said

pytestmark = pytest.mark.slow
RUN = "results/small"


def test_dicom_and_volumes_of_one_scan_score_alike(finished, place):
    scores = tables.read_csv(finished / f"{RUN}/scores/scores.csv")
    good = scores[scores["accepted"] & scores["protocol"].str.startswith("ctac")].drop_duplicates(
        "patient_id"
    )
    as_volume, as_dicom = good.iloc[0], good.iloc[1]
    (place / "scans").mkdir()
    source = finished / f"{RUN}/simulate/external/dicom"
    for row in (as_volume, as_dicom):
        (folder,) = source.glob(f"*/{row['patient_id']}/{row['protocol']}")
        if row is as_dicom:
            shutil.copytree(folder, place / "scans/some/where")
        else:
            save_volume(load_series(folder).volume, place / "scans/some.nii.gz")
    columns = ["patient_id", "scan_date", "protocol", "kvp"]
    volumes = pd.DataFrame([as_volume[columns]]).assign(file="some.nii.gz")
    tables.write_csv(volumes, place / "volumes.csv")
    tables.write_csv(good.iloc[:2][["patient_id", "scan_date"]], place / "pet.csv")
    people = good.iloc[:2][["patient_id"]].assign(sex="male", age=60)
    tables.write_csv(people, place / "people.csv")
    study = {
        "name": "mixed",
        "imaging": {"dicom": "scans", "volumes": "volumes.csv"},
        "registries": {"patients": {"path": "people.csv"}, "pet": {"path": "pet.csv"}},
    }
    run = place.snakemake("scores", "--configfile", place.config(study))
    assert run.returncode == 0, said(run)[-3000:]
    mixed = tables.read_csv(place / "results/mixed/scores/scores.csv")
    assert sorted(mixed["source"]) == ["dicom", "volume"]
    compared = [name for name in SCORE_COLUMNS if name not in ("source", "series")]
    key = ["patient_id", "protocol"]
    expected = good.iloc[:2].sort_values(key, ignore_index=True)
    numbers = expected.select_dtypes("number").columns
    mixed = mixed.sort_values(key, ignore_index=True)
    pd.testing.assert_frame_equal(
        mixed[[*key, "accepted", "category"]], expected[[*key, "accepted", "category"]]
    )
    # The header of a NIfTI file holds the spacing in single precision.
    pd.testing.assert_frame_equal(mixed[numbers], expected[numbers], check_dtype=False, rtol=1e-6)
    assert set(numbers) < set(compared)


def test_a_bad_development_scan_stops_no_other_and_an_edited_file_is_noticed(finished, place):
    listed = tables.read_csv(finished / f"{RUN}/simulate/development/site-A.csv", dtype={"site": "string"})
    listed = listed.iloc[[0, 1, 1]].copy()
    for column in ("image", "annotation", "heart"):
        listed[column] = [str(finished / path) for path in listed[column]]
    shutil.copy(listed["annotation"].iloc[0], place / "mine.nrrd")
    shutil.copy(listed["heart"].iloc[1], place / "heart.nrrd")
    listed["heart"] = [listed["heart"].iloc[0], "heart.nrrd", "heart.nrrd"]
    listed["annotation"] = ["mine.nrrd", listed["annotation"].iloc[1], "mine.nrrd"]
    listed["image"] = [*listed["image"].iloc[:2], "nowhere"]
    tables.write_csv(listed, place / "listed.csv")
    (place / "a.csv").write_text("patient_id,cac_dl,followup_days,mace\na,0,10,0\nb,5,20,1\n")
    study = {"name": "own", "analysis": "a.csv", "development": {"scans": "listed.csv"}}
    target = ("results/own/development/annotated.csv", "--configfile", place.config(study))
    run = place.snakemake(*target)
    assert run.returncode == 0, said(run)[-3000:]
    rejected = tables.read_csv(place / "results/own/development/rejected.csv")
    assert rejected[["place", "reason"]].values.tolist() == [["development.scans row 4", "no_image"]]
    flow = tables.read_csv(place / "results/own/development/flow.csv")
    assert flow[["n_in", "excluded", "n_out"]].values.tolist() == [[3, 0, 3], [3, 1, 2]]
    assert set(jobs_of(place.snakemake("-n", *target))) == set()
    networks = [f"results/own/{made}" for made in ("development/samples", "statistics/baseline.csv")]
    networks += target[1:]
    follow = {"split", "samples", "internal_testing", "baseline"}
    assert set(jobs_of(place.snakemake(*networks))) == follow
    # A touched file is read again, but nothing is cut or tested anew, nor what follows from it.
    (place / "heart.nrrd").touch()
    assert set(jobs_of(place.snakemake(*networks))) == {"annotate"}
    assert "Nothing to be done" in said(place.snakemake(*networks))
    # A heart changes no score; the networks learn it all the same.
    heart = sitk.ReadImage(str(place / "heart.nrrd"))
    heart[0, 0, 0] = 1
    sitk.WriteImage(heart, str(place / "heart.nrrd"))
    assert set(jobs_of(place.snakemake(*networks))) == {"annotate", *follow}
    sitk.WriteImage(sitk.ReadImage(str(place / "mine.nrrd")) * 0, str(place / "mine.nrrd"))
    assert "annotate" in jobs_of(place.snakemake("-n", *target))

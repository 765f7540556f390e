"""Scoring whatever lies under a path: one row per series, good or rejected, and nothing ever raises."""

import argparse
import hashlib
import json

import numpy as np
import pytest
import SimpleITK as sitk

from calcohort import score_paths as module
from calcohort.dicom import save_volume
from calcohort.errors import InputError
from calcohort.score_paths import as_text, run, score_paths
from calcohort.scoring.rows import JSON_KEYS
from calcohort.segmentation import NoHeart, Segmentation
from calcohort.simulate.dicom_writer import make_uid, write_series
from calcohort.volume import Volume


def a_scan(seed=0, lesion=True):
    """30 slices of 5 mm; a lesion of 4 x 4 pixels of 2 mm and 500 HU on one slice."""
    hu = np.random.default_rng(seed).integers(20, 60, (30, 64, 64)).astype(np.int16)
    hu[:, :, :8] = -1000
    if lesion:
        hu[12, 30:34, 30:34] = 500
    return Volume(hu, (2.0, 2.0, 5.0), (-10.0, -20.0, -30.0))


def fake_segmenter(volume):
    """Takes the middle for the heart and all calcium in it for coronary; fails on marked scans."""
    if volume.hu[0, 0, 63] == 1000:
        raise NoHeart("no heart")
    if volume.hu[0, 0, 63] == 1001:
        raise RuntimeError("out of luck")
    labels = np.zeros(volume.shape_zyx, dtype=np.uint8)
    labels[4:26, 12:56, 12:56] = 3
    labels[(labels == 3) & (volume.hu >= 130)] = 1
    return Segmentation(labels, 640.0, (4, 26, 12, 56, 12, 56), ("heart_cut_below",))


def marked(value):
    scan = a_scan(seed=value)
    scan.hu[0, 0, 63] = value
    return scan


def test_dicom_folder_is_scored_per_series(tmp_path):
    for protocol in ("ctac_stress", "cac_gated"):
        write_series(
            a_scan(lesion=protocol == "ctac_stress"),
            tmp_path / protocol,
            patient_id="P1",
            study_date="2016-02-03",
            protocol=protocol,
        )
    gated, stress = score_paths([tmp_path], fake_segmenter)
    uid = make_uid("series", make_uid("study", "P1", "2016-02-03"), "ctac_stress")
    assert stress["series"] == hashlib.sha256(uid.encode()).hexdigest()[:16]
    assert tuple(stress) == tuple(gated) == JSON_KEYS
    # 16 pixels x 4 mm2 x weight 4 x 5 / 3
    assert stress["agatston"] == stress["agatston_kvp_adjusted"] == pytest.approx(16 * 4 * 4 * 5 / 3)
    assert (stress["protocol"], stress["kvp"], stress["category"]) == ("ctac_stress", 100, ">400")
    assert (gated["protocol"], gated["kvp"], gated["category"]) == ("cac_gated", 120, "0")
    assert stress["lesions"][0]["z_slices"] == [12]
    assert stress["source"] == str(tmp_path / "ctac_stress")
    assert stress["heart_volume_ml"] == 640.0 and stress["seconds"] >= 0
    assert "heart_cut_below" in stress["warnings"]
    assert "P1" not in json.dumps([stress, gated])


@pytest.mark.parametrize("suffix", ["nii.gz", "nrrd", "mha"])
def test_volume_files_are_scored_and_named_by_their_content(tmp_path, suffix):
    path = tmp_path / f"scan.{suffix}"
    save_volume(a_scan(), path)
    by_file, by_folder = score_paths([path], fake_segmenter), score_paths([tmp_path], fake_segmenter)
    assert by_file[0]["series"] == hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    assert by_file[0]["agatston"] == pytest.approx(16 * 4 * 4 * 5 / 3)
    assert (by_file[0]["protocol"], by_file[0]["kvp"]) == ("unknown", None)
    assert [by_folder[0] | {"seconds": 0}] == [by_file[0] | {"seconds": 0}]


def test_a_bad_series_gets_its_reason_and_the_others_go_on(tmp_path, caplog):
    save_volume(a_scan(), tmp_path / "a_good.nrrd")
    save_volume(marked(1000), tmp_path / "b_no_heart.nrrd")
    save_volume(marked(1001), tmp_path / "c_defect.nrrd")
    (tmp_path / "d_broken.nii").write_bytes(b"nothing that a reader knows")
    (tmp_path / "junk.txt").write_text("junk")
    short = write_series(
        a_scan(3), tmp_path / "e", patient_id="P1", study_date="2016-02-03", protocol="ctac_rest"
    )
    for path in short[3:]:
        path.unlink()
    rows = {row["source"].rpartition("/")[2]: row for row in score_paths([tmp_path], fake_segmenter)}
    assert {name: (row["accepted"], row["reason"]) for name, row in rows.items()} == {
        "a_good.nrrd": (True, None),
        "b_no_heart.nrrd": (False, "no_heart"),
        "c_defect.nrrd": (False, "scoring_failed"),
        "d_broken.nii": (False, "malformed"),
        "e": (False, "too_few_slices"),
    }
    assert "out of luck" in caplog.text
    rejected = rows["b_no_heart.nrrd"]
    assert (rejected["agatston"], rejected["category"], rejected["lesions"]) == (None, None, [])
    assert rejected["shape_zyx"] == [30, 64, 64]
    assert all(tuple(row) == JSON_KEYS for row in rows.values())


def test_named_junk_is_answered_and_an_empty_folder_is_no_error(tmp_path):
    note = tmp_path / "note.txt"
    note.write_text("junk")
    (row,) = score_paths([note], fake_segmenter)
    assert (row["accepted"], row["reason"]) == (False, "not_dicom")
    (tmp_path / "empty").mkdir()
    assert score_paths([tmp_path / "empty"], fake_segmenter) == []
    assert as_text([]) == "no series found"


def test_saved_volume_and_mask_lie_on_the_scans_grid(tmp_path):
    scan = a_scan()
    write_series(scan, tmp_path / "in", patient_id="P1", study_date="2016-02-03", protocol="ctac_stress")
    save_volume(marked(1000), tmp_path / "no_heart.mha")
    rows = score_paths([tmp_path / "in", tmp_path / "no_heart.mha"], fake_segmenter, tmp_path / "out", True)
    good, headless = (row["series"] for row in rows)
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == sorted([f"{good}.nii.gz", f"{good}_mask.nii.gz", f"{good}.png", f"{headless}.nii.gz"])
    image, mask = (
        sitk.ReadImage(str(tmp_path / "out" / f"{good}{end}")) for end in (".nii.gz", "_mask.nii.gz")
    )
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), scan.hu)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(mask), fake_segmenter(scan).labels)
    for one in (image, mask):
        assert one.GetSpacing() == pytest.approx(scan.spacing_xyz_mm)
        assert one.GetOrigin() == pytest.approx(scan.origin_lps_mm)
        assert one.GetDirection() == pytest.approx(tuple(np.eye(3).ravel()))


def test_text_is_one_aligned_row_per_series(tmp_path):
    save_volume(a_scan(), tmp_path / "a.nrrd")
    save_volume(marked(1000), tmp_path / "b.nrrd")
    header, good, bad = as_text(score_paths([tmp_path], fake_segmenter)).splitlines()
    assert header.index("agatston") == good.index("426.7") == bad.index("-", bad.index("unknown"))
    assert "rejected: no_heart" in bad and bad.endswith("b.nrrd")


@pytest.mark.parametrize(
    ("paths", "out", "save", "message"),
    [
        (["absent"], None, False, "absent: no such file or folder"),
        (["."], None, True, "--save-volume: there is no folder"),
        (["."], "file", False, "is a file"),
    ],
)
def test_usage_errors_come_before_any_work(tmp_path, monkeypatch, paths, out, save, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(module, "find_series", lambda _: pytest.fail("work began"))
    options = argparse.Namespace(
        paths=paths, out=out, save_volume=save, json=False, model="absent", device="cpu"
    )
    with pytest.raises(InputError, match=message):
        run(options)


def test_command_prints_json(tmp_path, monkeypatch, capsys):
    save_volume(a_scan(), tmp_path / "a.nrrd")
    monkeypatch.setattr("calcohort.segmentation.Segmenter.load", lambda *_: fake_segmenter)
    options = argparse.Namespace(
        paths=[str(tmp_path)], out=None, save_volume=False, json=True, model="m", device="cpu"
    )
    assert run(options) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["category"] == ">400"

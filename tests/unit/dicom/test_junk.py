"""`calcohort score --json` on whatever cannot be scored: each series is listed with its reason."""

import json
import os

import numpy as np
import pytest

from calcohort.cli import main
from calcohort.dicom import REASONS, save_volume, scan_folder
from calcohort.simulate.dicom_faults import FAULTS, plant_fault
from calcohort.simulate.dicom_writer import write_series
from calcohort.volume import Volume

BAD = sorted(name for name in FAULTS if FAULTS[name].reason)


def _fifty_kinds(folder, volume) -> int:
    """One folder for each fault that ends in a code, then files that are no scans; how many kinds."""
    for number, name in enumerate(BAD):
        place = folder / name
        facts = {"patient_id": f"P{number:03d}", "study_date": "2015-03-04", "protocol": "ctac_stress"}
        write_series(volume, place, **facts)
        plant_fault(place, name, seed=6)
    (folder / "notes.txt").write_text("CT of the chest")
    (folder / "report.pdf").write_bytes(b"%PDF-1.4 nothing")
    (folder / "empty.dcm").write_bytes(b"")
    (folder / "noise.dcm").write_bytes(np.random.default_rng(1).bytes(3000))
    (folder / "preamble.dcm").write_bytes(bytes(128) + b"DICM")
    (folder / "cut.nii.gz").write_bytes(b"\x1f\x8b\x08\x00")
    (folder / "text.nrrd").write_text("NRRD0004\n")
    (folder / "text.mha").write_text("NDims = 3\n")
    (folder / "gone.dcm").symlink_to(folder / "nowhere")
    (folder / "ring").symlink_to(folder, target_is_directory=True)
    os.mkfifo(folder / "pipe")
    save_volume(Volume((volume.hu > 130).astype(np.uint8), volume.spacing_xyz_mm), folder / "labels.nrrd")
    return len(BAD) + 12


@pytest.mark.slow
def test_every_series_of_fifty_kinds_of_junk_is_listed_with_its_reason(volume, tmp_path, capsys):
    assert _fifty_kinds(tmp_path, volume) >= 50
    assert main(["score", "--json", str(tmp_path)]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert not any(row["accepted"] for row in rows)
    assert {row["reason"] for row in rows} <= set(REASONS)
    listed = {row["series"]: row["reason"] for row in rows}
    index = scan_folder(tmp_path)
    assert set(index.series["series"]) <= set(listed)
    for name in BAD:
        own = index.files[index.files["path"].str.startswith(f"{name}/") & (index.files["series"] != "")]
        assert FAULTS[name].reason in {listed[key] for key in own["series"]}, name
    sources = {os.path.basename(row["source"]) for row in rows}
    assert {"cut.nii.gz", "text.nrrd", "text.mha", "labels.nrrd"} <= sources

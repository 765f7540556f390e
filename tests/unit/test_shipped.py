"""What comes with the checkout is found from any working directory; a study's own files are the study's."""

import os

from calcohort.config import complete
from calcohort.shipped import MODEL, ROOT, shipped


def test_shipped_files_are_found_from_any_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert shipped(MODEL) == MODEL
    monkeypatch.chdir(tmp_path)
    found = shipped(MODEL)
    assert not os.path.isabs(found)
    assert (tmp_path / found).resolve() == ROOT / MODEL


def test_what_lies_in_the_working_directory_goes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / MODEL).mkdir(parents=True)
    assert shipped(MODEL) == MODEL
    assert shipped("no/such/file") == "no/such/file"


def test_a_study_elsewhere_has_the_shipped_defaults_and_its_own_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = complete({"name": "x", "analysis": "a.csv"})
    for path in (config["segmentation"]["model"], config["claims"]["file"], config["claims"]["mapping"]):
        assert (tmp_path / path).exists()
    # A path that somebody wrote is theirs, also where the checkout holds one of the same name.
    own = complete({"name": "x", "analysis": "a.csv", "claims": {"file": "config/paper.yaml", "mapping": ""}})
    assert own["claims"] == {"file": "config/paper.yaml", "mapping": ""}

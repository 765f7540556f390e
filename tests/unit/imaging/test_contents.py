"""A scan is made anew when its files hold something else, not when they were touched."""

import os

import pandas as pd
import pytest

from calcohort.imaging import contents as module
from calcohort.imaging.contents import content_digests, contents

FILES = pd.DataFrame({"root": 0, "path": ["a1", "a2", "b1"], "series": ["a", "a", "b"]})


@pytest.fixture
def folder(tmp_path):
    for name in FILES["path"]:
        (tmp_path / name).write_bytes(name.encode() * 10_000)
    return tmp_path


def digests(folder, known=None):
    table = contents(FILES, [folder], known, workers=2)
    return content_digests(FILES, table["digest"]), table


@pytest.mark.parametrize("place", [0, 10_000, -1])
def test_one_byte_anywhere_in_a_file_changes_the_digest_of_its_series_alone(folder, place):
    before, known = digests(folder)
    data = bytearray((folder / "a2").read_bytes())
    data[place] ^= 1
    (folder / "a2").write_bytes(data)
    after, _ = digests(folder, known)
    assert before["a"] != after["a"]
    assert before["b"] == after["b"]


def test_touching_a_file_changes_no_digest(folder):
    before, known = digests(folder)
    os.utime(folder / "a1", ns=(1, 1))
    after, table = digests(folder, known)
    pd.testing.assert_series_equal(before, after)
    assert table["time_ns"][0] == 1


def test_files_of_the_run_before_are_not_read_again(folder, monkeypatch):
    _, known = digests(folder)
    (folder / "b1").write_bytes(b"new")
    read = []
    monkeypatch.setattr(module, "readable_digest", lambda path: read.append(path.name) or "digest")
    assert digests(folder, known)[1]["digest"].tolist()[2] == "digest"
    assert read == ["b1"]


def test_a_file_that_is_gone_and_none_at_all(folder):
    (folder / "b1").unlink()
    assert digests(folder)[1]["digest"].tolist()[2] == "unreadable"
    assert contents(FILES.iloc[:0], [folder]).empty

"""A scan is made anew when its files hold something else, not when they were touched."""

import os

import pandas as pd
import pytest

from calcohort.imaging import contents as module
from calcohort.imaging.contents import CONTENTS, content_digests, contents, settle, settled_digest

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
    monkeypatch.setattr(module, "readable_digest", lambda path, _: read.append(path.name) or "digest")
    assert digests(folder, known)[1]["digest"].tolist()[2] == "digest"
    assert read == ["b1"]


def test_a_file_that_is_gone_and_none_at_all(folder):
    (folder / "b1").unlink()
    assert digests(folder)[1]["digest"].tolist()[2] == "unreadable"
    assert contents(FILES.iloc[:0], [folder]).empty


def plan(folder):
    """What a plan takes for the digest of the folder, and how many files it read."""
    read = []
    original = module.readable_digest
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "readable_digest", lambda *about: read.append(about) or original(*about))
        return settled_digest([folder / "scans"], folder / "index"), len(read)


@pytest.fixture
def indexed(tmp_path):
    """Three files of which one is no scan, as an index left them, and the digest of its plan."""
    (tmp_path / "index").mkdir()
    (tmp_path / "scans").mkdir()
    for name in FILES["path"]:
        (tmp_path / "scans" / name).write_bytes(name.encode() * 100_000)
    digest, _ = plan(tmp_path)
    held = contents(FILES, [tmp_path / "scans"], whole=[True, True, False])
    held.to_parquet(tmp_path / "index" / CONTENTS)
    settle(tmp_path / "index/tree.json", digest, digest)
    return tmp_path, digest


def test_a_plan_knows_touched_files_and_reads_them_once(indexed):
    folder, digest = indexed
    assert plan(folder) == (digest, 0)
    for path in (folder / "scans").iterdir():
        os.utime(path, ns=(5, 5))
    assert plan(folder) == (digest, 3)
    assert plan(folder) == (digest, 0)


@pytest.mark.parametrize("change", ["byte", "more", "less", "renamed"])
def test_a_plan_notices_what_changed(change, indexed):
    folder, digest = indexed
    path = folder / "scans/a2"
    if change == "byte":
        path.write_bytes(b"b" + path.read_bytes()[1:])
    elif change == "more":
        (folder / "scans/c").write_bytes(b"new")
    elif change == "less":
        path.unlink()
    else:
        path.rename(path.with_name("a3"))
    assert plan(folder)[0] != digest


def test_the_same_files_below_other_folders_are_other_files(tmp_path):
    for folder, names in {"a": ("1", "2"), "b": ("3",), "all": ("1", "2", "3"), "none": ()}.items():
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / name).write_text("same")
            os.utime(tmp_path / folder / name, ns=(1, 1))
    digests = [
        settled_digest([tmp_path / root for root in roots], tmp_path)
        for roots in (("a", "b"), ("all",), ("all", "none"), ("none", "all"))
    ]
    assert len(set(digests)) == len(digests)

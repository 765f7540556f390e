"""Digests change when the meaning of code or the content of a folder changes, and only then."""

import shutil
from pathlib import Path

import pytest

from calcohort import digest


def test_comments_docstrings_and_layout_do_not_count():
    plain = "def area(r):\n    return 3 * r**2\n"
    dressed = '"""Module."""\n\n\ndef area(r):\n    """Area."""\n\n    return 3 * r ** 2  # square\n'
    assert digest._meaning(plain) == digest._meaning(dressed)
    assert digest._meaning(plain) != digest._meaning(plain.replace("3", "4"))


def test_the_digest_follows_imports():
    found = digest._closure(("calcohort.config",))
    assert {"calcohort.config", "calcohort.errors"} <= set(found)
    assert "calcohort.tables" not in found


def test_a_module_has_its_own_digest_that_stays():
    assert digest.code_digest("calcohort.check") == digest.code_digest("calcohort.check")
    assert digest.code_digest("calcohort.check") != digest.code_digest("calcohort.tables")


@pytest.mark.parametrize(
    ("module", "file"),
    [
        ("calcohort.simulate.plan", "simulate/calibration.yaml"),
        ("calcohort.pictures.run", "pictures/gallery.html"),
    ],
)
def test_a_file_that_a_module_names_is_part_of_it(module, file, tmp_path, monkeypatch):
    package = Path(digest.__file__).parent
    shutil.copytree(package, tmp_path / "calcohort", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(digest, "__file__", str(tmp_path / "calcohort/digest.py"))
    digests = []
    for words in ("", "\n# more\n"):
        path = tmp_path / "calcohort" / file
        path.write_text(path.read_text() + words)
        digest.code_digest.cache_clear()
        digest._path.cache_clear()
        digests.append(digest.code_digest(module))
    digest.code_digest.cache_clear()
    digest._path.cache_clear()
    assert digests[0] != digests[1]


def test_a_file_added_at_any_depth_changes_the_tree(tmp_path):
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "one").write_text("1")
    before = digest.tree_digest(tmp_path)
    assert digest.tree_digest(tmp_path) == before
    (deep / "two").write_text("2")
    assert digest.tree_digest(tmp_path) != before


def test_contents_are_what_files_hold_not_their_names_or_times(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "one").write_text("1")
        (tmp_path / name / "two").write_text("2")
    (tmp_path / "b/two").rename(tmp_path / "b/three")
    (tmp_path / "c/two").write_text("3")
    first, renamed, edited = (digest.content_digest(tmp_path / name) for name in ("a", "b", "c"))
    assert first == renamed != edited
    assert digest.content_digest(tmp_path / "a/one") == digest.content_digest(tmp_path / "c/one") != first
    (tmp_path / "a/dangling").symlink_to(tmp_path / "nowhere")
    assert digest.content_digest(tmp_path / "a") == first


def test_comments_of_a_yaml_file_do_not_count(tmp_path):
    texts = ("a: [1, 2]  # why\n", "# when\na:\n- 1\n- 2\n", "a: [1, 3]\n")
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.yaml").write_text(text)
    first, same, other = (digest.yaml_digest(tmp_path / f"{number}.yaml") for number in range(3))
    assert first == same != other


def test_a_file_that_a_table_names_is_followed(tmp_path):
    (tmp_path / "a.nrrd").write_text("one")
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans/1").write_text("one")
    table = tmp_path / "t.csv"
    table.write_text(
        f"image,annotation,other\n{tmp_path}/scans,{tmp_path}/a.nrrd,{table}\n{tmp_path}/absent,,\n"
    )
    before = digest.named_digest([table], ("image", "annotation", "heart"))
    assert digest.named_digest([table], ("image", "annotation", "heart")) == before
    (tmp_path / "a.nrrd").write_text("two!")
    edited = digest.named_digest([table], ("image", "annotation", "heart"))
    (tmp_path / "scans/1").write_text("two!")
    assert len({before, edited, digest.named_digest([table], ("image", "annotation", "heart"))}) == 3


def test_a_table_in_another_encoding_still_names_its_files(tmp_path):
    table = tmp_path / "t.csv"
    table.write_bytes("image,annotation\ncafé.nrrd,\n".encode("latin-1"))
    assert digest.named_digest([table], ("image", "annotation")) == digest.named_digest([table], ("image",))

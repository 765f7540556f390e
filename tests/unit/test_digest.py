"""Digests change when the meaning of code or the content of a folder changes, and only then."""

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


def test_a_file_added_at_any_depth_changes_the_tree(tmp_path):
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "one").write_text("1")
    before = digest.tree_digest(tmp_path)
    assert digest.tree_digest(tmp_path) == before
    (deep / "two").write_text("2")
    assert digest.tree_digest(tmp_path) != before

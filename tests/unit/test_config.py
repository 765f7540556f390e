"""A config is right, or one line says what is wrong, where, and how to mend it."""

import pytest

from calcohort.check import check_files
from calcohort.config import complete, door, read_config
from calcohort.errors import InputError

SCORES = {"name": "s", "scores": "s.csv", "registries": {"patients": {"path": "p.csv"}}}


def test_defaults_fill_what_is_not_named():
    config = complete({"name": "s", "analysis": "a.csv", "statistics": {"seed": 7}})
    assert config["statistics"]["seed"] == 7
    assert config["statistics"]["bootstrap_replicates"] == 2000
    assert config["cohort"]["end_of_followup"] == "2020-12-31"
    assert door(config) == "analysis"


def test_the_users_config_is_left_as_it_is():
    raw = {"name": "s", "analysis": "a.csv"}
    complete(raw)
    assert raw == {"name": "s", "analysis": "a.csv"}


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (None, "config: is empty or not a mapping; start with"),
        ({"analysis": "a.csv"}, "key `name` is missing"),
        ({"name": "s"}, "has no door"),
        (
            {"name": "s", "analysis": "a", "scores": "b", "registries": {"patients": {}}},
            "scores and analysis",
        ),
        ({"name": "s", "scores": "b"}, "needs outcome registries"),
        (
            {"name": "s", "analysis": "a", "statistic": {}},
            "unknown key `statistic`; did you mean `statistics`?",
        ),
        ({"name": "s", "analysis": "a", "cohort": {"censoring": "never"}}, "cohort.censoring: `never`"),
        ({"name": "a/b", "analysis": "a"}, "config: name:"),
        (SCORES | {"registries": {"patients": {}}}, "either `path` or `url`"),
        (SCORES | {"registries": {"patients": {"url": "sqlite://"}}}, "a database needs a query"),
        (
            {"name": "s", "imaging": {"dicom": "d"}, "registries": {"patients": {"path": "p"}}},
            "add `registries.pet`",
        ),
    ],
)
def test_a_wrong_config_gets_one_line(raw, says):
    with pytest.raises(InputError) as caught:
        complete(raw)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_or_broken_file_gets_one_line(tmp_path):
    with pytest.raises(InputError, match="no such file; give the path"):
        read_config(tmp_path / "nothing.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("name: [unclosed\nother: 1")
    with pytest.raises(InputError, match="line 2: is not valid YAML"):
        read_config(broken)


def test_an_input_that_is_not_there_names_its_key():
    with pytest.raises(InputError, match=r"^scores: no such file or folder: s\.csv; mend the path"):
        check_files(complete(SCORES))

"""A config is right, or one line says what is wrong, where, and how to mend it."""

import pytest

from calcohort.check import check_files
from calcohort.config import complete, door, read_config, sources_digest
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


def test_how_a_config_is_laid_out_means_nothing():
    one = {"name": "s", "analysis": "a.csv", "statistics": {"seed": 7, "bootstrap_replicates": 60}}
    other = {"statistics": {"bootstrap_replicates": 60.0, "seed": 7.0}, "analysis": "a.csv", "name": "s"}
    # Snakemake compares what a rule is given as text.
    assert repr(complete(one)) == repr(complete(other))


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
        (SCORES | {"private_dir": "results/s/private"}, "private_dir: lies in the results"),
        (SCORES | {"private_dir": "x/../results"}, "private_dir: lies in the results"),
        (SCORES | {"cohort": {"censoring": "last_contact"}}, "add `registries.followup`, or set"),
        (
            SCORES | {"cohort": {"end_of_followup": "31.12.2019"}},
            "end_of_followup: is not written as it must",
        ),
        (SCORES | {"cohort": {"end_of_followup": "2019-02-30"}}, "end_of_followup: is no date"),
        (SCORES | {"cohort": {"registry_date": "2020-12-30"}}, "exported before the end of follow-up"),
        (
            SCORES | {"cohort": {"same_day_event_order": ["death"]}},
            "fewer than 4 entries; give the four event",
        ),
        (SCORES | {"cohort": {"sensitivity": ["hard_events"] * 2}}, "names something twice; name each once"),
        (
            SCORES | {"registries": {"patients": "p.csv"}},
            "registries.patients: is no description of a source",
        ),
        (
            SCORES | {"registries": {"patients": {"path": "p"}, "deaths": ["d.csv"]}},
            "write {path: FILE}, or {url: DATABASE, query: SQL}",
        ),
    ],
)
def test_a_wrong_config_gets_one_line(raw, says):
    with pytest.raises(InputError) as caught:
        complete(raw)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_days_and_folders_that_are_right_are_left_alone():
    scores = complete(SCORES | {"private_dir": "results-private", "cohort": {"registry_date": "2020-12-31"}})
    assert (scores["private_dir"], scores["cohort"]["registry_date"]) == ("results-private", "2020-12-31")
    analysis = complete({"name": "s", "analysis": "a", "cohort": {"censoring": "last_contact"}})
    assert analysis["cohort"]["censoring"] == "last_contact"


def test_codes_may_be_words_numbers_and_truth_values_side_by_side(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(
        "{name: s, scores: s.csv, registries: {patients: {path: p.csv, values: {"
        "smoking: {yes: 1, 0: 0, n/a: null}, birth_date: {9999-12-31: null}, sex: {1: male, 2.0: female}}}}}"
    )
    config = read_config(path)
    values = config["registries"]["patients"]["values"]
    assert values["smoking"] == {"yes": 1, "true": 1, "True": 1, "0": 0, "n/a": None}
    assert values["birth_date"] == {"9999-12-31": None}
    assert values["sex"] == {"1": "male", "2": "female"}
    assert complete(config) == config
    assert len(sources_digest(config)) == 16


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

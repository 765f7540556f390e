"""Awkward cohorts: empty estimates with a note, never a wrong number, a warning or a traceback."""

import warnings

import numpy as np
import pandas as pd
import pytest

from calcohort.errors import InputError
from calcohort.statistics import calibration
from calcohort.statistics.families import FILES
from calcohort.statistics.populations import Settings
from calcohort.statistics.run import FAMILIES
from calcohort.statistics.tidy import COLUMNS

ESTIMATES = ("estimate", "p", "statistic", "difference", "ci_low", "ci_high", "kappa", "survival")


def run(analysis, settings, names=tuple(FAMILIES), **more):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = {}
        for name in names:
            made |= FAMILIES[name](analysis, None, settings, **more)
    return made


@pytest.fixture(autouse=True)
def few_thresholds(monkeypatch):
    # dcurves takes some 20 ms a threshold.
    monkeypatch.setattr(calibration, "THRESHOLDS", np.array([0.1, 0.3]))


def variant(cohort, name):
    frame = cohort.copy()
    if name == "minimal":
        return frame[["patient_id", "cac_dl", "followup_days", "mace"]]
    if name == "no events":
        return frame.assign(mace=0, event_type=None, death=0)
    if name == "everybody has an event":
        return frame.assign(mace=1, event_type="death", death=1)
    if name == "one category":
        return frame.assign(cac_dl=0.0, cac_standard=0.0)
    if name == "no zero":
        return frame.assign(cac_dl=frame["cac_dl"] + 1, cac_standard=frame["cac_standard"] + 1)
    if name == "empty category":
        return frame[~frame["cac_dl"].between(0.5, 100)]
    if name == "category without events":
        return frame[~(frame["cac_dl"].between(0.5, 100) & (frame["mace"] == 1))]
    if name == "reference without events":
        return frame[~((frame["cac_dl"] == 0) & (frame["mace"] == 1))]
    if name == "same time for all":
        return frame.assign(followup_days=1000)
    if name == "single patient":
        return frame[frame["cac_standard"].notna() & (frame["mace"] == 1)].head(1)
    if name == "two patients":
        return frame.head(2)
    if name == "twelve patients":
        return frame[frame["cac_standard"].notna()].head(12)
    if name == "nobody":
        return frame.head(0)
    if name == "constant covariates":
        return frame.assign(mfr=2.0, sds=0.0)
    if name == "collinear covariates":
        return frame.assign(sds=frame["mfr"] * 2)
    if name == "no covariate values":
        return frame.assign(mfr=np.nan, sds=np.nan)
    if name == "no standard scores":
        return frame.assign(cac_standard=np.nan)
    if name == "no dl scores":
        return frame.assign(cac_dl=np.nan)
    if name == "only deaths":
        return frame.assign(event_type=np.where(frame["mace"] == 1, "death", None))
    if name == "short followup":
        return frame.assign(followup_days=np.minimum(frame["followup_days"], 200), mace=0, event_type=None)
    if name == "event on day 0":
        return frame.assign(followup_days=frame["followup_days"].where(frame.index > 3, 0))
    raise AssertionError(name)


VARIANTS = (
    "minimal",
    "no events",
    "one category",
    "reference without events",
    "single patient",
    "twelve patients",
    "nobody",
    "no standard scores",
    "no dl scores",
    "short followup",
)
FURTHER = (
    "category without events",
    "same time for all",
    "everybody has an event",
    "no zero",
    "empty category",
    "two patients",
    "constant covariates",
    "collinear covariates",
    "no covariate values",
    "only deaths",
    "event on day 0",
)


@pytest.mark.parametrize(
    "name", [*VARIANTS, *(pytest.param(name, marks=pytest.mark.slow) for name in FURTHER)]
)
def test_every_family_survives(simulate, quick, name):
    tables = run(variant(simulate(150), name), quick | {"horizons_years": [5]})
    assert set(tables) == {file for files in FILES.values() for file in files}
    for file, table in tables.items():
        assert tuple(table.columns) == COLUMNS[file] and table.columns[1] == "endpoint"
        numbers = table.select_dtypes("number").to_numpy(dtype=float)
        assert not np.isinf(numbers).any(), file
        if "p" in table:
            p = table["p"].dropna().astype(float)
            assert p.between(0, 1).all(), file
        present = [column for column in ESTIMATES if column in table]
        if "note" in table and present:
            empty = table[present].isna().all(axis=1)
            assert table.loc[empty, "note"].notna().all(), file
        if {"estimate", "ci_low", "ci_high"} <= set(table):
            known = table.dropna(subset=["estimate", "ci_low", "ci_high"])
            assert (known["ci_low"].astype(float) <= known["ci_high"].astype(float)).all(), file


def test_families_and_their_files_are_the_workflows(cohort, quick):
    assert list(FILES) == list(FAMILIES)
    for name in ("km", "followup"):
        assert tuple(FAMILIES[name](cohort, None, quick)) == FILES[name]


def test_no_cad_is_known_from_the_history_columns_alone(cohort, quick):
    parts = cohort.drop(columns="history_of_cad").assign(
        prior_pci=cohort["history_of_cad"], prior_cabg=0, prior_mi=0
    )
    expected = FAMILIES["followup"](cohort, None, quick)["followup"]
    pd.testing.assert_frame_equal(FAMILIES["followup"](parts, None, quick)["followup"], expected)
    # An unknown history is neither.
    parts.loc[parts["prior_pci"] == 0, "prior_mi"] = np.nan
    table = FAMILIES["followup"](parts, None, quick)["followup"]
    assert list(table["population"]) == ["all", "paired"]


def test_a_category_without_events_is_separation_and_the_rest_is_as_if_it_were_not_there(cohort, quick):
    frame = variant(cohort, "category without events")
    with_it = run(frame, quick, ["cox"])["cox"].query("population == 'all' and model == 'adjusted'")
    row = with_it[with_it["term"] == "1-100"].iloc[0]
    assert "separation" in row["note"] and np.isnan(row["estimate"]) and np.isnan(row["ci_high"])
    without = run(frame[~frame["cac_dl"].between(0.5, 100)], quick, ["cox"])["cox"]
    without = without.query("population == 'all' and model == 'adjusted'")
    others = ~with_it["term"].eq("1-100").to_numpy()
    np.testing.assert_allclose(
        with_it["log_hr"].to_numpy()[others], without["log_hr"].to_numpy()[others], atol=1e-6
    )


def test_a_reference_without_events_leaves_no_category_ratio(cohort, quick):
    table = run(variant(cohort, "reference without events"), quick, ["cox"])["cox"]
    table = table.query("population == 'all' and model == 'adjusted'").set_index("term")
    for term in ("1-100", "101-400", ">400"):
        assert np.isnan(table.loc[term, "estimate"]) and "separation" in table.loc[term, "note"]
    assert np.isfinite(table.loc["mfr", "estimate"])


def test_a_perfectly_separating_covariate_has_no_estimate(cohort, quick):
    frame = cohort.assign(followup_days=1000 + np.arange(len(cohort)), mace=(np.arange(len(cohort)) < 60))
    frame = frame.assign(mace=frame["mace"].astype(int), mfr=-np.arange(len(cohort), dtype=float))
    table = run(frame, quick, ["cox"])["cox"].query("population == 'all' and model == 'adjusted'")
    row = table[table["term"] == "mfr"].iloc[0]
    assert np.isnan(row["estimate"]) and "separation" in row["note"]


def test_constant_and_collinear_covariates_are_named(cohort, quick):
    table = run(variant(cohort, "constant covariates"), quick, ["cox"])["cox"].query("population == 'all'")
    assert table[table["term"] == "mfr"]["note"].str.contains("constant").all()
    assert table[table["term"] == ">400"]["estimate"].notna().all()
    table = run(variant(cohort, "collinear covariates"), quick, ["cox"])["cox"]
    rows = table.query("population == 'all' and model == 'adjusted'")
    assert rows["estimate"].isna().all() and rows["note"].str.contains("collinear").all()


def test_fewer_than_ten_events_per_parameter_is_sparse(cohort, quick):
    events = cohort.index[cohort["mace"] == 1]
    for kept, sparse in ((30, False), (29, True)):
        frame = cohort.drop(index=events[kept:])
        rows = run(frame, quick, ["cox"])["cox"].query("population == 'all' and model == 'univariable'")
        assert (rows["n_events"] == kept).all()
        assert rows["note"].fillna("").str.contains("sparse").all() == sparse


def test_followup_that_ends_before_the_horizon_gives_no_estimate(cohort, quick):
    tables = run(variant(cohort, "short followup"), quick, ["npv", "nri", "calibration"])
    km = tables["npv"].query("method == 'km'")
    assert len(km) and km["estimate"].isna().all() and km["note"].eq("follow-up ends before").all()
    assert tables["nri"].query("method != 'binary'")["estimate"].isna().all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"followup_days": -1}, "negative followup_days"),
        ({"followup_days": np.nan}, "without followup_days"),
        ({"mace": 2}, "other values than 0 and 1"),
        ({"cac_dl": -3.0}, "negative score"),
        ({"cac_dl": np.inf}, "infinite"),
        ({"mfr": "high"}, "not a number"),
        ({"patient_id": "same"}, "two rows"),
        ({"sex": "M"}, "other words than female, male"),
        ({"event_type": "MI"}, "other words than death, late_revascularization"),
    ],
)
def test_impossible_values_are_one_clear_line(cohort, quick, change, says):
    with pytest.raises(InputError, match=says) as error:
        FAMILIES["km"](cohort.assign(**change), None, quick)
    assert "\n" not in str(error.value)


def test_events_on_day_0_have_one_row_in_each_curve(cohort, quick):
    frame = cohort.assign(followup_days=cohort["followup_days"].where(cohort.index % 4 > 0, 0))
    key = ["population", "score", "category", "time_years"]
    for file, more in (("km", []), ("competing_risks", ["cause"])):
        table = run(frame, quick, [file])[file]
        assert not table.duplicated([*key, *more]).any(), file
    start = table[table["time_years"] == 0].set_index([*key, "cause"])["cumulative_incidence"]
    deaths = frame[(frame["cac_dl"] == 0) & (frame["followup_days"] == 0)]["event_type"].eq("death").sum()
    expected = deaths / (frame["cac_dl"] == 0).sum()
    assert start["all", "dl_ctac", "0", 0.0, "death"] == pytest.approx(expected, abs=1e-12)


def test_an_empty_word_is_a_missing_one(cohort, quick):
    """As a table in memory has it, where a file has nothing."""
    blank = cohort.assign(event_type=cohort["event_type"].fillna(""))
    expected = run(cohort, quick, ["competing_risks"])["competing_risks"]
    pd.testing.assert_frame_equal(run(blank, quick, ["competing_risks"])["competing_risks"], expected)


def test_a_missing_column_is_named(cohort, quick):
    with pytest.raises(InputError, match="followup_days"):
        FAMILIES["cox"](cohort.drop(columns="followup_days"), None, quick)


def test_an_unknown_setting_is_an_error():
    with pytest.raises(InputError, match="replicate"):
        Settings.of({"replicate": 3})

"""Awkward cohorts: empty estimates with a note, never a wrong number, a warning or a traceback."""

import warnings

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.hazard_regression import PHReg

from calcohort.errors import InputError
from calcohort.statistics.families import FILES
from calcohort.statistics.populations import Settings, prepare
from calcohort.statistics.rmst import restricted_mean
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


def _nine(**columns):
    """Nine patients; the only one above 400 leaves before the first event."""
    days, mace = [1, 100, 200, 300, 400, 500, 600, 700, 800], [0, 1, 1, 1, 0, 1, 1, 0, 1]
    scores = [900, 0, 50, 0, 50, 50, 0, 50, 0]
    return pd.DataFrame(
        {"patient_id": range(9), "followup_days": days, "mace": mace, "cac_dl": scores} | columns
    )


def test_a_category_that_left_before_the_first_event_takes_no_degree_of_freedom(quick):
    tables = run(_nine(), quick, ["logrank", "cox"])
    tests = tables["logrank"].set_index("comparison")
    # survdiff of R's survival 3.5: chisq 0.1346 on 1 degree of freedom, p 0.7137.
    assert tests.loc["overall", "df"] == 1
    np.testing.assert_allclose(
        tests.loc["overall", ["statistic", "p"]].astype(float), [0.134606, 0.713703], atol=5e-7
    )
    assert tests.loc["0 vs >400", "note"] == "no comparable times"
    terms = tables["cox"].set_index("term")
    # coxph: coef -0.3372931, se 0.9234183; the other two are NA.
    np.testing.assert_allclose(
        terms.loc["1-100", ["log_hr", "se"]].astype(float), [-0.3372931, 0.9234183], atol=5e-8
    )
    assert terms.loc[">400", "note"].startswith("no time at risk")


@pytest.mark.parametrize(("mfr", "days"), [(9999.0, 3500), (1e5, 3500), (1e5, 0)])
def test_an_outlier_is_no_separation(cohort, quick, mfr, days):
    frame = cohort.copy()
    frame.loc[0, ["mfr", "followup_days", "mace"]] = mfr, days, 0
    tables = run(frame, quick, ["cox", "proportional_hazards"])
    ours = tables["cox"].query("population == 'all' and model == 'adjusted'").set_index("term")
    known = prepare(frame).dropna(subset=["mfr", "sds"])
    design = np.column_stack(
        [*(known["dl_ctac"] == k for k in (1, 2, 3)), known["mfr"], known["sds"]]
    ).astype(float)
    theirs = PHReg(known["years"], design, status=known["event"], ties="efron").fit(
        start_params=ours["log_hr"].to_numpy()
    )
    np.testing.assert_allclose(ours["log_hr"].astype(float), theirs.params, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(ours["se"].astype(float), theirs.bse, rtol=1e-6)
    tested = tables["proportional_hazards"].query("population == 'all' and model == 'adjusted'")
    assert tested["p"].notna().all()


def test_a_curve_that_came_to_0_has_a_mean_beyond_it():
    # survfit: rmean 2.000, se 0.471.
    mean, se = restricted_mean(np.array([1.0, 2.0, 3.0]), np.ones(3, dtype=int), 5.0)
    assert mean == pytest.approx(2.0) and se == pytest.approx(np.sqrt(2) / 3)


def test_a_covariate_without_a_value_leaves_rows_that_say_so(cohort, quick):
    tables = run(cohort.assign(mfr=np.nan), quick, ["cox", "added_value", "calibration", "decision_curve"])
    for name, table in tables.items():
        adjusted = table.query("model == 'adjusted'") if name in ("cox", "calibration") else table
        assert len(adjusted), name
        assert adjusted["note"].str.contains("no complete case").any(), name


def test_one_event_of_unknown_type_is_said(cohort, quick):
    frame = cohort.copy()
    frame.loc[frame.index[frame["mace"] == 1][0], "event_type"] = None
    rows = run(frame, quick, ["competing_risks"])["competing_risks_cox"]
    assert "type of event unknown: 1" in set(rows["note"])


def test_a_study_without_types_and_without_events_has_no_competing_risks(cohort, quick):
    tables = run(cohort.drop(columns="event_type").assign(mace=0), quick, ["competing_risks"])
    assert all(table.empty for table in tables.values())


def test_an_empty_history_is_taken_from_its_parts(cohort, quick):
    parts = cohort.drop(columns="history_of_cad", errors="ignore").assign(
        prior_pci=0, prior_cabg=0, prior_mi=0
    )
    parts.loc[::3, "prior_mi"] = 1
    empty = parts.assign(history_of_cad=np.nan)
    expected, found = (run(frame, quick, ["followup"])["followup"] for frame in (parts, empty))
    assert "no_cad" in set(expected["population"])
    pd.testing.assert_frame_equal(expected, found)


def test_the_interaction_does_not_depend_on_which_level_is_first(cohort, quick):
    frame = cohort[(cohort["sex"] == "female") | (cohort["cac_dl"] <= 400)]
    swapped = frame.assign(sex=frame["sex"].map({"male": "female", "female": "male"}))
    one, other = (
        run(table, quick, ["subgroups"])["subgroups"].query("subgroup == 'sex'") for table in (frame, swapped)
    )
    assert one["p_interaction"].notna().all()
    np.testing.assert_allclose(one["p_interaction"].unique(), other["p_interaction"].unique(), rtol=1e-6)


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"horizons_years": 5}, "horizons_years"),
        ({"horizons_years": [float("nan")]}, "horizons_years"),
        ({"bootstrap_replicates": "many"}, "bootstrap_replicates"),
        ({"margin_npv": -0.1}, "margin"),
    ],
)
def test_settings_that_make_no_sense_are_one_line(cohort, settings, where):
    with pytest.raises(InputError, match=where):
        run(cohort, settings, ["followup"])


def test_columns_that_cannot_be_read_are_one_line(cohort, quick):
    spans = cohort.assign(followup_days=pd.to_timedelta(cohort["followup_days"], unit="D"))
    with pytest.raises(InputError, match="followup_days"):
        run(spans, quick, ["followup"])
    twice = pd.concat([cohort, cohort[["mace"]]], axis=1)
    with pytest.raises(InputError, match="mace is there twice"):
        run(twice, quick, ["followup"])
    blank = cohort.assign(mfr=cohort["mfr"].astype(object).where(cohort.index % 2 == 0, ""))
    missing = cohort.assign(mfr=cohort["mfr"].where(cohort.index % 2 == 0))
    for found, expected in zip(
        run(blank, quick, ["cox"]).values(), run(missing, quick, ["cox"]).values(), strict=True
    ):
        pd.testing.assert_frame_equal(found, expected)

"""Row order, the type of identifiers, index values and unused columns do not change a number."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calcohort.statistics.concordance import concordance, less_and_equal
from calcohort.statistics.run import FAMILIES
from calcohort.statistics.survival import kaplan_meier

FAST = ("km", "logrank", "cox", "added_value", "nri", "npv_comparison", "concordance_index", "splines")


@pytest.fixture(scope="module")
def reference(simulate, quick):
    frame = simulate(120, seed=5)
    return frame, {name: FAMILIES[name](frame, None, quick) for name in FAST}


@pytest.mark.parametrize("name", FAST)
@pytest.mark.parametrize("seed", [1, 2])
def test_only_content_counts(reference, quick, name, seed):
    frame, expected = reference
    changed = frame.sample(frac=1, random_state=seed)
    changed["patient_id"] = [f"{value:x}" for value in changed["patient_id"]]
    changed["unused"] = np.random.default_rng(seed).random(len(changed))
    changed.index = np.zeros(len(changed), dtype=int)
    changed = changed[sorted(changed.columns, reverse=True)]
    for file, table in FAMILIES[name](changed, None, quick).items():
        pd.testing.assert_frame_equal(table, expected[name][file], check_exact=True)


@pytest.mark.parametrize("name", ["nri", "npv_comparison", "added_value"])
def test_bootstraps_depend_on_the_seed_alone(reference, quick, name):
    frame, expected = reference
    again = FAMILIES[name](frame, None, quick)[name]
    pd.testing.assert_frame_equal(again, expected[name][name], check_exact=True)
    other = FAMILIES[name](frame, None, quick | {"seed": 2})[name]
    assert not other.drop(columns="seed").equals(again.drop(columns="seed"))


def test_sensitivity_endpoints_rerun_with_their_own_times(reference, quick):
    frame, expected = reference
    endpoints = pd.DataFrame(
        {
            "patient_id": frame["patient_id"].astype(str),
            "endpoint": "hard_events",
            "included": (frame.index % 10 > 0).astype(int),
            "followup_days": frame["followup_days"] + 100,
            "event": frame["mace"],
        }
    )
    primary = endpoints.assign(endpoint="mace", followup_days=1)
    both = pd.concat([endpoints, primary])
    table = FAMILIES["cox"](frame, both, quick)["cox"]
    mace, other = table[table["endpoint"] == "mace"], table[table["endpoint"] == "hard_events"]
    pd.testing.assert_frame_equal(mace.reset_index(drop=True), expected["cox"]["cox"])
    alone = frame[endpoints["included"] == 1].assign(followup_days=lambda rows: rows["followup_days"] + 100)
    alone = FAMILIES["cox"](alone, None, quick)["cox"]
    pd.testing.assert_frame_equal(
        other.drop(columns="endpoint").reset_index(drop=True), alone.drop(columns="endpoint")
    )
    # With covariates of its own an endpoint may hold patients that the analysis table does not have.
    wide = endpoints.merge(
        frame.drop(columns=["followup_days", "mace", "event_type"]).astype({"patient_id": str}),
        on="patient_id",
    )
    fewer = frame.head(60)
    rows = FAMILIES["cox"](fewer, wide, quick)["cox"].query("endpoint == 'hard_events'")
    pd.testing.assert_frame_equal(
        rows.drop(columns="endpoint").reset_index(drop=True), alone.drop(columns="endpoint")
    )


def test_internal_testing_is_by_reader_site_and_scan_type(simulate, quick):
    scans = pd.DataFrame(
        {
            "split": ["training", "testing", "testing", "testing", "testing"],
            "site": ["A", "A", "A", "B", "B"],
            "scan_type": ["ctac", "ctac", "gated", "ctac", "gated"],
            "agatston_expert": [500.0, 0.0, 50.0, 50.0, 500.0],
            "agatston_dl": [0.0, 0.0, 500.0, 50.0, 500.0],
        }
    )
    tables = FAMILIES["agreement"](simulate(60), None, quick, scans=scans)
    matrix = tables["concordance_matrix"]
    sizes = matrix[matrix["population"].str.startswith("internal")].groupby("population")["count"].sum()
    assert sizes.to_dict() == {
        "internal": 4,
        "internal_ctac": 2,
        "internal_gated": 2,
        "internal_site_A": 2,
        "internal_site_B": 2,
    }
    cell = matrix.query("population == 'internal' and row_category == '1-100' and column_category == '>400'")
    assert cell["count"].item() == 1
    kappa = tables["agreement"].query("population == 'internal' and weights == 'none'")
    assert kappa["observed"].item() == 0.75


survival_data = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 1), st.integers(0, 3)), min_size=2, max_size=30
)


@given(survival_data)
@settings(max_examples=60, deadline=None)
def test_concordance_counts_pairs_as_a_double_loop_does(rows):
    time, event, risk = (np.array(column) for column in zip(*rows, strict=True))
    concordant = discordant = tied = 0
    for i in range(len(time)):
        for j in range(len(time)):
            if event[i] and (time[j] > time[i] or (time[j] == time[i] and not event[j])):
                concordant += risk[i] > risk[j]
                discordant += risk[i] < risk[j]
                tied += risk[i] == risk[j]
    result = concordance(time, event, risk)
    if concordant + discordant + tied == 0:
        assert np.isnan(result.estimate)
        return
    assert (result.concordant, result.discordant, result.tied_x) == (concordant, discordant, tied)
    assert np.isclose(result.influence.sum(), 0, atol=1e-9)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.data())
@settings(max_examples=60, deadline=None)
def test_less_and_equal_are_counts(values, data):
    start = data.draw(st.integers(0, len(values)))
    stop = data.draw(st.integers(start, len(values)))
    limit = data.draw(st.integers(0, 12))
    less, equal = less_and_equal(np.array(values), *(np.array([k]) for k in (start, stop, limit)))
    assert less[0] == sum(value < limit for value in values[start:stop])
    assert equal[0] == sum(value == limit for value in values[start:stop])


@given(survival_data)
@settings(max_examples=60, deadline=None)
def test_kaplan_meier_accounts_for_everybody(rows):
    time, event, _ = (np.array(column) for column in zip(*rows, strict=True))
    curve = kaplan_meier(time, event)
    assert curve.n_events.sum() + curve.n_censored.sum() == len(time)
    assert np.all(np.diff(curve.survival) <= 1e-12) and curve.n_at_risk[0] == len(time)

"""Decision curves, calibration, non-inferiority and added value, and Cox against other implementations."""

import dcurves
import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from statsmodels.duration.hazard_regression import PHReg

from calcohort.seeds import rng
from calcohort.statistics import calibration
from calcohort.statistics.added_value import optimism
from calcohort.statistics.concordance import ComparablePairs
from calcohort.statistics.cox import ADJUSTMENT, design, fit, set_model
from calcohort.statistics.decision_curve import decision_rows, net_benefit
from calcohort.statistics.noninferiority import verdict
from calcohort.statistics.nri import binary_from_counts
from calcohort.statistics.partial_likelihood import maximise
from calcohort.statistics.populations import Settings, analysis_sets, population, prepare
from calcohort.statistics.run import FAMILIES
from calcohort.statistics.survival import kaplan_meier


@pytest.fixture(scope="module")
def everybody(cohort):
    return next(analysis_sets(prepare(cohort)))


def test_cox_core_equals_lifelines_and_statsmodels(everybody):
    given = design(everybody, ADJUSTMENT)
    ours = maximise(given.x, given.time, given.event)
    theirs = PHReg(given.time, given.x, given.event, ties="efron").fit(disp=0)
    np.testing.assert_allclose(ours.beta, theirs.params, atol=1e-7)
    table = pd.DataFrame(given.x).assign(time=given.time, event=given.event)
    lifelines = CoxPHFitter().fit(table, "time", "event", fit_options={"precision": 1e-12})
    np.testing.assert_allclose(ours.beta, lifelines.params_, atol=1e-9)
    np.testing.assert_allclose(np.sqrt(np.diag(ours.covariance)), lifelines.standard_errors_, atol=1e-9)
    assert ours.loglik == pytest.approx(lifelines.log_likelihood_, abs=1e-9)


def test_net_benefit_is_its_definition(cohort, quick):
    members = population(prepare(cohort), "all")
    rows = decision_rows("all", members, "mace", Settings.of(quick))
    by_model = {(row["model"], row["threshold"]): row["net_benefit"] for row in rows}
    model = set_model(next(analysis_sets(prepare(cohort))), "adjusted")
    risk, given = calibration.predicted_risk(model, 5.0), model.design
    for threshold in (0.1, 0.2, 0.3):
        high = risk >= threshold
        event = 1 - kaplan_meier(given.time[high], given.event[high]).at(5.0)[0]
        benefit = high.mean() * (event - (1 - event) * threshold / (1 - threshold))
        assert by_model["mfr_sds+dl_ctac", threshold] == pytest.approx(benefit, abs=1e-9)
        assert by_model["treat_none", threshold] == 0


@pytest.mark.parametrize("last", [6.0, 0.9])
def test_net_benefit_is_that_of_dcurves(last):
    """Also where nobody reaches the threshold, and where all who do left before the horizon."""
    generator = np.random.default_rng(3)
    n, thresholds = 120, np.array([0.02, 0.2, 0.5, 0.7, 0.95])
    risk = np.round(generator.uniform(0.01, 0.9, n), 2)
    time = np.where(risk < 0.6, generator.uniform(0, 6, n), generator.uniform(0, last, n)).round(1)
    event = (generator.random(n) < 0.6).astype(int)
    table = pd.DataFrame({"risk": risk, "time": time, "event": event})
    theirs = dcurves.dca(table, "event", ["risk"], thresholds, time=5.0, time_to_outcome_col="time")
    theirs = theirs.set_index(["model", "threshold"])["net_benefit"].astype(float)
    for name, given in (("risk", risk), ("all", np.full(n, np.inf)), ("none", np.full(n, -np.inf))):
        ours = net_benefit(time, event, given, thresholds, 5.0)
        np.testing.assert_allclose(ours, theirs[name].reindex(thresholds), atol=1e-12)
    assert np.isnan(net_benefit(time, event, risk, thresholds, 5.0)[3]) == (last < 5.0)


def test_calibration_groups_hold_everybody_once(cohort, quick):
    table = FAMILIES["calibration"](cohort, None, quick)["calibration"]
    for _, rows in table.groupby(["population", "score", "model"]):
        whole, parts = rows[rows["group"] == "all"], rows[rows["group"] != "all"]
        assert parts["n"].sum() == whole["n"].item()
        mean = np.average(parts["predicted"].astype(float), weights=parts["n"])
        assert mean == pytest.approx(whole["predicted"].item(), abs=1e-12)


@pytest.mark.parametrize(
    ("low", "high", "noninferior", "similar"),
    [(-0.2, 0.049, 1, 0), (-0.2, 0.051, 0, 0), (-0.049, 0.049, 1, 1), (np.nan, np.nan, None, None)],
)
def test_only_an_interval_inside_the_margin_is_noninferior_or_similar(low, high, noninferior, similar):
    row = verdict({"difference": 0.0, "ci_low": low, "ci_high": high, "n": 10}, 0.05)
    assert (row.get("noninferior"), row.get("similar")) == (noninferior, similar)


@pytest.mark.slow
def test_optimism_is_that_of_refitting_without_the_control_variate(simulate):
    """The mean of many plain replicates (Harrell's way) lies within its Monte Carlo error of ours."""
    part = next(analysis_sets(prepare(simulate(150, seed=3))))
    full, base = set_model(part, "adjusted"), fit(design(part, ADJUSTMENT, categories=False))
    _, ours, _ = optimism(base, full, 150, rng("test", 1))
    given, generator, plain = full.design, np.random.default_rng(2), []
    for _ in range(250):
        sample = generator.integers(0, len(given.time), len(given.time))
        x, time, event = given.x[sample], given.time[sample], given.event[sample]
        beta = maximise(x, time, event).beta
        inside = ComparablePairs(time, event).c(x @ beta)
        plain.append(inside - ComparablePairs(given.time, given.event).c(given.x @ beta))
    # Both means have a Monte Carlo error.
    error = np.std(plain) * np.sqrt(1 / len(plain) + 1 / 150)
    assert ours > 0
    assert abs(ours - np.mean(plain)) < 4 * error


def test_nonproportional_hazards_bring_rmst_and_split_ratios(cohort, quick):
    # High scores die early and the others late, so that the ratio turns round.
    high = cohort["cac_dl"] > 400
    days = np.where(high, 50 + cohort.index, 3000 - cohort.index)
    frame = cohort.assign(followup_days=days, mace=(cohort.index % 3 > 0).astype(int))
    frame.loc[frame.index[high][:15], "followup_days"] = 3500
    # A category without an event would have no interval.
    frame.loc[frame.index[~high][::20], ["followup_days", "mace"]] = 1500, 1
    tables = FAMILIES["proportional_hazards"](frame, None, quick)
    rmst = tables["rmst"].query("population == 'all'").set_index("category")
    assert rmst.loc[">400", "difference_ci_high"] < 0 and (rmst["estimate"] <= 5).all()
    split = tables["split_hazard_ratios"].query("population == 'all'")
    assert set(split["period"]) == {"0-2 years", ">2 years"}


def test_proportional_hazards_bring_neither(cohort, quick):
    tables = FAMILIES["proportional_hazards"](cohort, None, quick)
    tests = tables["proportional_hazards"].query("term == 'GLOBAL'")
    found = set(zip(*(tests[tests["p"] < 0.05][c] for c in ("population", "score")), strict=True))
    shown = set(zip(*(tables["rmst"][c] for c in ("population", "score")), strict=True))
    assert shown == found


def test_binary_nri_of_ten_thousand_replicates_costs_nothing_at_a_million_patients():
    counts = np.random.default_rng(1).multinomial(1_000_000, np.full(6, 1 / 6), size=10_000)
    assert binary_from_counts(counts.astype(float)).shape == (3, 10_000)

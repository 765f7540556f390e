"""Kaplan-Meier, log-rank, Cox, proportional hazards, concordance and competing risks equal R's numbers."""

import numpy as np
import pytest

from calcohort.statistics.competing_risks import cumulative_incidence
from calcohort.statistics.concordance import ComparablePairs, concordance, ordinal_concordance
from calcohort.statistics.cox import Design, fit, term_rows
from calcohort.statistics.followup import followup_row
from calcohort.statistics.partial_likelihood import maximise
from calcohort.statistics.proportional_hazards import score_test
from calcohort.statistics.survival import kaplan_meier, logrank


def columns(frame, *names):
    return tuple(frame[name].to_numpy() for name in names)


@pytest.mark.parametrize("group", ["female", "male"])
def test_kaplan_meier_is_survfit_at_every_time(oracle, group):
    case = oracle("km_lung_sex")
    data = case.read("data.csv").query("group == @group")
    curve = kaplan_meier(*columns(data, "time", "event"))
    r = case.read("curve_expected.csv").query("group == @group")
    assert np.array_equal(curve.time[1:], r["time"])
    assert np.array_equal(curve.n_at_risk[1:], r["n_risk"])
    assert np.array_equal(curve.n_events[1:], r["n_event"])
    assert np.array_equal(curve.n_censored[1:], r["n_censor"])
    np.testing.assert_allclose(curve.survival[1:], r["surv"], atol=1e-8, rtol=0)
    np.testing.assert_allclose(curve.ci_low[1:], r["loglog_lower"], atol=1e-8, rtol=0)
    np.testing.assert_allclose(curve.ci_high[1:], r["loglog_upper"], atol=1e-8, rtol=0)
    expected = case.expected["groups"][group]
    assert curve.quantile(0.5) == expected["log-log"]["median"]
    reverse = kaplan_meier(data["time"].to_numpy(), 1 - data["event"].to_numpy())
    assert [reverse.quantile(q) for q in (0.25, 0.5, 0.75)] == list(expected["reverse_km_followup"].values())


def test_median_is_the_middle_where_the_curve_rests_on_one_half():
    # survfit(Surv(c(1, 2, 3, 4), c(1, 1, 1, 1)) ~ 1) has median 2.5.
    assert kaplan_meier(np.array([1.0, 2, 3, 4]), np.ones(4)).quantile(0.5) == 2.5


@pytest.mark.parametrize("case_name", ["km_lung_sex", "logrank_pairwise_veteran"])
def test_logrank_is_survdiff(oracle, case_name):
    case = oracle(case_name)
    time, event, group = columns(case.read("data.csv"), "time", "event", "group")
    expected = case.expected["logrank"] if case_name == "km_lung_sex" else case.expected
    tests = [(expected["overall"], np.ones(len(time), dtype=bool))]
    tests += [(pair, np.isin(group, [pair["group1"], pair["group2"]])) for pair in expected["pairwise"]]
    for r, part in tests:
        statistic, df, p, note = logrank(time[part], event[part], group[part])
        assert (df, note) == (r["df"], None)
        assert statistic == pytest.approx(r["chisq"], rel=1e-8)
        assert p == pytest.approx(r["p"], rel=1e-6)


@pytest.mark.parametrize(
    ("unit", "file"), [("days", "data_days.csv"), ("months_heavy_ties", "data_months.csv")]
)
def test_cox_with_ties_is_coxph_efron(oracle, unit, file):
    case = oracle("cox_ties_lung")
    data = case.read(file).dropna()
    terms = ("age", "sex", "ph_ecog")
    model = fit(Design(data[list(terms)].to_numpy(float), terms, *columns(data, "time", "event")))
    expected = case.expected[unit]["efron"]
    assert model.fit.loglik == pytest.approx(expected["loglik"], abs=1e-9)
    assert model.fit.loglik_null == pytest.approx(expected["loglik_null"], abs=1e-9)
    for row in term_rows(model):
        r = expected["terms"][row["term"]]
        assert row["log_hr"] == pytest.approx(r["coef"], abs=1e-8)
        assert row["se"] == pytest.approx(r["se"], abs=1e-8)
        assert row["ci_low"] == pytest.approx(r["ci_low"], abs=1e-6)
        assert row["ci_high"] == pytest.approx(r["ci_high"], abs=1e-6)
        assert row["p"] == pytest.approx(r["p"], rel=1e-6)
        assert (row["n"], row["n_events"], row["note"]) == (expected["n"], expected["nevent"], None)


@pytest.mark.parametrize(
    ("unit", "file"), [("days", "data_days.csv"), ("months_heavy_ties", "data_months.csv")]
)
def test_score_test_is_cox_zph(oracle, unit, file):
    case = oracle("cox_ties_lung")
    data = case.read(file).dropna()
    terms = ["age", "sex", "ph_ecog"]
    x, (time, event) = data[terms].to_numpy(float), columns(data, "time", "event")
    result = score_test(x, time, event, maximise(x, time, event).beta)
    r = case.expected[unit]["cox_zph"]["km"]
    assert result.terms == pytest.approx([r[term]["chisq"] for term in terms], rel=1e-6)
    assert result.overall == pytest.approx(r["GLOBAL"]["chisq"], rel=1e-6)


@pytest.mark.parametrize(
    ("name", "file", "marker"),
    [
        ("ph_ecog_numeric", "data_days.csv", "ph_ecog"),
        ("age", "data_days.csv", "age"),
        ("months_ph_ecog", "data_months.csv", "ph_ecog"),
        ("cox3", "data_days.csv", "lp_cox3"),
    ],
)
def test_concordance_is_rs_with_its_infinitesimal_jackknife(oracle, name, file, marker):
    case = oracle("concordance_lung")
    time, event, risk = columns(case.read(file).dropna(subset=[marker]), "time", "event", marker)
    result, r = concordance(time, event, risk), case.expected[name]
    assert (result.concordant, result.discordant, result.tied_x) == (
        r["concordant"],
        r["discordant"],
        r["tied_x"],
    )
    assert result.estimate == pytest.approx(r["concordance"], abs=1e-12)
    assert result.se == pytest.approx(r["se"], abs=1e-9)
    assert ComparablePairs(time, event).c(risk) == pytest.approx(r["concordance"], abs=1e-12)


def test_ordinal_concordance_of_two_ratings(oracle):
    case = oracle("kappa_sexualfun_4x4")
    counts = np.array(case.expected["table"])
    reference, rating = (np.repeat(axis.ravel(), counts.ravel()) for axis in np.indices(counts.shape))
    result, r = ordinal_concordance(reference, rating), case.expected["ordinal_concordance"]
    assert (result.concordant, result.discordant, result.tied_x) == (
        r["concordant"],
        r["discordant"],
        r["tied_x"],
    )
    assert result.estimate == pytest.approx(r["concordance"], abs=1e-12)
    assert result.se == pytest.approx(r["se"], abs=1e-9)


def test_cumulative_incidence_is_cuminc(oracle):
    case = oracle("competing_risks_mgus2")
    data = case.read("data.csv")
    for name, r in case.expected["cif"].items():
        group, cause = name[0], int(name[-1])
        time, status = columns(data[data["group"] == group], "time", "status")
        times, incidence, _ = cumulative_incidence(time, status)
        at = np.searchsorted(times, r["times"], side="right") - 1
        np.testing.assert_allclose(incidence[cause - 1][at], r["cif"], atol=1e-8, rtol=0)


def test_cumulative_incidence_intervals_rest_on_cmprsks_variance(oracle):
    """Log-log of the incidence F: F ** exp(-+ z se / (F log F)), with the variance that cuminc gives."""
    case = oracle("competing_risks_mgus2")
    data = case.read("data.csv")
    for name, r in case.expected["cif"].items():
        group, cause = name[0], int(name[-1])
        time, status = columns(data[data["group"] == group], "time", "status")
        times, _, bounds = cumulative_incidence(time, status)
        at = np.searchsorted(times, r["times"], side="right") - 1
        estimate, se = np.array(r["cif"]), np.sqrt(r["var"])
        power = 1.959963984540054 * se / (estimate * np.log(estimate))
        np.testing.assert_allclose(bounds[cause - 1, 0, at], estimate ** np.exp(-power), atol=1e-8)
        np.testing.assert_allclose(bounds[cause - 1, 1, at], estimate ** np.exp(power), atol=1e-8)


def test_cause_specific_cox(oracle):
    case = oracle("competing_risks_mgus2")
    data = case.read("data.csv")
    x = np.column_stack([data["age"], data["group"] == "M"]).astype(float)
    result = maximise(x, data["time"].to_numpy(), (data["status"] == 1).astype(int).to_numpy())
    r = case.expected["cause_specific_cox_cause1"]
    assert result.beta == pytest.approx([term["coef"] for term in r["terms"].values()], abs=1e-8)
    assert 2 * (result.loglik - result.loglik_null) == pytest.approx(r["lrt"], abs=1e-8)


def test_followup_is_observed_and_reverse_kaplan_meier(oracle):
    case = oracle("cohort_mini_a")
    data = case.read("cohort.csv")
    row = followup_row(data["time_days"].to_numpy() / 365.25, data["event"].to_numpy())
    r = case.expected["table2"]["fu"]
    assert row["median_years"] == pytest.approx(r["observed_median"], abs=1e-12)
    assert row["q1_years"] == pytest.approx(r["observed_q"][0], abs=1e-12)
    assert row["q3_years"] == pytest.approx(r["observed_q"][1], abs=1e-12)
    assert row["reverse_km_median_years"] == pytest.approx(r["reverse_km"][1], abs=1e-12)

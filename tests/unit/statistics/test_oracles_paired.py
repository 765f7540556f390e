"""NRI, predictive values, kappa and the tests of the tables equal R's numbers."""

import numpy as np
import pytest

from calcohort.categories import categorise
from calcohort.statistics.agreement import kappa
from calcohort.statistics.group_tests import compare, fisher_test, kruskal, wilcoxon
from calcohort.statistics.nri import SurvivalNri, binary, binary_from_counts
from calcohort.statistics.predictive_values import kosinski, leisenring
from calcohort.statistics.resampling import weights_of_indices

PARTS = ("nri_event", "nri_nonevent", "nri")


@pytest.mark.parametrize(
    "case_name", ["pv_cass", "pv_dtcompair_paired1", "pv_synthetic_seed101", "pv_synthetic_seed102"]
)
def test_npv_statistics_are_dtcompairs(oracle, case_name):
    case = oracle(case_name)
    data = case.read("data.csv")
    arguments = data["d"].to_numpy(), (data["y1"] == 0).to_numpy(), (data["y2"] == 0).to_numpy()
    generalized = case.expected["generalized_score"]["npv"]["test.statistic"]
    weighted = case.expected["weighted_generalized_score"]["npv"]["test.statistic"]
    assert leisenring(*arguments) == pytest.approx(generalized, rel=1e-9)
    assert kosinski(*arguments) == pytest.approx(weighted, rel=1e-9)
    # The predictive value of a positive test is the same statistic on the mirrored data.
    mirrored = 1 - arguments[0], ~arguments[1], ~arguments[2]
    assert leisenring(*mirrored) == pytest.approx(
        case.expected["generalized_score"]["ppv"]["test.statistic"], rel=1e-9
    )
    assert kosinski(*mirrored) == pytest.approx(
        case.expected["weighted_generalized_score"]["ppv"]["test.statistic"], rel=1e-9
    )


@pytest.mark.parametrize("case_name", ["kappa_vassarstats_3x3", "kappa_sexualfun_4x4"])
@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
def test_kappa_with_fleiss_cohen_everitt_interval(oracle, case_name, weights):
    case = oracle(case_name)
    row = kappa(np.array(case.expected["table"]), weights)
    r = case.expected["unweighted" if weights == "none" else weights]
    names = {
        "kappa": "kappa",
        "se": "se_fce",
        "ci_low": "ci_low_fce",
        "ci_high": "ci_high_fce",
        "observed": "po",
        "expected": "pe",
    }
    for ours, theirs in names.items():
        assert row[ours] == pytest.approx(r[theirs], abs=1e-10), ours
    assert row["n"] == case.expected["n"]


@pytest.mark.parametrize("cut", ["category", "continuous_cut0", "diff_cut_0.05"])
def test_nri_is_nricens(oracle, cut):
    case = oracle("nricens_pbc")
    data = case.read("data.csv")
    change = (data["p_new"] - data["p_std"]).to_numpy()
    direction = {
        "category": np.sign(data["cat_new"] - data["cat_std"]).to_numpy(),
        "continuous_cut0": np.sign(change).astype(int),
        "diff_cut_0.05": (change > 0.05).astype(int) - (change < -0.05),
    }[cut]
    estimator = SurvivalNri(
        data["time"].to_numpy(), data["event"].to_numpy(), direction, [case.expected["t0"]]
    )
    one = np.ones((1, len(data)))
    for method in ("km", "ipw"):
        r = case.expected[cut][method]
        values = getattr(estimator, method)(one)[:, 0, 0]
        assert values == pytest.approx([r[part] for part in PARTS], abs=1e-10), method


@pytest.fixture(scope="module")
def mini_paired(oracle):
    case = oracle("cohort_mini_a")
    cohort = case.read("cohort.csv").query("has_scan == 1")
    direction = np.sign(categorise(cohort["cac_score"]).codes - categorise(cohort["dl_score"]).codes)
    indices = case.read("bootstrap_indices.csv", header=None).to_numpy()
    time = cohort["time_days"].to_numpy() / 365.25
    return time, cohort["event"].to_numpy(), direction.astype(int), weights_of_indices(indices, len(cohort))


def test_given_resamples_reproduce_the_bootstrap(oracle, mini_paired):
    time, event, direction, weights = mini_paired
    r = oracle("cohort_mini_a").expected["nri"]["scan"]["bootstrap_given_indices"]
    drawn = {
        "naive_binary": binary(direction, event, weights),
        "km_t5": SurvivalNri(time, event, direction, [5.0]).km(weights)[:, :, 0],
    }
    for name, replicates in drawn.items():
        for k, part in enumerate(PARTS):
            interval = np.quantile(replicates[k], [0.025, 0.975], method="averaged_inverted_cdf")
            assert interval == pytest.approx(r[name][part]["type2"], abs=1e-9), (name, part)
            assert np.std(replicates[k], ddof=1) == pytest.approx(r[name][part]["sd"], abs=1e-9)


def test_binary_nri_needs_only_the_counts(mini_paired):
    _, event, direction, weights = mini_paired
    counts = np.stack(
        [weights[:, (direction == d) & (event == e)].sum(axis=1) for e in (1, 0) for d in (1, -1, 0)]
    )
    assert np.array_equal(binary_from_counts(counts.T), binary(direction, event, weights))


def test_weighted_bootstrap_equals_refitting_on_the_resampled_patients(mini_paired):
    time, event, direction, weights = mini_paired
    fast = SurvivalNri(time, event, direction, [1.0, 5.0])
    for row in weights[:5]:
        rows = np.repeat(np.arange(len(time)), row.astype(int))
        slow = SurvivalNri(time[rows], event[rows], direction[rows], [1.0, 5.0])
        one = np.ones((1, len(rows)))
        np.testing.assert_allclose(fast.km(row[None]), slow.km(one), atol=1e-12)
        np.testing.assert_allclose(fast.ipw(row[None]), slow.ipw(one), atol=1e-12)


def test_fisher_is_fisher_test(oracle):
    for name, r in oracle("fisher_rxc").expected.items():
        result = fisher_test(np.array(r["table"]), seed=1)
        if r["fisher_p"] is None:
            assert "Monte Carlo" in result["test"] and result == fisher_test(np.array(r["table"]), seed=1)
            assert 0 < result["p"] < 0.01
        else:
            assert result["test"] == "Fisher's exact test", name
            assert result["p"] == pytest.approx(r["fisher_p"], rel=1e-6), name


def test_fisher_says_nothing_on_the_console(oracle, capfd):
    fisher_test(np.array(oracle("fisher_rxc").expected["paper_table1_cac_4x3_large"]["table"]))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["airquality_all", "airquality_5_8", "sds_like"])
def test_rank_tests_are_rs(oracle, name):
    case = oracle("wilcoxon_kruskal_quantiles")
    data, r = case.read(f"{name}.csv").dropna(), case.expected[name]
    groups = [part.to_numpy(float) for _, part in data.groupby("g")["x"]]
    result = kruskal(groups)
    assert result["statistic"] == pytest.approx(r["kruskal"]["statistic"], rel=1e-9)
    assert result["p"] == pytest.approx(r["kruskal"]["p"], rel=1e-6)
    if "wilcoxon" in r:
        result = wilcoxon(*groups)
        assert result["statistic"] == pytest.approx(r["wilcoxon"]["W"], abs=1e-9)
        assert result["p"] == pytest.approx(r["wilcoxon"]["p"], rel=1e-6)
        assert compare(data["x"], data["g"])["p"] == result["p"]


def test_wilcoxon_is_exact_below_fifty_without_ties():
    # wilcox.test(c(1.1, 2.2, 3.3, 9), c(4, 5, 6, 7, 8)) : W = 5, p-value = 0.2857
    result = wilcoxon(np.array([1.1, 2.2, 3.3, 9.0]), np.array([4.0, 5, 6, 7, 8]))
    assert result["statistic"] == 5 and result["test"].endswith("exact")
    assert result["p"] == pytest.approx(2 / 7, abs=1e-12)

"""What each function says to input that makes no sense, and that near-equal times are ties."""

import numpy as np
import pandas as pd
import pytest

from calcohort.errors import InputError
from calcohort.statistics.agreement import WEIGHTS, kappa, matrix
from calcohort.statistics.competing_risks import cumulative_incidence
from calcohort.statistics.concordance import concordance, ordinal_concordance
from calcohort.statistics.cox import Design, fit
from calcohort.statistics.group_tests import compare, fisher_test, kruskal, wilcoxon
from calcohort.statistics.nri import SurvivalNri, nri_rows
from calcohort.statistics.partial_likelihood import maximise
from calcohort.statistics.populations import Settings, prepare, tied
from calcohort.statistics.predictive_values import kosinski, leisenring
from calcohort.statistics.rmst import restricted_mean
from calcohort.statistics.run import FAMILIES
from calcohort.statistics.survival import kaplan_meier, logrank

TIME, EVENT, GROUP = np.array([1.0, 2, 3, 4]), np.array([1, 0, 1, 0]), np.array([0, 1, 0, 1])
WRONG = {
    "negative": (np.array([-1.0, 2, 3, 4]), EVENT),
    "missing time": (np.array([np.nan, 2, 3, 4]), EVENT),
    "infinite": (np.array([np.inf, 2, 3, 4]), EVENT),
    "event of 2": (TIME, np.array([2, 0, 1, 0])),
    "missing event": (TIME, np.array([np.nan, 0, 1, 0])),
    "lengths": (TIME, EVENT[:3]),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize(
    "function",
    [
        kaplan_meier,
        lambda t, e: logrank(t, e, GROUP),
        lambda t, e: concordance(t, e, GROUP),
        lambda t, e: maximise(GROUP[:, None].astype(float), t, e),
        lambda t, e: restricted_mean(t, e, 2.0),
        lambda t, e: SurvivalNri(t, e, np.array([1, -1, 0, 0]), np.array([2.0])),
    ],
    ids=["kaplan_meier", "logrank", "concordance", "maximise", "restricted_mean", "SurvivalNri"],
)
def test_impossible_survival_data_are_one_line(function, name):
    with pytest.raises(InputError) as error:
        function(*WRONG[name])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda: kaplan_meier(np.array([]), np.array([])),
        lambda: logrank(TIME, EVENT, GROUP[:2]),
        lambda: concordance(TIME, EVENT, np.array([1.0, np.nan, 2, 3])),
        lambda: ordinal_concordance(GROUP, GROUP[:2]),
        lambda: maximise(GROUP[:, None].astype(float), TIME, EVENT * 0),
        lambda: maximise(np.array([[np.nan], [1], [2], [3]]), TIME, EVENT),
        lambda: SurvivalNri(TIME, EVENT, np.array([2, 0, 0, 0]), np.array([1.0])),
        lambda: cumulative_incidence(TIME, np.array([0, 1, 2, 3])),
        lambda: kappa(np.array([[1, 2, 3]]), "linear"),
        lambda: kappa(np.array([[1, -2], [3, 4]]), "linear"),
        lambda: fisher_test(np.array([[1.5, 2], [3, 4]])),
        lambda: leisenring(np.array([0, 2]), np.array([1, 0]), np.array([0, 1])),
        lambda: kosinski(np.array([0, 1]), np.array([1, 0, 1]), np.array([0, 1])),
        lambda: wilcoxon(TIME, np.array([])),
        lambda: kruskal([TIME]),
        lambda: kaplan_meier(["a", "b", "c", "d"], EVENT),
        lambda: kaplan_meier(TIME.astype("timedelta64[D]"), EVENT),
        lambda: concordance(TIME, EVENT, np.array([1.0, None, 2, 3], dtype=object)),
        lambda: concordance(TIME, EVENT, np.array(["10", "9", "8", "7"])),
        lambda: concordance(TIME, EVENT, np.ones((4, 2))),
        lambda: logrank(TIME, EVENT, np.array(["a", None, "b", "b"], dtype=object)),
        lambda: restricted_mean(TIME, EVENT, -1.0),
        lambda: kappa(np.eye(2), "lin"),
        lambda: matrix(np.array([-1, 0]), np.array([0, 0])),
        lambda: leisenring(np.array([0, 1]), np.array(["0", "1"]), np.array([0, 1])),
        lambda: kosinski(np.array([0, 1]), np.array([3, 0]), np.array([0, 1])),
        lambda: compare(TIME, GROUP[:2]),
        lambda: compare(TIME, GROUP, "category"),
        lambda: compare(np.array(["a", "b", "c", "d"]), GROUP),
        lambda: fisher_test([["a", "b"], ["c", "d"]]),
    ],
)
def test_impossible_arguments_are_one_line(call):
    with pytest.raises(InputError) as error:
        call()
    assert "\n" not in str(error.value)


@pytest.mark.filterwarnings("error")
def test_what_cannot_be_estimated_is_empty_with_a_note():
    nobody = np.zeros(4, dtype=int)
    assert logrank(TIME, nobody, GROUP)[3] == "no events"
    assert logrank(TIME, EVENT, nobody)[3] == "one group"
    assert np.isnan(concordance(TIME, nobody, GROUP).estimate)
    assert kappa(np.diag([5, 0, 0, 0]), "linear")["note"] == "one category only"
    assert "one row" in fisher_test(np.array([[3, 4], [0, 0]]))["note"]
    assert wilcoxon(np.ones(3), np.ones(4))["note"] == "constant"
    assert compare(np.array([1.0, np.nan]), np.array([0, 1]))["note"] == "one group"
    assert np.isnan(leisenring(EVENT, nobody, nobody)) and np.isnan(kosinski(EVENT, nobody, nobody))
    assert np.isnan(restricted_mean(TIME, EVENT, 9.0)[0])
    with pytest.raises(np.linalg.LinAlgError):
        maximise(np.ones((4, 1)), TIME, EVENT)
    single = kaplan_meier(np.array([2.0]), np.array([1]))
    assert single.survival[-1] == 0 and np.isnan(single.ci_low[-1])


def test_a_sum_of_terms_along_which_the_likelihood_rises_leaves_none_of_them_an_estimate():
    """Nobody in the reference category has an event: found with a cohort of 14, R does not converge."""
    x = np.zeros((14, 2))
    x[4:9, 0], x[9:, 1] = 1, 1
    time = np.array([9.0, 8, 7, 6, 5, 3, 8.5, 2, 4, 1, 6.5, 3.5, 9.5, 2.5])
    event = np.array([0, 0, 0, 0, 1, 1, 0, 1, 1, 1, 0, 1, 0, 1])
    model = fit(Design(x, ("1-100", ">400"), time, event))
    assert set(model.reasons.values()) == {"separation"}


def test_times_that_differ_by_rounding_are_ties(cohort, quick):
    assert np.array_equal(tied(np.array([0.3, 0.1 + 0.2, 1.0])), np.array([0.3, 0.3, 1.0]))
    days = cohort["followup_days"] / 10
    noisy = cohort.assign(followup_days=np.where(cohort.index % 2 == 0, days, days * (1 + 1e-15)))
    exact = cohort.assign(followup_days=days)
    for name in ("cox", "km"):
        ours, theirs = (FAMILIES[name](frame, None, quick)[name] for frame in (noisy, exact))
        numbers = ours.select_dtypes("number").columns
        np.testing.assert_allclose(ours[numbers], theirs[numbers], rtol=1e-9)


def test_an_endpoint_may_add_patients_but_not_without_covariates(cohort, quick):
    first, all_of_them = cohort.head(200), cohort
    endpoints = all_of_them.rename(columns={"mace": "event"}).assign(endpoint="wider", included=1)
    table = FAMILIES["km"](first, endpoints, quick)["km"].query("population == 'all' and time_years == 0")
    assert table.groupby("endpoint")["n_at_risk"].sum().to_dict() == {"mace": 200, "wider": len(cohort)}
    bare = endpoints[["patient_id", "endpoint", "included", "followup_days", "event"]]
    with pytest.raises(InputError, match="not in the analysis table"):
        FAMILIES["km"](first, bare, quick)


def test_preparing_counts_nobody_twice(cohort):
    assert len(prepare(cohort)) == len(cohort)


@pytest.mark.parametrize("kind", [np.uint8, np.uint64, np.int8, bool])
def test_the_type_of_categories_does_not_change_a_number(kind):
    up, down = np.array([0, 1, 1, 0]), np.array([1, 1, 0, 0])
    want, got = ordinal_concordance(up, down), ordinal_concordance(up.astype(kind), down.astype(kind))
    assert got.estimate == want.estimate
    settings, key = Settings(bootstrap_replicates=2, horizons_years=(2.0,)), {"population": "paired"}
    want, got = (
        [row.get("estimate") for row in nri_rows(TIME, EVENT, up.astype(t), down.astype(t), settings, key)]
        for t in (int, kind)
    )
    assert got == want


def test_agreement_with_a_margin_of_one_category_has_no_interval():
    for weights in WEIGHTS:
        row = kappa(np.array([[211, 97, 40, 13], [0] * 4, [0] * 4, [0] * 4]), weights)
        assert "se" not in row and row["note"] == "no interval: agreement does not vary"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_a_ratio_that_no_number_holds_is_empty_with_a_note(cohort, quick, unit):
    rows = FAMILIES["cox"](cohort.assign(mfr=cohort["mfr"] * unit), None, quick)["cox"]
    assert not np.isinf(rows.select_dtypes("number").to_numpy()).any()
    beyond = rows[rows["note"].fillna("").str.contains("another unit")]
    assert beyond["estimate"].isna().all() and beyond["log_hr"].notna().all()
    assert (len(beyond) > 0) == (unit < 1)


@pytest.mark.parametrize("ids", [["1", 1], ["P1 ", "P1"], ["P1", None], ["P1", " "]])
def test_patients_that_cannot_be_told_apart_are_refused(cohort, ids):
    with pytest.raises(InputError):
        prepare(cohort.head(2).assign(patient_id=pd.Series(ids, dtype=object)))


def test_text_columns_may_hold_numbers_and_blanks(cohort):
    as_text = cohort.assign(mfr=cohort["mfr"].astype(str).where(cohort["mfr"].notna(), "").astype("string"))
    np.testing.assert_array_equal(prepare(as_text)["mfr"], prepare(cohort)["mfr"])

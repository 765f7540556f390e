"""The paper-shaped cohort has the study's flow and, within chance, its outcomes."""

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter

from calcohort.categories import categorise
from calcohort.cohort.analysis import build
from calcohort.cohort.settings import CohortSettings
from calcohort.simulate.cohort import paper_cohort

SETTINGS = CohortSettings.from_config({"sensitivity": []})


@pytest.fixture(scope="module")
def study():
    scores, registries = paper_cohort(11)
    return build(registries, scores, SETTINGS)


def test_the_flow_is_the_study_s(study):
    flow = study.flow.set_index("reason")["excluded"]
    assert study.flow["n_in"].iloc[0] == 4761
    assert flow["early_revascularization"] == 417
    assert flow["missing_ctac"] + flow["corrupt_ctac"] == 13
    assert flow.sum() == 430
    assert len(study.analysis) == 4331


def test_the_groups_are_the_study_s(study):
    analysis = study.analysis
    paired = analysis[analysis["cac_standard"].notna()]
    assert len(paired) == 2737
    assert (paired["history_of_cad"] == 0).sum() == 2502
    assert (analysis["history_of_cad"] == 0).sum() == 2888
    assert categorise(paired["cac_standard"]).value_counts().tolist() == [685, 662, 586, 804]
    assert categorise(analysis["cac_dl"]).value_counts().tolist() == [941, 840, 848, 1702]


def test_outcomes_are_near_the_published_ones(study):
    """Limits: four standard deviations around the mean of 80 simulated cohorts."""
    analysis = study.analysis
    years = analysis["followup_days"].astype(float) / 365.25
    assert 29 < 100 * analysis["mace"].mean() < 34.5
    assert years.quantile([0.25, 0.5, 0.75]).tolist() == pytest.approx([2.5, 4.35, 6.6], abs=0.3)
    first = analysis["event_type"].value_counts(normalize=True)
    assert first["death"] == pytest.approx(0.705, abs=0.06)
    assert first["late_revascularization"] == pytest.approx(0.155, abs=0.05)
    zero = analysis[analysis["cac_dl"] == 0]
    assert 78 < 100 * (1 - zero["mace"].mean()) < 88


def test_the_hazard_ratio_of_the_top_category_is_near_the_published_one(study):
    analysis = study.analysis
    category = categorise(analysis["cac_dl"]).codes
    table = pd.DataFrame({f"category_{code}": (category == code).astype(float) for code in (1, 2, 3)})
    table["years"] = analysis["followup_days"].to_numpy(float) / 365.25
    table["mace"] = analysis["mace"].to_numpy(float)
    ratios = np.exp(CoxPHFitter().fit(table, "years", "mace").params_)
    assert ratios.is_monotonic_increasing
    assert 2.3 < ratios["category_3"] < 4.3


def test_other_sizes_and_seeds():
    scores, registries = paper_cohort(1, 300)
    again, _ = paper_cohort(1, 300)
    other, _ = paper_cohort(2, 300)
    pd.testing.assert_frame_equal(scores, again)
    assert not scores.equals(other)
    assert len(build(registries, scores, SETTINGS).analysis) == 300 - 26 - 1

"""Plans of the simulated cohorts: the study's proportions in any number of patients."""

import numpy as np
import pandas as pd
import pytest

from calcohort.categories import CATEGORIES
from calcohort.simulate import dicom_faults
from calcohort.simulate.people import quotas
from calcohort.simulate.plan import FAULTS, FIRST_SCAN, LAST_SCAN, development_plan, external_plan


def test_the_demo_has_the_study_s_proportions():
    plan = external_plan(1, 100)
    assert plan["patient_id"].is_unique and len(plan) == 100
    assert 62 <= plan["has_gated"].sum() <= 65
    assert 32 <= plan["prior_cad"].sum() <= 35
    assert set(plan["burden"]) == set(CATEGORIES)
    assert plan["burden"].value_counts().min() >= 15
    assert plan["scan_date"].between(FIRST_SCAN, LAST_SCAN).all()
    assert (plan["scan_date"].dt.weekday < 5).all()


def test_every_patient_has_a_ctac_except_for_the_fault_that_takes_it():
    plan = external_plan(3, 200)
    has_ctac = plan["has_stress"] | plan["has_rest"]
    assert (has_ctac == (plan["fault"] != "no_ctac").fillna(True)).all()
    only_rest = plan["has_rest"] & ~plan["has_stress"]
    assert 5 <= only_rest.sum() <= 15
    faulty = plan["fault"].notna()
    assert faulty.sum() == 8
    assert set(plan.loc[faulty, "fault"]) == set(FAULTS)
    assert not plan.loc[faulty, "has_rest"].any()


def test_the_dicom_writer_knows_the_faults_and_each_excludes():
    for name in set(FAULTS) - {"no_ctac"}:
        assert dicom_faults.FAULTS[name].reason is not None


def test_history_is_there_exactly_where_prior_cad_is():
    plan = external_plan(2, 300)
    history = plan[["prior_pci", "prior_cabg", "prior_mi"]].max(axis=1)
    assert (history == plan["prior_cad"]).all()


def test_age_is_that_of_the_birth_date():
    plan = external_plan(2, 300)
    born, scan = plan["birth_date"], plan["scan_date"]
    early = (scan.dt.month * 100 + scan.dt.day) < (born.dt.month * 100 + born.dt.day)
    assert (scan.dt.year - born.dt.year - early == plan["age"]).all()


def test_identifiers_tell_nothing_of_the_risk():
    plan = external_plan(5, 2000)
    burden = plan["burden"].map({name: i for i, name in enumerate(CATEGORIES)})
    assert abs(np.corrcoef(np.arange(2000), burden)[0, 1]) < 0.08
    assert plan["patient_id"].is_monotonic_increasing


@pytest.mark.parametrize("make", [external_plan, development_plan])
def test_a_plan_is_its_seed(make):
    pd.testing.assert_frame_equal(make(4, 30), make(4, 30))
    assert not make(4, 30).equals(make(5, 30))


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_small_cohorts_are_possible(n):
    assert len(external_plan(1, n)) == n
    assert len(development_plan(1, n)) == n


def test_the_development_cohort_has_three_sites_and_both_kinds_of_scan():
    plan = development_plan(1, 45)
    assert plan["site"].nunique() == 3
    assert (plan["scan_type"] == "gated").sum() == 9
    assert ((plan["protocol"] == "cac_gated") == (plan["scan_type"] == "gated")).all()
    assert plan["burden"].value_counts().min() >= 6
    assert plan["phantom_seed"].is_unique


def test_quotas_add_up():
    assert quotas([1, 1, 1], 100).tolist() == [34, 33, 33]
    assert quotas([0.5, 0.25, 0.25], 1).sum() == 1

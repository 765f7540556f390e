"""The simulated hospital: its exports differ from calcohort's names, and the config brings them back."""

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from calcohort.simulate.registries import FILES


def test_the_demo_goes_through_registries_and_cohort(hospital):
    plan, exports, result = hospital(1, 100)
    assert exports.keys() == FILES.keys()
    flow = result.flow.set_index("reason")["excluded"]
    assert flow["death_before_scan"] == 0
    assert flow["missing_followup"] == 2
    assert flow["early_revascularization"] == 9
    assert flow["missing_ctac"] >= 1
    assert flow["corrupt_ctac"] >= 1
    assert 80 <= len(result.analysis) <= 90
    assert set(result.analysis["event_type"].dropna()) >= {"death", "late_revascularization"}
    known = result.analysis.merge(plan, on="patient_id", suffixes=("", "_plan"))
    for column in ("age", "sex", "smoking", "prior_pci", "prior_cabg", "prior_mi", "sds"):
        assert (known[column] == known[f"{column}_plan"]).all(), column
    assert known["cac_standard"].notna().equals(known["has_gated"])


def test_deaths_are_in_several_sources_and_some_in_one_only(hospital):
    _, exports, result = hospital(2, 600)
    ids = [exports[name].iloc[:, 0] for name in exports if name.startswith("deaths")]
    sources = pd.concat(ids).value_counts()
    assert (sources == 1).sum() > 20 and (sources == 3).sum() > 20
    counts = result.quality.groupby("rule")["count"].sum()
    assert counts["two_death_dates_most_trusted"] > 0
    assert counts["second_pet_exam_first"] > 0
    assert counts["death_after_the_observed_time_not_counted"] > 0


def test_risk_follows_the_planted_calcium(hospital):
    _, _, result = hospital(3, 3000)
    analysis = result.analysis
    five_years = (analysis["mace"] == 1) & (analysis["followup_days"] <= 1826)
    risk = five_years.groupby(pd.cut(analysis["cac_dl"], [-1, 0, 100, 400, np.inf]), observed=True).mean()
    assert risk.is_monotonic_increasing
    assert risk.iloc[-1] > 2 * risk.iloc[0]


def test_the_reader_s_error_is_small_and_zero_stays_mostly_zero(hospital):
    plan, exports, _ = hospital(3, 3000)
    read = exports["clinical_cac"].merge(plan, on="patient_id")
    zero = read["burden"] == "0"
    assert 0.9 < (read.loc[zero, "agatston"] == 0).mean() < 1
    assert (
        spearmanr(read["agatston"], read["burden"].map({"0": 0, "1-100": 1, "101-400": 2, ">400": 3}))[0]
        > 0.97
    )
    assert (read["agatston"] % 1 == 0).all()


def test_exports_are_their_seed(hospital):
    _, first, _ = hospital(7, 40)
    _, again, _ = hospital(7, 40)
    for name, table in first.items():
        pd.testing.assert_frame_equal(table, again[name])

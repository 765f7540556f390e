"""The simulation behind docs/validation.md: its laws are what they say; a small run gives every number."""

import numpy as np
import pandas as pd
import pytest

from calcohort.seeds import rng
from calcohort.simulate.cohort import LAWS, analysis_table
from calcohort.statistics.populations import prepare
from tests.validation import run
from tests.validation.summary import summarise


@pytest.mark.parametrize("law", LAWS)
def test_a_drawn_cohort_is_an_analysis_table(law):
    table = analysis_table(rng("test", 1), 300, law)
    frame = prepare(table)
    assert len(frame) == 300 and table.equals(analysis_table(rng("test", 1), 300, law))
    assert set(frame["mace"]) == {0, 1} and (table["event_type"].notna() == (table["mace"] == 1)).all()
    assert (table["followup_days"] <= table["event_days"]).all()


def test_categories_come_in_the_tables_proportions():
    table = prepare(analysis_table(rng("test", 2), 60_000))
    expected = np.array([941, 840, 848, 1702]) / 4331
    np.testing.assert_allclose(
        table["dl_ctac"].value_counts(normalize=True).sort_index(), expected, atol=0.01
    )
    paired = table[table["standard"] >= 0]
    assert len(paired) / len(table) == pytest.approx(2737 / 4331, abs=0.01)


def test_null_versions_hold_their_hypothesis():
    by = {}
    for law in ("no_effect", "exchangeable"):
        table = prepare(analysis_table(rng("test", 3), 60_000, law))
        table = table[table["standard"] >= 0]
        by[law] = [table.groupby(score)["mace"].mean().to_numpy() for score in ("dl_ctac", "standard")]
    assert np.ptp(by["no_effect"][0]) < 0.03
    np.testing.assert_allclose(*by["exchangeable"], atol=0.03)


@pytest.mark.slow
def test_one_group_alone_leaves_the_rest_of_the_summary(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "CHUNK", 2)
    monkeypatch.setattr(run, "TRUTH_SIZE", 4331)
    work, docs = tmp_path / "work", tmp_path / "docs"
    known = {"law": "study", "statistic": "nri", "detail": "paired, binary, event", "cohorts": 400}
    (docs / "validation").mkdir(parents=True)
    others = [
        {**known, "statistic": name, "interval_below": 0.025, "tests": 400, "size": 0.05, "size_se": 0.01}
        for name in ("c_comparison", "npv_comparison")
    ]
    others[1]["detail"] = "paired, leisenring, km"
    pd.DataFrame([known, *others]).to_csv(docs / "validation" / "summary.csv", index=False)
    arguments = [
        "run",
        "--only",
        "shapes",
        "--cohorts",
        "2",
        "--parts",
        "1",
        "--work",
        str(work),
        "--docs",
        str(docs),
    ]
    monkeypatch.setattr("sys.argv", arguments)
    run.main()
    assert {path.name.split(".")[0] for path in work.iterdir()} == {"shapes"}
    table = pd.read_csv(docs / "validation" / "summary.csv")
    assert set(table["statistic"]) == {
        "nri", "c_comparison", "npv_comparison", "subgroups", "splines", "calibration",
    }  # fmt: skip
    made = table[table["statistic"].isin(["subgroups", "splines", "calibration"])]
    assert made["coverage"].notna().all() and not made.duplicated(["statistic", "detail"]).any()
    assert "all, dl_ctac, diabetes, yes, >400" in set(made["detail"])


@pytest.mark.slow
def test_a_small_run_goes_on_where_it_was_and_writes_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "CHUNK", 2)
    monkeypatch.setattr(run, "TRUTH_SIZE", 5000)
    work, docs = tmp_path / "work", tmp_path / "docs"
    arguments = ["run", "--cohorts", "2", "--parts", "2", "--work", str(work), "--docs", str(docs)]
    monkeypatch.setattr("sys.argv", arguments)
    run.main()
    page, chunks = (docs / "validation.md").read_text(), {p: p.stat().st_mtime_ns for p in work.iterdir()}
    assert "2 cohorts of 4,331 patients" in page and "| no_effect | logrank |" in page
    run.main()
    assert {p: p.stat().st_mtime_ns for p in work.iterdir()} == chunks
    summarise(work, docs)
    assert (docs / "validation.md").read_text() == page

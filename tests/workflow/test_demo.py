"""The whole study from DICOM to report, at a small size."""

import json
import re
import shutil

import pandas as pd
import pytest

from calcohort import tables
from calcohort.audit.verify import verify
from calcohort.cohort.analysis import COLUMNS
from calcohort.scoring.rows import SCORE_COLUMNS
from tests.workflow.conftest import demo, new_place, said

pytestmark = pytest.mark.slow
RUN = "results/small"
FORMATS = {"table": ("tables", ("csv", "html", "docx")), "figure": ("figures", ("pdf", "svg", "png"))}


def test_every_patient_is_accounted_for(finished):
    flow = tables.read_csv(finished / f"{RUN}/cohort/flow.csv")
    analysis = tables.read_csv(finished / f"{RUN}/cohort/analysis.csv")
    excluded = tables.read_csv(finished / f"{RUN}/cohort/excluded.csv")
    assert list(analysis.columns) == list(COLUMNS)
    assert flow["n_in"].iloc[0] == 15
    assert (flow["n_in"] - flow["excluded"] == flow["n_out"]).all()
    assert flow["n_out"].iloc[-1] == len(analysis)
    assert len(excluded) + len(analysis) == 15


def test_every_planned_scan_has_a_row_and_a_score_or_a_reason(finished):
    truth = pd.concat(map(tables.read_csv, sorted((finished / f"{RUN}/simulate/external/truth").iterdir())))
    scores = tables.read_csv(finished / f"{RUN}/scores/scores.csv")
    assert list(scores.columns) == list(SCORE_COLUMNS)
    together = truth.merge(scores, on="series", suffixes=("_true", ""))
    whole = together[together["fault"].isna()]
    assert len(whole) == truth["fault"].isna().sum()
    assert (whole["accepted"] | whole["reason"].notna()).all()
    assert whole.loc[whole["accepted"], "agatston"].notna().all()


def test_a_faulty_scan_keeps_its_reason_to_the_end(finished):
    plan = tables.read_csv(finished / f"{RUN}/simulate/external/plan.csv")
    faulty = plan.loc[plan["fault"] == "missing_middle_slice", "patient_id"]
    assert len(faulty) == 1
    scores = tables.read_csv(finished / f"{RUN}/scores/scores.csv")
    ctac = scores[scores["patient_id"].isin(faulty) & scores["protocol"].str.startswith("ctac")]
    assert list(ctac["reason"]) == ["nonuniform_spacing"]
    assert not ctac["accepted"].any()
    series = tables.read_csv(finished / f"{RUN}/imaging/series.csv").set_index("series")
    assert series.loc[ctac["series"], "reason"].tolist() == ["nonuniform_spacing"]
    excluded = tables.read_csv(finished / f"{RUN}/cohort/excluded.csv")
    reasons = excluded.loc[excluded["patient_id"].isin(faulty), "reason"]
    assert set(reasons) <= {"corrupt_ctac", "early_revascularization", "missing_followup"}
    assert len(reasons) == 1


def test_scores_follow_the_planted_calcium(finished):
    truth = pd.concat(map(tables.read_csv, sorted((finished / f"{RUN}/simulate/external/truth").iterdir())))
    scores = tables.read_csv(finished / f"{RUN}/scores/scores.csv")
    together = truth.merge(scores[scores["accepted"]], on="series", suffixes=("_true", ""))
    assert together["agatston_true"].corr(together["agatston"], method="spearman") > 0.7


def test_the_report_is_one_page_that_verifies(finished):
    page = (finished / f"{RUN}/report.html").read_text(encoding="utf-8")
    assert "imulated" in page
    assert 'src="http' not in page
    assert all('href="data:' in link for link in re.findall("<link[^>]*>", page))
    assert verify(finished / RUN) == []


def test_a_changed_number_is_found(finished, tmp_path):
    copy = tmp_path / "small"
    shutil.copytree(finished / RUN, copy, ignore=shutil.ignore_patterns("simulate"))
    report = copy / "report.html"
    text = report.read_text(encoding="utf-8")
    value = text.split('<data class="n" value="', 1)[1].split('"', 1)[0]
    report.write_text(text.replace(f'value="{value}"', 'value="-77"', 1), encoding="utf-8")
    assert any("report.html" in str(difference) for difference in verify(copy))


def test_every_exhibit_is_there_in_every_format(finished):
    manifests = sorted((finished / f"{RUN}/exhibits").glob("*.json"))
    assert {"table1", "table2", "table3", "figure1", "figure3", "figure6", "central"} <= {
        m.stem for m in manifests
    }
    for manifest in manifests:
        facts = json.loads(manifest.read_text())
        folder, formats = FORMATS[facts["kind"]]
        for suffix in formats:
            assert (finished / f"{RUN}/{folder}/{manifest.stem}.{suffix}").stat().st_size > 0
        assert facts["made"] or facts["reason"]


def test_a_finished_run_has_nothing_to_do(finished):
    run = finished.snakemake("--configfile", "study.yaml")
    assert run.returncode == 0
    assert "Nothing to be done" in said(run)


def test_a_threshold_changes_scoring_and_not_segmentation(finished):
    study = demo("small", 15, 9) | {"scoring": {"minimum_voxels": 3}}
    run = finished.snakemake("-n", "scores", "--configfile", finished.config(study, "other.yaml"))
    assert "rule score:" in said(run)
    assert "rule segment:" not in said(run)


def test_the_same_seed_gives_the_same_tables(finished, tmp_path):
    again = new_place(tmp_path)
    run = again.snakemake("cohort", "--configfile", again.config(demo("small", 15, 9)))
    assert run.returncode == 0, said(run)[-3000:]
    compared = 0
    for path in sorted((again / RUN).rglob("*.csv")):
        relative = path.relative_to(again.folder)
        assert path.read_bytes() == (finished / str(relative)).read_bytes(), relative
        compared += 1
    assert compared > 15


def test_a_run_that_lost_results_makes_them_again(finished, tmp_path):
    """Tables and a figure are gone: the next run makes them with the same bytes, and nothing before."""
    place = new_place(tmp_path)
    shutil.copytree(finished / RUN, place / RUN)
    shutil.copytree(finished / ".snakemake", place / ".snakemake")
    place.config(demo("small", 15, 9))
    # One that others are made from, and some that only a reader looks into.
    lost = ("statistics/km.csv", "imaging/series.csv", "scores/conventions.csv", "cohort/flow.csv")
    for name in lost:
        (place / f"{RUN}/{name}").unlink()
    (place / f"{RUN}/figures/figure3.png").unlink()
    run = place.snakemake("--configfile", "study.yaml", "--rerun-incomplete")
    assert run.returncode == 0, said(run)[-3000:]
    for name in lost:
        assert (place / f"{RUN}/{name}").read_bytes() == (finished / f"{RUN}/{name}").read_bytes()
    assert (place / f"{RUN}/figures/figure3.png").exists()
    assert "rule scan_external:" not in said(run)

"""Time of each job, and the checklist that a run fills."""

import json

import pandas as pd

from calcohort.audit.checklist import prime
from calcohort.audit.timing import by_rule, collect, render

TSV = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def test_benchmarks_of_both_kinds_become_one_table(tmp_path):
    (tmp_path / "score").mkdir()
    (tmp_path / "score/a.tsv").write_text(TSV + "2.5\t0:00:02\t100.0\t1\t1\t1\t0\t3\t90\t2.2\n")
    (tmp_path / "score/b.tsv").write_text(TSV + "1.5\t0:00:01\t-\t1\t1\t1\t0\t3\t90\t1.2\n")
    record = {"rule_name": "cohort", "s": 9.0, "max_rss": 50.0}
    (tmp_path / "cohort.jsonl").write_text(json.dumps(record) + "\n")
    table = collect(tmp_path)
    assert list(table["rule"]) == ["cohort", "score", "score"] and list(table["job"]) == ["", "a", "b"]
    totals = by_rule(table).set_index("rule")
    assert totals.loc["score", "seconds"] == 4.0 and totals.loc["score", "max_rss_mb"] == 100.0
    page = render(table)
    assert page.index("cohort") < page.index("score") and "<script" not in page


def test_a_run_without_benchmarks_says_so(tmp_path):
    assert "No job of this run was benchmarked" in render(collect(tmp_path / "none"))


def test_the_checklist_has_all_items_of_the_seven_domains():
    table = prime(lambda file: True, {})
    assert table["domain"].str[0].nunique() == 7 and len(table) == 28
    assert set(table["status"]) == {"answered", "in part", "person"}


def test_an_empty_run_answers_only_what_needs_no_file():
    empty, full = prime(lambda file: False, {}), prime(lambda file: True, {})
    by_item = pd.concat([empty.set_index("item")["status"], full.set_index("item")["status"]], axis=1)
    by_item.columns = ["empty", "full"]
    assert by_item.loc["5.1", "empty"] == "missing" and by_item.loc["5.1", "full"] == "answered"
    assert by_item.loc["1.1", "empty"] == by_item.loc["1.1", "full"] == "person"
    assert empty.loc[empty["status"] == "missing", "answer"].str.len().min() > 0

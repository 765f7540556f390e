"""Time of each job, and the checklist that a run fills."""

import json

import pandas as pd

from calcohort.audit.build import write_checklists
from calcohort.audit.checklist import PRIME, TRIPOD_AI, fill
from calcohort.audit.timing import by_rule, collect, render
from calcohort.tables import read_csv

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
    table = fill(PRIME, lambda file: True, {})
    assert table["domain"].str[0].nunique() == 7 and len(table) == 28
    assert set(table["status"]) == {"answered", "in part", "person"}


def test_an_empty_run_answers_only_what_needs_no_file():
    empty, full = fill(PRIME, lambda file: False, {}), fill(PRIME, lambda file: True, {})
    by_item = pd.concat([empty.set_index("item")["status"], full.set_index("item")["status"]], axis=1)
    by_item.columns = ["empty", "full"]
    assert by_item.loc["5.1", "empty"] == "missing" and by_item.loc["5.1", "full"] == "answered"
    assert by_item.loc["1.1", "empty"] == by_item.loc["1.1", "full"] == "person"
    assert empty.loc[empty["status"] == "missing", "answer"].str.len().min() > 0


def test_tripod_ai_has_its_52_parts_of_27_items():
    table = fill(TRIPOD_AI, lambda file: True, {})
    assert len(table) == 52 and table["item"].is_unique
    assert set(table["item"].str.extract(r"(\d+)")[0].astype(int)) == set(range(1, 28))
    # What no run can know.
    by_item = table.set_index("item")["status"]
    assert set(by_item[["3a", "6a", "17", "18a", "18b", "18c", "18d", "18e", "19"]]) == {"person"}


def test_a_run_from_scores_does_not_answer_for_the_network():
    without = fill(PRIME, lambda file: True, {"networks": False}).set_index("item")
    assert set(without.loc[["3.1", "3.2", "3.3", "4.2"], "status"]) == {"person"}
    assert without.loc["3.3", "answer"].startswith("This run used no network")
    assert fill(PRIME, lambda file: True, {}).set_index("item").loc["3.3", "status"] == "answered"


def test_an_exhibit_that_was_not_made_answers_no_item(tmp_path):
    for name, made in (("table1", False), ("table2", True)):
        (tmp_path / "tables").mkdir(exist_ok=True)
        (tmp_path / f"tables/{name}.csv").write_text("row,label\n0,Not made\n")
        (tmp_path / "exhibits").mkdir(exist_ok=True)
        (tmp_path / f"exhibits/{name}.json").write_text(json.dumps({"name": name, "made": made}))
    write_checklists(tmp_path, {})
    where = read_csv(tmp_path / PRIME.file, dtype={"item": str}).set_index("item").loc["1.4", "where"]
    assert where == "tables/table2.csv"

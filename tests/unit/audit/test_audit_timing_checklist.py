"""Time of each job, and the checklist that a run fills."""

import json

import pandas as pd
import pytest

from calcohort.audit.build import write_checklists, write_timing
from calcohort.audit.checklist import PRIME, TRIPOD_AI, fill
from calcohort.audit.timing import by_rule, collect, reading_times, render, seconds_per_scan
from calcohort.errors import InputError
from calcohort.exhibits.figures_timing import quartiles
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


def bench(folder, rule, shard, seconds):
    path = folder / f"benchmarks/{rule}/{shard}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(TSV + f"{seconds}\t0:00:02\t100.0\t1\t1\t1\t0\t3\t90\t2.2\n")


def test_seconds_per_scan_stand_beside_the_readers(tmp_path):
    for shard, scans in (("a", 10), ("b", 5), ("c", 4)):
        path = tmp_path / f"scores/shards/{shard}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("series,accepted\n" + "x,True\n" * scans + "y,False\n")
        for rule, seconds in (("convert", 5), ("segment", 30), ("score", 5)):
            # Of shard c one rule was done before: it tells no time from end to end.
            if (shard, rule) != ("c", "convert"):
                bench(tmp_path, rule, shard, seconds)
    bench(tmp_path, "cohort", "x", 9)
    (tmp_path / "readers.csv").write_text("seconds\n105\n80\n188\n")
    write_timing(tmp_path, tmp_path / "benchmarks", tmp_path / "readers.csv")
    table = read_csv(tmp_path / "audit/timing.csv")
    per_scan = seconds_per_scan(table).set_index("job")
    assert per_scan["seconds"].to_dict() == {"a": 4.0, "b": 8.0} and per_scan["scans"].sum() == 15
    assert quartiles([4.0, 8.0], [10, 5])[1] == 4.0
    page = (tmp_path / "audit/timing.html").read_text()
    assert "<svg" in page and "names no reading times" not in page and "http" not in page.split("<svg")[0]
    assert all((tmp_path / f"audit/timing.{suffix}").stat().st_size for suffix in ("svg", "pdf", "png"))


def test_a_run_without_scans_says_so_where_their_time_would_stand(tmp_path):
    write_timing(tmp_path, tmp_path / "benchmarks")
    page = (tmp_path / "audit/timing.html").read_text()
    assert "read no scans itself" in page and "names no reading times" in page
    assert not (tmp_path / "audit/timing.svg").exists()


@pytest.mark.parametrize("text", ["minutes\n3\n", "seconds\n-3\n", "seconds\nfast\n", "seconds\n", ""])
def test_reading_times_that_are_none_are_one_line(tmp_path, text):
    (tmp_path / "readers.csv").write_text(text)
    with pytest.raises(InputError, match="reading_times"):
        reading_times(tmp_path / "readers.csv")

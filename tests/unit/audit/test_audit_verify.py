"""A run that somebody touched is told from one that nobody did."""

import json

import pytest

from calcohort.audit import build
from calcohort.audit.verify import run, verify
from calcohort.cli import main
from calcohort.errors import InputError


def kinds(differences):
    return [(one.kind, one.file) for one in differences]


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_an_untouched_run_has_no_difference(full_run, capsys):
    assert verify(full_run) == []
    assert main(["verify", str(full_run)]) == 0
    assert "as the run wrote it" in capsys.readouterr().out


def test_a_changed_number_in_the_page_is_found(full_run):
    edit(full_run / "report.html", ">0.62</data>", ">0.92</data>")
    build.write_checksums(full_run)
    (found,) = verify(full_run)
    assert found.kind == "changed number" and "0.92" in found.detail and "0.62" in found.detail


def test_a_changed_value_behind_a_right_text_is_found(full_run):
    edit(full_run / "report.html", 'value="0.62"', 'value="0.6249"')
    build.write_checksums(full_run)
    assert kinds(verify(full_run)) == [("changed number", "report.html")]


def test_a_changed_statistic_is_found_by_checksum_and_by_every_number_of_it(full_run):
    edit(full_run / "statistics/agreement.csv", "0.62", "0.72")
    found = kinds(verify(full_run))
    assert ("changed file", "statistics/agreement.csv") in found
    assert ("changed number", "report.html") in found


def test_a_number_of_a_table_fragment_is_checked_too(full_run):
    edit(full_run / "tables/table2.html", ">120</data>", ">121</data>")
    found = kinds(verify(full_run))
    assert found == [("changed file", "tables/table2.html"), ("changed number", "tables/table2.html")]


def test_a_missing_file_is_found_and_its_numbers_with_it(full_run):
    (full_run / "statistics/nri.csv").unlink()
    found = kinds(verify(full_run))
    assert ("missing file", "statistics/nri.csv") in found
    assert ("unresolved number", "report.html") in found


@pytest.mark.parametrize(
    "old, new",
    [
        ('data-row="0"', 'data-row="4000"'),
        ('data-column="n_events"', 'data-column="n_event"'),
        ('data-format="count"', 'data-format="counts"'),
        ('data-file="statistics/followup.csv"', 'data-file="../../../etc/passwd"'),
    ],
)
def test_a_number_that_names_nothing_is_unresolved(full_run, old, new):
    edit(full_run / "report.html", old, new)
    build.write_checksums(full_run)
    assert ("unresolved number", "report.html") in kinds(verify(full_run))


def test_a_file_that_nobody_listed_is_told_but_breaks_nothing(full_run, capsys):
    (full_run / "notes.txt").write_text("mine")
    (found,) = verify(full_run)
    assert found.kind == "unlisted file" and not found.breaks
    assert run(full_run) == 0
    assert "notes.txt" in capsys.readouterr().out


def test_a_forged_checksum_list_is_betrayed_by_the_provenance(full_run):
    build.write_provenance(full_run, {"name": "small"}, repo_dir=full_run)
    assert verify(full_run) == []
    edit(full_run / "cohort/quality.csv", "duplicates", "Duplicates")
    build.write_checksums(full_run)
    assert kinds(verify(full_run)) == [("changed file", "audit/checksums.csv")]


def test_the_command_fails_on_a_difference_and_on_no_run(full_run, tmp_path, capsys):
    (full_run / "cohort/flow.csv").unlink()
    assert main(["verify", str(full_run)]) == 1
    with pytest.raises(InputError, match="checksums"):
        verify(tmp_path / "nothing")
    assert main(["verify", str(tmp_path / "nothing")]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_what_differs_between_equal_runs_has_no_checksum(full_run):
    for path in ("audit/timing.csv", "logs/a.log", "benchmarks/a.tsv", "private/key", ".hidden/x"):
        (full_run / path).parent.mkdir(parents=True, exist_ok=True)
        (full_run / path).write_text("1")
    assert verify(full_run) == []


def test_provenance_says_what_ran(full_run):
    build.write_provenance(
        full_run, {"name": "small"}, repo_dir=full_run, model_dir=full_run / "tables", started=0.0
    )
    record = json.loads((full_run / "audit/provenance.json").read_text())
    assert record["git"]["commit"] is None
    assert record["times"]["started"] == "1970-01-01T00:00:00+00:00"
    assert set(record["model"]) == {"table2.csv", "table2.html"}
    assert record["versions"]["pandas"][0].isdigit() and record["snakemake"]
    assert record["config"] == {"name": "small"}

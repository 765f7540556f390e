"""What a terminal shows of a run, and what is said last."""

import logging
import re
from types import SimpleNamespace

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from calcohort.closing import closing
from snakemake_logger_plugin_calcohort import LogHandler, config_refusal, stages
from snakemake_logger_plugin_calcohort.progress import Milestones, Progress, duration


def finish(progress: Progress, job: int, rule: str, now: float, total: int) -> None:
    progress.note(LogEvent.JOB_INFO, {"jobid": job, "rule_name": rule}, now)
    progress.note(LogEvent.JOB_FINISHED, {"job_id": job}, now)
    progress.note(LogEvent.PROGRESS, {"done": job, "total": total}, now)


def test_progress_by_stage_with_the_time_that_is_left():
    progress = Progress({"convert": "imaging", "link": "imaging", "segment": "segmentation"})
    assert progress.line(0) == ""
    plan = {"link": 1, "convert": 3, "segment": 4, "statistics_km": 2, "total": 10}
    progress.note(LogEvent.RUN_INFO, {"stats": plan}, 100)
    for job, rule in enumerate(["link", "convert", "convert", "segment", "convert"], start=1):
        finish(progress, job, rule, 100 + 60 * job, 10)
    assert progress.line(400) == " 50 % segmentation 1/4  statistics 0/2, about 5 min left"


def test_jobs_that_a_checkpoint_adds_are_counted():
    progress = Progress({"link": "imaging", "convert": "imaging"})
    progress.note(LogEvent.RUN_INFO, {"stats": {"link": 1, "total": 1}}, 0)
    finish(progress, 1, "link", 1, 1)
    progress.note(LogEvent.RUN_INFO, {"stats": {"convert": 7, "total": 7}}, 2)
    progress.note(LogEvent.PROGRESS, {"done": 1, "total": 8}, 2)
    assert progress.line(2) == " 12 % imaging 1/8"


def test_a_file_is_told_of_every_tenth_and_every_ten_minutes():
    progress, milestones, told = Progress({}), Milestones(), []
    # A tenth that is left behind when a checkpoint adds jobs is not told again.
    jobs = [(0, 0, 20), (10, 1, 20), (20, 2, 20), (30, 2, 40), (619, 7, 40), (620, 7, 40), (630, 8, 40)]
    for now, finished, total in jobs:
        progress.note(LogEvent.PROGRESS, {"done": finished, "total": total}, now)
        told += [now] * milestones.reached(progress, now)
    assert told == [0, 20, 620, 630]


@pytest.mark.parametrize(("asked", "wordy"), [(None, False), ("printshellcmds", True), ("dryrun", True)])
def test_a_file_gets_no_word_of_single_jobs_unless_asked(asked, wordy, capsys):
    settings = {"dryrun": False, "printshellcmds": False, "stdout": True} | ({asked: True} if asked else {})
    logger = logging.Logger("a run")
    logger.addHandler(LogHandler(SimpleNamespace(**settings), None))
    facts = {"event": LogEvent.RUN_INFO, "stats": {"link": 2, "total": 2}}
    logger.info("Job stats", extra=facts)
    logger.info("Select jobs to execute...")
    logger.info("Removing temporary output results/made/volumes.")
    logger.info("2 jobs in 3 s.")
    said = capsys.readouterr().out
    assert "2 jobs in 3 s." in said
    assert ("Select jobs" in said) is ("Removing" in said) is wordy


@pytest.mark.parametrize(("seconds", "words"), [(40, "40 s"), (360, "6 min"), (12_000, "3 h 20 min")])
def test_durations_read_like_words(seconds, words):
    assert duration(seconds) == words


def test_every_rule_has_the_stage_of_its_file():
    found = stages()
    assert found["convert"] == "imaging" and found["link"] == "imaging" and found["segment"] == "segmentation"
    assert set(found.values()) > {"cohort", "scoring", "statistics", "exhibits", "report"}


def test_a_config_file_that_cannot_be_read_is_one_line():
    said = "Traceback\n  in load_configfile\nFileNotFoundError: [Errno 2] No such file or directory: '{}'"
    assert config_refusal(said.format("my.yaml")) == (
        "calcohort: my.yaml: no such config file; mend the path after --configfile"
    )
    assert "snakemake cohort --configfile" in config_refusal(said.format("cohort"))
    assert config_refusal("FileNotFoundError: [Errno 2] No such file: 'x'") is None
    folder = "in load_configfile\nIsADirectoryError: [Errno 21] Is a directory: 'd.yaml'"
    assert config_refusal(folder).startswith("calcohort: d.yaml: no such config file")
    latin = "in load_configfile\nUnicodeDecodeError: 'utf-8' codec can't decode byte 0xe9"
    assert config_refusal(latin) == "calcohort: the config file is not UTF-8; save it as UTF-8"


def test_the_last_words_count_what_has_no_score(tmp_path):
    (tmp_path / "scores").mkdir()
    rows = ["accepted,reason", "True,", "False,no_heart", "False,coverage", "False,no_heart"]
    (tmp_path / "scores/scores.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "report.html").touch()
    jobs, scans, report = closing(tmp_path, 200, 57)
    assert jobs == "57 jobs in 3 min 20 s."
    assert scans == "3 of 4 scans have no score (coverage 1, no_heart 2)."
    assert re.match(r"The report is .*report\.html", report)

"""Jobs that go to Slurm together: each with its own command and what it asks for."""

import asyncio
import logging
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from snakemake_executor_plugin_slurm import Executor as SlurmExecutor
from snakemake_executor_plugin_slurm.job_status_query import query_job_status_sacct

import snakemake_executor_plugin_calcohort_slurm as plugin
from snakemake_executor_plugin_calcohort_slurm import (
    SCRIPT_CHARACTERS,
    Executor,
    array_script,
    chunks,
    plain_state,
)

# Answers as accounting does: JobID names the tasks of an array, JobIdRaw none of them.
SACCT = """#!/bin/sh
case "$*" in
*--format=JobID,State*) printf '10_1|COMPLETED\\n10_[2-3]|PENDING\\n' ;;
*) printf '10|COMPLETED\\n' ;;
esac
"""


@pytest.mark.parametrize("task", [1, 2, 3])
def test_a_task_runs_its_own_command_and_ends_as_it_does(task):
    script = array_script(["echo one && exit 7", "cd / && echo 'tw o'; exit 8", "echo three; false"])
    environment = {"SLURM_ARRAY_TASK_ID": str(task), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["sh", "-s"], input=script, text=True, capture_output=True, env=environment)
    said, code = {1: ("one", 7), 2: ("tw o", 8), 3: ("three", 1)}[task]
    assert (done.stdout.strip(), done.returncode, done.stderr) == (said, code, "")


@pytest.mark.parametrize(
    ("said", "requeued", "state"),
    [
        ("COMPLETED", False, "COMPLETED"),
        ("CANCELLED by 1000", False, "CANCELLED"),
        ("PREEMPTED", False, "FAILED"),
        ("PREEMPTED", True, "PREEMPTED"),
        ("", False, ""),
    ],
)
def test_states_are_words_that_the_plug_in_knows(said, requeued, state):
    assert plain_state(said, requeued) == state


def test_accounting_is_asked_for_the_tasks_of_arrays(tmp_path):
    executor = Recorder()
    executor.workflow = SimpleNamespace(executor_settings=SimpleNamespace(requeue=False))
    sacct = tmp_path / "sacct"
    sacct.write_text(SACCT)
    sacct.chmod(0o755)
    command = query_job_status_sacct("run").replace("sacct", str(sacct), 1)
    states, _ = asyncio.run(executor._states(command, logging.getLogger(__name__)))
    assert states == {"10_1": "COMPLETED", "10_[2-3]": "PENDING"}
    states, seconds = asyncio.run(executor._states(f"{sacct}-is-gone", logging.getLogger(__name__)))
    assert states is None and seconds is None


def test_arrays_are_no_larger_than_slurm_takes():
    tasks = [(number, "x" * 100) for number in range(25)]
    assert [len(part) for part in chunks(tasks, 10)] == [10, 10, 5]
    assert [task for part in chunks(tasks, 10) for task in part] == tasks
    long = [(number, "x" * (SCRIPT_CHARACTERS // 2)) for number in range(5)]
    assert [len(part) for part in chunks(long, 10)] == [2, 2, 1]
    assert list(chunks([], 10)) == []


class Recorder(Executor):
    """An executor without a workflow and a cluster: notes what it would submit."""

    def __init__(self):
        self.array_jobs, self.max_array_size, self._main_event_loop = {"convert"}, 10, None
        self.logger = logging.getLogger(__name__)
        self.arrays, self.singles, self.lost = [], [], []
        self._gathered, self._gathering, self._over = [], threading.Lock(), threading.Event()
        self._job_submission_executor = ThreadPoolExecutor(2)

    def run(self, *batches: list) -> None:
        """Run batches of jobs that get ready close together."""
        for batch in batches:
            self.run_jobs(batch)
        self._job_submission_executor.shutdown(wait=True)
        self._job_submission_executor = ThreadPoolExecutor(2)

    def run_job_pre(self, job):
        pass

    def run_job(self, job):
        self.singles.append(job.number)

    def format_job_exec(self, job):
        return f"run {job.number}"

    def _sbatch(self, job):
        if job.memory < 0:
            raise ValueError("no such memory")
        return f"sbatch --comment {job.name} --mem {job.memory}"

    def _submit(self, sbatch, tasks):
        self.arrays.append((sbatch, [job.number for job, _ in tasks], [command for _, command in tasks]))

    def _report_job_error_threadsafe(self, job_info, msg):
        self.lost.append((job_info.job.number, msg))


def job(number: int, rule: str = "convert", memory: int = 100, group: bool = False):
    return SimpleNamespace(
        number=number, memory=memory, rule=SimpleNamespace(name=rule), name=rule, is_group=lambda: group
    )


@pytest.fixture(autouse=True)
def haste(monkeypatch):
    monkeypatch.setattr(plugin, "GATHER_S", 0.1)


def test_jobs_that_ask_for_the_same_go_out_together_and_none_is_held_back():
    executor = Recorder()
    executor.run([job(1), job(2, memory=200), job(3)], [job(4, "link")], [job(5)])
    # The second is tried again, with more memory.
    convert = "sbatch --comment convert --mem 100"
    assert executor.arrays == [(convert, [1, 3, 5], ["run 1", "run 3", "run 5"])]
    assert sorted(executor.singles) == [2, 4]
    executor.run([job(6)])
    assert 6 in executor.singles
    executor.run([job(number) for number in range(10, 31)])
    assert [len(numbers) for _, numbers, _ in executor.arrays[1:]] == [10, 10]
    assert 30 in executor.singles and not executor.lost


def test_what_was_not_yet_submitted_is_not_when_the_run_is_cancelled(monkeypatch):
    left = []
    monkeypatch.setattr(SlurmExecutor, "cancel", lambda self: left.append((self.arrays, self.singles)))
    executor = Recorder()
    executor.run_jobs([job(1), job(2), job(3)])
    executor.cancel()
    assert left == [([], [])]


def test_an_account_is_asked_for_once(monkeypatch):
    asked = []
    monkeypatch.setattr(
        SlurmExecutor, "get_account_arg", lambda self, job: iter([asked.append(job) or " -A ct"])
    )
    executor = Recorder()
    executor._accounts, settings = {}, SimpleNamespace(no_account=True)
    executor.workflow = SimpleNamespace(executor_settings=settings)
    named, unnamed = (SimpleNamespace(resources=each) for each in ({"slurm_account": "ct"}, {}))
    assert [next(executor.get_account_arg(named)) for _ in range(3)] == [" -A ct"] * 3
    assert asked == [named]
    assert next(executor.get_account_arg(unnamed)) == ""
    settings.no_account = False
    assert next(executor.get_account_arg(unnamed)) == " -A ct" and asked == [named, unnamed]


def test_a_job_that_cannot_be_submitted_is_told_and_costs_no_other():
    executor = Recorder()
    executor.run([job(1), job(2, memory=-1), job(3)])
    assert [numbers for _, numbers, _ in executor.arrays] == [[1, 3]]
    ((number, words),) = executor.lost
    assert number == 2 and "no such memory" in words
    executor = Recorder()
    executor._submit = lambda sbatch, tasks: (_ for _ in ()).throw(OSError("no sbatch"))
    executor.run([job(1), job(2)])
    assert [number for number, _ in executor.lost] == [1, 2]

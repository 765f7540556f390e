"""Snakemake's Slurm plug-in with job arrays whose tasks are jobs like any other.

The plug-in's own arrays (2.8.0) run every task inside the first job of the array: a task that starts later
waits for that job's input (a temporary file by then gone), removes its output and looks for it afterwards
(snakemake-executor-plugin-slurm issue 447). They ask for the first job's memory alone, whatever a job that
is tried again needs, and hold back jobs that are fewer than the rule has left, for ever once no more can
come (issue 473). Here each task has a command of its own, as the `sbatch` of a single job has; jobs that ask
Slurm for the same go out together, whatever their number. What else the plug-in gets wrong is mended here
too: states of array tasks by `sacct`, preempted jobs, ever rarer looks at the queue, jobs submitted after
Ctrl-C.

Chosen by `executor: calcohort-slurm` of a profile; Snakemake finds the plug-in by the name of its package.
Its settings are those of the Slurm plug-in, as `calcohort-slurm-...`.
"""

import subprocess
import threading
from collections.abc import Iterator, Sequence

import snakemake_executor_plugin_slurm as slurm
from snakemake_executor_plugin_slurm import ExecutorSettings, common_settings
from snakemake_executor_plugin_slurm.job_status_query import query_job_status
from snakemake_executor_plugin_slurm.submit_string import get_submit_command
from snakemake_executor_plugin_slurm.utils import set_gres_string
from snakemake_executor_plugin_slurm.validation import validate_or_get_slurm_job_id, validate_slurm_extra
from snakemake_interface_common.exceptions import WorkflowError
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo

__all__ = ["Executor", "ExecutorSettings", "array_script", "chunks", "common_settings"]

# Slurm takes scripts up to 4 MiB (max_script_size) unless its administrators say otherwise.
SCRIPT_CHARACTERS = 3_000_000
# Jobs get ready one by one, as Snakemake reads the news of the queue: an array waits for those to come.
GATHER_S = 2.0


class Executor(slurm.Executor):
    """Submits single jobs as the Slurm plug-in does, and arrays of its own."""

    def __post_init__(self) -> None:
        # Every run imports the plug-in, before the Snakefile says where its library is.
        from calcohort.onerun import name_in_queue

        super().__post_init__()
        self._gathered, self._gathering, self._over = [], threading.Lock(), threading.Event()
        self._accounts = {}
        study = self.workflow.globals["config"]["name"]
        self.run_uuid = name_in_queue(study, self.run_uuid)
        # The plug-in asks for states by this name; it has no other place to correct the answers.
        slurm.query_job_status = self._states

    async def _states(self, command: str, logger) -> tuple[dict | None, float | None]:
        """State of each job, as the plug-in asks for it; in words that it understands."""
        # By raw numbers it would find no task of an array, and take the state of one of them for all.
        states, seconds = await query_job_status(command.replace("JobIdRaw", "JobID"), logger)
        requeued = self.workflow.executor_settings.requeue
        return states and {job: plain_state(words, requeued) for job, words in states.items()}, seconds

    @slurm.Executor.next_seconds_between_status_checks.getter
    def next_seconds_between_status_checks(self) -> float:
        """As the profile says: the plug-in's own grow to three minutes, and Slurm may forget jobs sooner."""
        return self.workflow.remote_execution_settings.seconds_between_status_checks

    def cancel(self) -> None:
        """Cancel what is in the queue, and submit nothing more."""
        self._over.set()
        self._job_submission_executor.shutdown(wait=True, cancel_futures=True)
        super().cancel()

    def run_jobs(self, jobs: list) -> None:
        """Submit all of these jobs, those of a rule in arrays where the profile says so."""
        single, together = [], []
        for job in jobs:
            alone = job.is_group() or not {"all", job.rule.name} & self.array_jobs
            (single if alone else together).append(job)
        # Remembers the loop that the threads of submission report to.
        super().run_jobs(single)
        for job in together:
            self.run_job_pre(job)
        with self._gathering:
            first = together and not self._gathered
            self._gathered += together
        if first:
            self._job_submission_executor.submit(self._submit_gathered)

    def _submit_gathered(self) -> None:
        if self._over.wait(GATHER_S):
            return
        with self._gathering:
            jobs, self._gathered = self._gathered, []
        self.run_array_jobs(jobs)

    def run_array_jobs(self, jobs: list) -> None:
        """Submit arrays of the jobs of a rule that ask for the same; in a thread of submission."""
        alike = {}
        for job in jobs:
            try:
                alike.setdefault(self._sbatch(job), []).append((job, self.format_job_exec(job)))
            except Exception as error:
                self._failed([job], error)
        for sbatch, tasks in alike.items():
            for chunk in chunks(tasks, self.max_array_size):
                if len(chunk) == 1:
                    self.run_job(chunk[0][0])
                    continue
                try:
                    self._submit(sbatch, chunk)
                except Exception as error:
                    self._failed([job for job, _ in chunk], error)

    def _sbatch(self, job) -> str:
        """The command that asks Slurm for what a job needs, but for its script."""
        validate_slurm_extra(job)
        asked = {
            "run_uuid": self.run_uuid,
            # Slurm puts in the numbers of array and task.
            "slurm_logfile": self._log_folder(job) / "%A_%a.log",
            "comment_str": f"rule_{job.name}",
            "account": next(self.get_account_arg(job)),
            "partition": self.get_partition_arg(job),
            "workdir": self.workflow.workdir_init,
        }
        settings = self.workflow.executor_settings
        return get_submit_command(job, asked, settings, self._failed_nodes) + set_gres_string(job)

    def get_account_arg(self, job) -> Iterator[str]:
        """The option that names a job's account; Slurm is asked whether it exists once, not for each job."""
        named = job.resources.get("slurm_account")
        if not named and self.workflow.executor_settings.no_account:
            yield ""
            return
        if named not in self._accounts:
            self._accounts[named] = next(super().get_account_arg(job))
        yield self._accounts[named]

    def _log_folder(self, job):
        return self.slurm_logdir / f"rule_{job.name}"

    def _submit(self, sbatch: str, tasks: Sequence[tuple]) -> None:
        folder = self._log_folder(tasks[0][0])
        folder.mkdir(parents=True, exist_ok=True)
        script = array_script([command for _, command in tasks])
        done = subprocess.run(
            f"{sbatch} --array=1-{len(tasks)}", shell=True, text=True, input=script, capture_output=True
        )
        if done.returncode != 0:
            raise WorkflowError(f"sbatch of {len(tasks)} jobs failed: {done.stderr.strip()}")
        array = validate_or_get_slurm_job_id(done.stdout.strip().split(";")[0], done.stdout)
        cluster = _cluster(tasks[0][0])
        if cluster:
            self._submitted_job_clusters.add(cluster)
        for number, (job, _) in enumerate(tasks, start=1):
            name = f"{array}_{number}"
            self._report_job_submission_threadsafe(
                SubmittedJobInfo(job, external_jobid=name, aux={"slurm_logfile": folder / f"{name}.log"})
            )
        self.logger.info(
            f"Submitted {len(tasks)} jobs of rule {tasks[0][0].name} as array {array} "
            f"(logs: {folder}/{array}_*.log)."
        )

    def _failed(self, jobs: list, error: Exception) -> None:
        for job in jobs:
            self._report_job_error_threadsafe(SubmittedJobInfo(job), f"Job submission failed: {error}")


def plain_state(words: str, requeued: bool) -> str:
    """A job's state as Slurm's accounting says it (CANCELLED by 1000), in one word.

    A preempted job that Slurm does not put into the queue again has failed.
    """
    state = words.partition(" ")[0]
    return "FAILED" if state == "PREEMPTED" and not requeued else state


def array_script(commands: Sequence[str]) -> str:
    """A shell script whose task number N of an array (from 1) runs the Nth command."""
    cases = (f"{number})\n{command}\n;;" for number, command in enumerate(commands, start=1))
    return "\n".join(["#!/bin/sh", 'case "$SLURM_ARRAY_TASK_ID" in', *cases, "esac", ""])


def chunks(tasks: Sequence[tuple], most: int) -> Iterator[list[tuple]]:
    """Split (job, command) pairs, in order, into arrays that Slurm takes."""
    chunk, characters = [], 0
    for task in tasks:
        if chunk and (len(chunk) == most or characters + len(task[1]) > SCRIPT_CHARACTERS):
            yield chunk
            chunk, characters = [], 0
        chunk.append(task)
        characters += len(task[1])
    if chunk:
        yield chunk


def _cluster(job) -> str | None:
    """Of several clusters under one Slurm, that which a job is meant for."""
    asked = (job.resources.get(name) for name in ("cluster", "clusters", "slurm_cluster"))
    return next(filter(None, asked), None)

"""One run at a time: jobs end with their run, and none of an earlier one is left in Slurm's queue."""

import os
import subprocess
import sys

import pytest

from calcohort.errors import InputError
from calcohort.onerun import claim, name_in_queue, no_earlier_jobs, this_run

STUDY = "ct-2023"
RUN = name_in_queue(STUDY, "0f8fad5b-d9cb-469f-a165-70867728950e")


@pytest.fixture
def queue(tmp_path, monkeypatch):
    """Lets `squeue` say what a test wants."""

    def say(*lines: str, code: int = 0) -> None:
        script = tmp_path / "bin" / "squeue"
        script.parent.mkdir(exist_ok=True)
        said = "".join(f"echo '{line}'\n" for line in lines)
        script.write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\n{said}exit {code}\n")
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")

    return say


def test_jobs_of_an_earlier_run_keep_the_next_one_out(queue, tmp_path):
    queue(f"{RUN} {tmp_path}", f"{RUN} {tmp_path}")
    with pytest.raises(InputError, match=f"scancel --me --name={RUN}$"):
        no_earlier_jobs(STUDY, tmp_path)


def test_other_jobs_are_no_matter(queue, tmp_path):
    others = (name_in_queue(study, "1") for study in ("ct", "ct-2023b", "other"))
    queue(
        f"{RUN} {tmp_path}/elsewhere", f"interactive {tmp_path}", *(f"{name} {tmp_path}" for name in others)
    )
    no_earlier_jobs(STUDY, tmp_path)
    assert (tmp_path / "asked").exists()


def test_a_slurm_that_does_not_answer_keeps_nobody_out(queue, tmp_path):
    queue(f"{RUN} {tmp_path}", code=1)
    no_earlier_jobs(STUDY, tmp_path)
    assert (tmp_path / "asked").exists()


def outcome_of_a_job(run: str) -> int:
    """Exit status of a job that has nothing to do, of some run."""
    job = "from calcohort.onerun import end_with_run; end_with_run()"
    environment = os.environ | {"CALCOHORT_RUN": run}
    return subprocess.run([sys.executable, "-c", job], env=environment, check=False).returncode


def test_a_job_whose_run_is_gone_before_it_begins_does_nothing():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    number, numbered_by = this_run().split(" ", 1)
    assert number == str(os.getpid())
    assert outcome_of_a_job(f"{gone.pid} {numbered_by}") == 1
    assert outcome_of_a_job(this_run()) == 0
    # Numbers of processes in another container tell nothing here.
    assert outcome_of_a_job(f"{gone.pid} pid:[1]") == 0


def test_a_results_folder_that_cannot_be_made_is_told_in_one_line(tmp_path):
    (tmp_path / "results").write_text("a file")
    with pytest.raises(InputError, match=r"results/a: cannot be written \(.*\); give the run a folder"):
        claim(tmp_path / "results/a")

"""Jobs that an earlier run left in Slurm's queue."""

import os

import pytest

from calcohort.errors import InputError
from calcohort.onerun import no_earlier_jobs

RUN = "0f8fad5b-d9cb-469f-a165-70867728950e"


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


@pytest.mark.parametrize("name", [RUN, f"study_{RUN}"])
def test_jobs_of_an_earlier_run_keep_the_next_one_out(queue, tmp_path, name):
    queue(f"{name} {tmp_path}", f"{name} {tmp_path}")
    with pytest.raises(InputError, match=f"scancel --me --name={name}$"):
        no_earlier_jobs(tmp_path)


def test_other_jobs_are_no_matter(queue, tmp_path):
    queue(f"{RUN} {tmp_path}/elsewhere", f"interactive {tmp_path}")
    no_earlier_jobs(tmp_path)
    assert (tmp_path / "asked").exists()


def test_a_slurm_that_does_not_answer_keeps_nobody_out(queue, tmp_path):
    queue(f"{RUN} {tmp_path}", code=1)
    no_earlier_jobs(tmp_path)
    assert (tmp_path / "asked").exists()

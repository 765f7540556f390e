"""A training killed by the system (kill -9) goes on to the same bits, on one thread."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.unit.training.conftest import toy_sample

SCRIPT = """
import sys
import numpy as np
import torch
from pathlib import Path
from calcohort.training.loop import train_model
from calcohort.training.samples import read_samples
from calcohort.training.settings import TrainingSettings

torch.set_num_threads(1)
samples = read_samples([Path(sys.argv[1])])
settings = TrainingSettings(
    network_config={"width": 8, "hidden": 4}, steps=60, batch=4, slices=6, validate_every=15,
    checkpoint_every=4, precision="float32",
)
train_model(samples, np.arange(9), np.arange(9, 11), settings, sys.argv[2], "cpu")
"""


@pytest.mark.slow
def test_a_killed_process_goes_on_to_the_same_bits(tmp_path):
    from calcohort.training.samples import write_samples

    write_samples(tmp_path / "toy.npz", [toy_sample(seed) for seed in range(12)])
    environment = os.environ | {"OMP_NUM_THREADS": "1"}

    def start(folder):
        command = [sys.executable, "-c", SCRIPT, str(tmp_path / "toy.npz"), str(tmp_path / folder)]
        return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)

    assert start("whole").wait() == 0
    killed = start("parts")
    while not (tmp_path / "parts" / "checkpoint.pt").exists():
        assert killed.poll() is None, "the training ended before it wrote a checkpoint"
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert not (tmp_path / "parts" / "lesion.safetensors").exists()
    assert start("parts").wait() == 0
    for name in ("lesion.safetensors", "history.csv", "learning.png"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()

"""A training learns what was planted, and goes on bit-identically after a kill."""

import numpy as np
import pytest
import torch

from calcohort.errors import InputError
from calcohort.segmentation.vote import CORONARY
from calcohort.training import loop
from calcohort.training.checkpoint import load_network
from calcohort.training.settings import Augmentation, TrainingSettings
from calcohort.training.validate import classify_sample, probabilities

TINY = {"width": 8, "hidden": 4}
# A pixel of the toy is 2 mm, and its heart no real one.
GENTLE = Augmentation(shift_mm=4, rotation_deg=5, scale=0.05, kernel=0.3, thick=0, drop=0, texture_hu=5)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def settings(task="lesion", **changes):
    fixed = dict(
        task=task,
        network_config=TINY,
        steps=60,
        batch=4,
        slices=6,
        learning_rate=1e-2,
        ema=0.9,
        validate_every=30,
        checkpoint_every=100,
        augmentation=GENTLE,
    )
    return TrainingSettings(**(fixed | changes))


@pytest.mark.slow
def test_lesion_network_learns_and_finds_planted_lesions(toy, tmp_path):
    samples, wanted = toy["lesion"], settings()
    history = loop.train_model(samples, np.arange(9), np.arange(9, 12), wanted, tmp_path, "cpu")
    assert history["loss"].iloc[-1] < 0.6 * history["loss"].iloc[0]
    assert history["volume_found"].iloc[-1] > 0.8
    network = load_network(tmp_path, "lesion")
    pool = loop.Pool(samples, np.arange(9), wanted, torch.device("cpu"))
    sample = samples.sample(10)
    found = classify_sample(sample, probabilities(network, pool, samples, 10), loop_rules())
    planted = (sample.labels == CORONARY) & (sample.hu >= 130)
    assert (found[planted] == CORONARY).mean() > 0.7
    assert (found[sample.labels == 2] == CORONARY).mean() < 0.3


def loop_rules():
    from calcohort.segmentation.vote import Rules

    return Rules()


@pytest.mark.slow
def test_heart_network_learns(toy, tmp_path):
    history = loop.train_model(
        toy["heart"], np.arange(9), np.arange(9, 12), settings("heart", steps=40), tmp_path, "cpu"
    )
    assert history["dice"].iloc[-1] > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("killed_at", [3, 14])
def test_a_killed_training_goes_on_to_the_same_bits(toy, tmp_path, monkeypatch, killed_at):
    wanted = settings(steps=16, validate_every=8, checkpoint_every=5)
    arguments = (toy["lesion"], np.arange(9), np.arange(9, 11), wanted)
    loop.train_model(*arguments, tmp_path / "whole", "cpu")

    class Killed(BaseException):
        pass

    learn = loop.Training.learn

    def dies(self, batch):
        if self.step == killed_at:
            raise Killed
        return learn(self, batch)

    monkeypatch.setattr(loop.Training, "learn", dies)
    with pytest.raises(Killed):
        loop.train_model(*arguments, tmp_path / "parts", "cpu")
    monkeypatch.setattr(loop.Training, "learn", learn)
    loop.train_model(*arguments, tmp_path / "parts", "cpu")
    for name in ("lesion.safetensors", "history.csv", "lesion.json"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_folder_with_another_training_is_not_taken_over(toy, tmp_path):
    arguments = (toy["lesion"], np.arange(4), np.arange(4, 5))
    loop.train_model(*arguments, settings(steps=2), tmp_path, "cpu")
    with pytest.raises(InputError, match="other settings"):
        loop.train_model(*arguments, settings(steps=2, seed=2), tmp_path, "cpu")


def test_early_stopping_ends_a_training_that_brings_nothing(toy, tmp_path):
    wanted = settings(steps=50, learning_rate=1e-12, validate_every=2, patience=2)
    history = loop.train_model(toy["lesion"], np.arange(4), np.arange(4, 5), wanted, tmp_path, "cpu")
    assert len(history) < 25

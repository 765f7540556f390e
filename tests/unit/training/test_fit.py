"""Training both networks from samples: from random weights, and from those of another model."""

import pytest

from calcohort.errors import InputError
from calcohort.networks.files import load_model
from calcohort.tables import read_csv
from calcohort.training.fit import fit
from calcohort.training.samples import write_samples
from tests.unit.training.conftest import toy_sample

pytestmark = pytest.mark.slow

# One step: what matters is where the weights come from.
TRAINING = {"network": "clstm-fast", "seed": 1, "heart_steps": 1, "lesion_steps": 1, "batch_size": 1}
TRAINING |= {task: {"slices": 4, "learning_rate": 1e-6} for task in ("heart", "lesion")}


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples")
    for task in ("heart", "lesion"):
        write_samples(folder / task / "train" / "a.npz", [toy_sample(1, task), toy_sample(2, task)])
        write_samples(folder / task / "validation" / "b.npz", [toy_sample(3, task)])
    return folder


@pytest.fixture(scope="module")
def first(samples, tmp_path_factory):
    folder = tmp_path_factory.mktemp("first")
    fit(samples, TRAINING, folder / "checkpoints", folder / "model", "cpu", simulated=True)
    return folder / "model"


def distance(one, other) -> float:
    pairs = zip(one.module.parameters(), other.module.parameters(), strict=True)
    return max(float((a - b).detach().abs().max()) for a, b in pairs)


def test_a_training_starts_from_the_weights_of_a_model(samples, first, tmp_path):
    other_seed = TRAINING | {"seed": 2}
    started = other_seed | {"start_from": str(first)}
    fit(samples, started, tmp_path / "c", tmp_path / "started", "cpu", simulated=False)
    fit(samples, other_seed, tmp_path / "c", tmp_path / "fresh", "cpu", simulated=False)
    before, after, fresh = (load_model(path) for path in (first, tmp_path / "started", tmp_path / "fresh"))
    for task in ("heart", "lesion"):
        assert distance(getattr(before, task), getattr(after, task)) < 0.01
        assert distance(getattr(before, task), getattr(fresh, task)) > 0.1
    # What started from simulated scans still says so; what did not, does not.
    assert after.meta["simulated"] is True
    assert fresh.meta["simulated"] is False


def test_settings_and_learning_curve_of_every_stage_stay(samples, first, tmp_path):
    second = TRAINING | {"seed": 2, "start_from": str(first)}
    fit(samples, second, tmp_path / "c", tmp_path / "second", "cpu", simulated=True)
    for task in ("heart", "lesion"):
        stages = load_model(tmp_path / "second").meta[f"training_{task}"]
        assert [settings["seed"] for settings in stages] == [1, 2]
        assert read_csv(tmp_path / "second" / f"history_{task}.csv")["stage"].tolist() == [1, 2]


def test_a_model_of_another_network_is_no_start(samples, first, tmp_path):
    other = TRAINING | {"network": "unet", "start_from": str(first)}
    with pytest.raises(InputError, match="clstm-fast, not unet") as caught:
        fit(samples, other, tmp_path / "c", tmp_path / "model", "cpu", simulated=False)
    assert "start_from" in str(caught.value)

"""From a folder of samples to a model: one network after the other, each going on from its checkpoint."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from calcohort.digest import file_digest, text_digest
from calcohort.errors import InputError
from calcohort.networks.files import load_model
from calcohort.training.assemble import assemble
from calcohort.training.loop import train_model
from calcohort.training.samples import find_samples, read_about, read_samples
from calcohort.training.settings import TrainingSettings
from calcohort.training.stages import Past, read_past

TASKS = ("heart", "lesion")


def settings_of(task: str, training: Mapping) -> TrainingSettings:
    """Settings of one network from the config's block ``development.training``."""
    steps = training[f"{task}_steps"]
    often = max(1, min(500, steps // 4))
    plain = {
        "task": task,
        "network": training["network"],
        "seed": training["seed"],
        "steps": steps,
        "batch": training["batch_size"],
        "validate_every": often,
        "checkpoint_every": often,
    }
    return TrainingSettings.from_dict(plain | dict(training.get(task, {})))


def fit(
    samples_dir: str | Path,
    training: Mapping,
    checkpoints: str | Path,
    out_dir: str | Path,
    device: str = "auto",
    *,
    simulated: bool,
) -> None:
    """Train both networks on ``SAMPLES/TASK/{train,validation}`` and join them in `out_dir`.

    Parameters
    ----------
    samples_dir : path
    training : mapping
        network, seed, heart_steps, lesion_steps, batch_size; heart and lesion, other settings of each;
        start_from, folder of a model whose weights to start from (empty: random ones).
    checkpoints : path
        Kept until the training is done: a training that was cut off goes on from here.
    out_dir : path
        Gets the weights, the plan and the histories.
    device : {"auto", "cpu", "cuda"}
    simulated : bool
        Whether the samples are of simulated scans; the model says so for ever after, and so does every model
        that starts from it.

    Raises
    ------
    InputError
        If the model to start from is of another network.
    """
    start = training.get("start_from", "")
    # Other samples, settings or first weights make another training, with a checkpoint of its own.
    origin = [file_digest(path) for path in sorted(Path(start).glob("*.safetensors"))] if start else []
    named = text_digest(tree_content(samples_dir), repr(sorted(training.items())), *origin)
    checkpoints = Path(checkpoints) / named
    past = {task: _past(start, task, training["network"]) for task in TASKS}
    for task in TASKS:
        files = {part: find_samples(Path(samples_dir) / task / part) for part in ("train", "validation")}
        samples = read_samples([*files["train"], *files["validation"]], checkpoints / "mapped")
        held = np.isin(samples.about["patient"], read_about(files["validation"])[0]["patient"])
        train_model(
            samples,
            np.flatnonzero(~held),
            np.flatnonzero(held),
            settings_of(task, training),
            checkpoints / task,
            device,
            past[task],
        )
    if start:
        simulated = simulated or load_model(start).meta.get("simulated", True)
    assemble(*(checkpoints / task for task in TASKS), out_dir, meta={"simulated": simulated})
    shutil.rmtree(checkpoints)


def _past(start: str, task: str, name: str) -> Past:
    """What to start from."""
    if not start:
        return Past()
    past = read_past(start, task)
    if past.network.name != name:
        raise InputError(
            f"its {task} network is {past.network.name}, not {name}",
            where="development.training.start_from",
            cure="name a model of the same network",
        )
    return past


def tree_content(folder: str | Path) -> str:
    """Digest of the names and contents of all samples."""
    return text_digest(*(f"{path.name} {file_digest(path)}" for path in find_samples(folder)))

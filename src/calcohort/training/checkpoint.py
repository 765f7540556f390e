"""The state of a training on disk, so that it goes on bit-identically after a kill."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save

from calcohort.errors import InputError
from calcohort.networks.files import (
    CONFIG_FILE,
    Network,
    half_precision,
    load_model,
    load_weights,
    new_network,
)
from calcohort.networks.inputs import Inputs
from calcohort.tables import whole_file

CHECKPOINT = "checkpoint.pt"


class RunningMean:
    """Exponential running mean of a module's weights, which generalises better than the last step's."""

    def __init__(self, module: torch.nn.Module, decay: float):
        self.decay = decay
        self.values = {name: value.detach().clone() for name, value in module.state_dict().items()}

    def update(self, module: torch.nn.Module, step: int) -> None:
        """Take in the weights after a step; early on the mean forgets faster, to leave the start."""
        decay = min(self.decay, (1 + step) / (10 + step))
        state = module.state_dict()
        floats = [name for name, value in state.items() if value.is_floating_point()]
        torch._foreach_lerp_([self.values[n] for n in floats], [state[n] for n in floats], 1 - decay)
        for name in state.keys() - floats:
            self.values[name].copy_(state[name])


def save_checkpoint(folder: Path, state: dict) -> None:
    """Put a state in place of the one before, never half of it."""
    with whole_file(folder / CHECKPOINT) as path:
        torch.save(state, path)


def load_checkpoint(folder: Path, settings: dict) -> dict | None:
    """State of an interrupted training with the same settings; None where there is none.

    Raises
    ------
    InputError
        If the folder holds a training with other settings.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state["settings"] != json.dumps(settings, sort_keys=True):
        raise InputError(
            "the folder holds a training with other settings",
            where=str(folder),
            cure="train into another folder or delete this one",
        )
    return state


def save_network(folder: str | Path, network: Network) -> None:
    """Write one network as TASK.safetensors (float16) and TASK.json."""
    folder = Path(folder)
    with whole_file(folder / f"{network.task}.safetensors") as path:
        path.write_bytes(save(half_precision(network.module)))
    with whole_file(folder / f"{network.task}.json") as path:
        path.write_text(json.dumps(network.recipe(), indent=1, sort_keys=True) + "\n")


def load_network(folder: str | Path, task: str) -> Network:
    """Read what :func:`save_network` wrote, or one network of a model."""
    folder = Path(folder)
    if (folder / CONFIG_FILE).exists():
        return getattr(load_model(folder), task)
    if not (folder / f"{task}.json").exists():
        raise InputError(f"no trained {task} network", where=str(folder), cure="train it first")
    recipe = json.loads((folder / f"{task}.json").read_text())
    network = new_network(recipe["network"], task, Inputs.from_dict(recipe["inputs"]), recipe["config"])
    load_weights(network.module, load_file(folder / f"{task}.safetensors"))
    network.module.eval()
    return network

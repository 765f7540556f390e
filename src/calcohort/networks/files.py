"""A trained model in a folder: half-precision weights and all else that inference needs."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save
from torch import nn

from calcohort.errors import InputError
from calcohort.networks import build
from calcohort.networks.inputs import Inputs
from calcohort.tables import whole_file

CONFIG_FILE = "config.json"


@dataclass(frozen=True)
class Network:
    """A network with the recipe it was built from.

    Attributes
    ----------
    name, task : str
        See :func:`calcohort.networks.build`.
    config : dict
        Arguments of its class.
    inputs : Inputs
        What it sees.
    module : Module
        The network, with weights.
    """

    name: str
    task: str
    config: dict
    inputs: Inputs
    module: nn.Module

    def recipe(self) -> dict:
        """Plain form without the weights."""
        return {"network": self.name, "config": self.config, "inputs": self.inputs.to_dict()}


@dataclass(frozen=True)
class Model:
    """Both networks of the study, the rules that follow them and what is known about them (`meta`)."""

    heart: Network
    lesion: Network
    rules: dict = field(default_factory=dict)
    meta: dict = field(default_factory=dict)


def new_network(name: str, task: str, inputs: Inputs, config: dict | None = None) -> Network:
    """Network with random weights (from torch's generator)."""
    config = dict(config or {})
    module = build(name, task, channels=inputs.channels, **config)
    return Network(name, task, config, inputs, module)


def save_model(folder: str | Path, heart: Network, lesion: Network, rules: dict, meta: dict) -> None:
    """Write `heart.safetensors`, `lesion.safetensors` (float16) and `config.json` into `folder`."""
    folder = Path(folder)
    for network in (heart, lesion):
        with whole_file(folder / f"{network.task}.safetensors") as path:
            path.write_bytes(save(half_precision(network.module)))
    plain = {"heart": heart.recipe(), "lesion": lesion.recipe(), "rules": rules, "meta": meta}
    with whole_file(folder / CONFIG_FILE) as path:
        path.write_text(json.dumps(plain, indent=1, sort_keys=True) + "\n")


def load_model(folder: str | Path) -> Model:
    """Read what :func:`save_model` wrote; weights come back as float32, networks in evaluation mode.

    Raises
    ------
    InputError
        If a file of the model is missing or does not fit the others.
    """
    folder = Path(folder)
    try:
        plain = json.loads((folder / CONFIG_FILE).read_text())
        networks = {task: _read(folder, task, plain[task]) for task in ("heart", "lesion")}
    except FileNotFoundError as error:
        raise InputError(
            f"the model has no {Path(error.filename).name}", where=str(folder), cure="run `snakemake train`"
        ) from error
    except (ValueError, KeyError, RuntimeError) as error:
        raise InputError(
            "the model cannot be read", where=str(folder), cure="copy it anew or train it again"
        ) from error
    return Model(networks["heart"], networks["lesion"], plain["rules"], plain["meta"])


def half_precision(module: nn.Module) -> dict[str, torch.Tensor]:
    """Weights on the CPU, floating point ones as float16, without the counters that only training needs."""
    return {
        name: (value.half() if value.is_floating_point() else value).detach().cpu().contiguous()
        for name, value in module.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }


def load_weights(module: nn.Module, weights: dict[str, torch.Tensor]) -> None:
    """Put weights of :func:`half_precision` into a module, in the module's own precision."""
    missing, unexpected = module.load_state_dict(weights, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise ValueError(f"weights do not fit: {', '.join([*missing, *unexpected])}")


def _read(folder: Path, task: str, recipe: dict) -> Network:
    network = new_network(recipe["network"], task, Inputs.from_dict(recipe["inputs"]), recipe["config"])
    load_weights(network.module, load_file(folder / f"{task}.safetensors"))
    network.module.eval()
    return network

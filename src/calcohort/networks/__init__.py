"""Networks by name, each for two tasks: finding the heart, telling calcium from calcium."""

from torch import nn

from calcohort.errors import InputError
from calcohort.networks.clstm_fast import ClstmFast
from calcohort.networks.clstm_paper import ClstmPaper
from calcohort.networks.unet import Unet

NAMES = ("clstm-fast", "clstm-paper", "unet")
CLASSES = {"heart": ("background", "heart"), "lesion": ("background", "coronary", "other")}


def build(name: str, task: str, **config) -> nn.Module:
    """New network of a kind for a task, with random weights.

    Parameters
    ----------
    name : {"clstm-fast", "clstm-paper", "unet"}
    task : {"heart", "lesion"}
    **config
        What the network's class takes, `channels` (of the input) among it.

    Returns
    -------
    Module
        Maps (stacks, slices, channels, y, x) to logits (stacks, slices, classes, y, x).

    Raises
    ------
    InputError
        For an unknown name or task.
    """
    if name not in NAMES:
        raise InputError(f"unknown network {name!r}", cure=f"use one of {', '.join(NAMES)}")
    if task not in CLASSES:
        raise InputError(f"unknown task {task!r}", cure=f"use one of {', '.join(CLASSES)}")
    classes = len(CLASSES[task])
    if name == "clstm-paper":
        return ClstmPaper(classes, **({"fusion": "sum" if task == "heart" else "max"} | config))
    if name == "unet":
        return Unet(classes, **config)
    return ClstmFast(classes, **config)

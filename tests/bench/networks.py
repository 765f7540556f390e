"""The networks side by side: seconds of a heart crop, and the memory of a training step.

Neither depends on what the weights have learned, so that these are random.
"""

from collections.abc import Iterator

import torch

from calcohort.networks.blocks import fuse_batch_norms
from calcohort.networks.files import new_network
from calcohort.networks.inputs import default_inputs
from tests.bench.measure import Options, Row, in_process, in_turn

NAMES = ("clstm-fast", "unet", "clstm-paper")
SLICES, PIXELS = 50, 192
# Stacks and slices of the training step whose memory is measured.
STACKS, TRAINED_SLICES = 1, 12
_TRAIN = """
import torch
from calcohort.networks.files import new_network
from calcohort.networks.inputs import default_inputs
def work(name, stacks, slices, pixels):
    network = new_network(name, "lesion", default_inputs(name, "lesion"))
    network.module.train()
    image = torch.zeros(stacks, slices, network.inputs.channels, pixels, pixels)
    network.module(image).square().mean().backward()
"""


def inference(options: Options) -> Iterator[Row]:
    """The lesion network on one crop, in turn."""
    calls = {}
    for name in NAMES:
        network = new_network(name, "lesion", default_inputs(name, "lesion"))
        module = fuse_batch_norms(network.module.eval()).to(memory_format=torch.channels_last)
        image = torch.zeros(1, SLICES, network.inputs.channels, PIXELS, PIXELS)
        calls[name] = _forward(module, image)
    times = in_turn(calls, options.repeats)
    for name, value in times.items():
        yield Row(f"{name}, crop of {SLICES} x {PIXELS} x {PIXELS}", value, "s", options.repeats)
    for name in NAMES[1:]:
        yield Row(f"{NAMES[0]} beside {name}", times[NAMES[0]] / times[name], "ratio", options.repeats)


def training(options: Options) -> Iterator[Row]:
    """Peak memory of a process that makes one training step."""
    for name in NAMES:
        _, peak, _ = in_process(_TRAIN, name, STACKS, TRAINED_SLICES, PIXELS)
        yield Row(f"{name}, a training step of {TRAINED_SLICES} slices", peak, "MiB")


def _forward(module, image):
    def run():
        with torch.inference_mode():
            module(image)

    return run


MEASUREMENTS = [inference, training]

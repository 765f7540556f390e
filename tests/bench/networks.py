"""The networks side by side: seconds of a heart crop and of a scan, and the memory of a training step.

None depends on what the weights have learned, so that those of the networks by themselves are random.
"""

from collections.abc import Iterator

import torch

from calcohort.networks.blocks import fuse_batch_norms
from calcohort.networks.files import new_network
from calcohort.networks.inputs import default_inputs
from calcohort.networks.precision import autocast
from calcohort.segmentation import Segmenter
from tests.bench.measure import Options, Row, in_process, in_turn
from tests.bench.series import ctac

NAMES = ("clstm-fast", "unet", "clstm-paper")
SLICES, PIXELS = 50, 192
WHOLE_PIXELS = 512
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
    times = in_turn({name: _forward(name, "lesion", SLICES, PIXELS) for name in NAMES}, options.repeats)
    for name, value in times.items():
        yield Row(f"{name}, crop of {SLICES} x {PIXELS} x {PIXELS}", value, "s", options.repeats)
    for name in NAMES[1:]:
        yield Row(f"{NAMES[0]} beside {name}", times[NAMES[0]] / times[name], "ratio", options.repeats)


def whole_scan(options: Options) -> list[Row]:
    """`clstm-fast` from a scan to its labels beside a U-Net on every slice as it is.

    So the methods paper (SPIE 2022) compares its network with a U-Net: once for the heart and once for
    its calcium, neither on a crop nor on coarser pixels.
    """
    volume = ctac()
    segmenter = Segmenter.load("models/clstm-fast", "cpu")
    passes = [_forward("unet", task, 1, WHOLE_PIXELS) for task in ("heart", "lesion")]

    def unet():
        for _ in volume.hu:
            for call in passes:
                call()

    times = in_turn({"clstm-fast": lambda: segmenter(volume), "unet": unet}, options.repeats)
    size = " x ".join(map(str, volume.shape_zyx))
    return [
        Row(f"clstm-fast, scan of {size} to labels", times["clstm-fast"], "s", options.repeats),
        Row(f"unet on every slice of {size}, heart and lesions", times["unet"], "s", options.repeats),
        Row("clstm-fast beside that unet", times["clstm-fast"] / times["unet"], "ratio", options.repeats),
    ]


def training(options: Options) -> Iterator[Row]:
    """Peak memory of a process that makes one training step."""
    for name in NAMES:
        _, peak, _ = in_process(_TRAIN, name, STACKS, TRAINED_SLICES, PIXELS)
        yield Row(f"{name}, a training step of {TRAINED_SLICES} slices", peak, "MiB")


def _forward(name: str, task: str, slices: int, pixels: int):
    network = new_network(name, task, default_inputs(name, task))
    module = fuse_batch_norms(network.module.eval()).to(memory_format=torch.channels_last)
    image = torch.zeros(1, slices, network.inputs.channels, pixels, pixels)

    def run():
        with torch.inference_mode(), autocast(image.device):
            module(image)

    return run


MEASUREMENTS = [inference, whole_scan, training]

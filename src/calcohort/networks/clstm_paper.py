"""`clstm-paper`: the network as published, built from its public descriptions."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calcohort.networks.blocks import ConvLSTM, Head

GROWTH, BOTTLENECK = 32, 128


class DenseLayer(nn.Module):
    """One layer of a DenseNet (Huang et al., CVPR 2017): 1x1 bottleneck, 3x3, appended to its input."""

    def __init__(self, inputs: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(inputs, BOTTLENECK, 1, bias=False),
            nn.BatchNorm2d(BOTTLENECK),
            nn.ReLU(inplace=True),
            nn.Conv2d(BOTTLENECK, GROWTH, 3, padding=1, bias=False),
        )

    def forward(self, features: Tensor) -> Tensor:
        """(n, inputs + 32, y, x)."""
        return torch.cat((features, self.layers(features)), dim=1)


def densenet_trunk(channels: int) -> nn.Sequential:
    """DenseNet-121 up to the end of its second dense block: 512 channels at an eighth of the resolution."""
    first = [DenseLayer(64 + GROWTH * index) for index in range(6)]
    second = [DenseLayer(128 + GROWTH * index) for index in range(12)]
    return nn.Sequential(
        nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2, padding=1),
        *first,
        nn.BatchNorm2d(256),
        nn.ReLU(inplace=True),
        nn.Conv2d(256, 128, 1, bias=False),
        nn.AvgPool2d(2),
        *second,
    )


class ClstmPaper(nn.Module):
    """Sequence branch over three slices, DenseNet trunk on the middle one, weighed by attention.

    Parameters
    ----------
    classes, channels : int
        Number of classes and of input channels.
    fusion : {"sum", "max"}
        How the weighted branches join: by sum for the heart, by elementwise maximum for lesions.
    hidden : int
        Channels of the two ConvLSTM layers.
    """

    def __init__(self, classes: int, channels: int, fusion: str = "max", hidden: int = 3):
        super().__init__()
        self.fusion = fusion
        self.sequence = nn.ModuleList(
            (
                ConvLSTM(channels, hidden, bidirectional=False),
                ConvLSTM(hidden, hidden, bidirectional=False),
            )
        )
        self.trunk = densenet_trunk(channels)
        self.main = Head(512, 512, classes)
        self.sub = Head(hidden, 32, classes)
        self.weight = Head(hidden, 32, classes)

    def forward(self, stacks: Tensor) -> Tensor:
        """Logits (stacks, slices, classes, y, x) of (stacks, slices, channels, y, x); y, x multiples of 8."""
        count, slices = stacks.shape[:2]
        padded = torch.cat((stacks[:, :1], stacks, stacks[:, -1:]), dim=1)
        # The published order: the slice above, the slice itself, the slice below.
        triples = torch.stack((padded[:, 2:], stacks, padded[:, :-2]), dim=2).flatten(0, 1)
        states = triples.flatten(0, 1)
        for layer in self.sequence:
            states = layer(states, count * slices)
        last = states.unflatten(0, (count * slices, 3))[:, -1]
        middle = stacks.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        main = F.interpolate(
            self.main(self.trunk(middle)), size=middle.shape[-2:], mode="bilinear", align_corners=False
        )
        weight = torch.sigmoid(self.weight(last))
        main, sub = weight * main, (1 - weight) * self.sub(last)
        logits = main + sub if self.fusion == "sum" else torch.maximum(main, sub)
        return logits.unflatten(0, (count, slices))

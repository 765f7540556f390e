"""Building blocks shared by the networks; every one maps (slices, channels, y, x) to the same layout."""

import torch
from torch import Tensor, nn


def conv(inputs: int, outputs: int, kernel: int = 3, *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Convolution that keeps the size (or divides it by `stride`), followed by batch normalisation."""
    padding = dilation * (kernel // 2)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=False), nn.BatchNorm2d(outputs)
    )


class Residual(nn.Module):
    """Two 3x3 convolutions beside the identity (He et al., CVPR 2016)."""

    def __init__(self, channels: int, dilation: int = 1):
        super().__init__()
        self.first = conv(channels, channels, dilation=dilation)
        self.second = conv(channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        """Features of the same shape (n, channels, y, x)."""
        inner = torch.relu(self.first(features))
        return torch.relu(features + self.second(inner))


class ConvLSTM(nn.Module):
    """ConvLSTM along a stack of slices (Shi et al., NeurIPS 2015), in one direction or both.

    The part of the gates that depends on the input is computed for all slices at once; what remains step by
    step is one small convolution, and both directions share it as two groups.
    """

    def __init__(self, inputs: int, hidden: int, *, bidirectional: bool = True):
        super().__init__()
        self.hidden, self.directions = hidden, 2 if bidirectional else 1
        gates = 4 * hidden * self.directions
        self.of_input = nn.Conv2d(inputs, gates, 3, padding=1)
        self.of_state = nn.Conv2d(
            hidden * self.directions, gates, 3, padding=1, groups=self.directions, bias=False
        )

    def forward(self, features: Tensor, stacks: int) -> Tensor:
        """Map (stacks * slices, inputs, y, x) to (stacks * slices, hidden * directions, y, x)."""
        gates = self.of_input(features)
        height, width = gates.shape[-2:]
        gates = gates.view(stacks, -1, self.directions, 4 * self.hidden, height, width)
        if self.directions == 2:
            gates = torch.stack((gates[:, :, 0], gates[:, :, 1].flip(1)), dim=2)
        hidden = gates.new_zeros((stacks, self.directions, self.hidden, height, width))
        cell = torch.zeros_like(hidden, dtype=torch.float32)
        states = []
        for step in range(gates.shape[1]):
            recurrent = self.of_state(hidden.flatten(1, 2)) if step else 0.0
            now = gates[:, step].flatten(1, 2) + recurrent
            now = now.view(stacks, self.directions, 4, self.hidden, height, width)
            keep, write, out = torch.sigmoid(now[:, :, :3]).unbind(2)
            cell = keep * cell + write * torch.tanh(now[:, :, 3])
            hidden = (out * torch.tanh(cell)).to(gates.dtype)
            states.append(hidden)
        run = torch.stack(states, dim=1)
        if self.directions == 2:
            run = torch.stack((run[:, :, 0], run[:, :, 1].flip(1)), dim=2)
        return run.flatten(2, 3).flatten(0, 1)


class Head(nn.Module):
    """Two of [3x3 convolution, batch norm, leaky ReLU 0.2], then 1x1 without bias; Xavier-normal weights."""

    def __init__(self, inputs: int, width: int, outputs: int):
        super().__init__()
        self.layers = nn.Sequential(
            conv(inputs, width),
            nn.LeakyReLU(0.2),
            conv(width, width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, outputs, 1, bias=False),
        )
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.xavier_normal_(layer.weight)

    def forward(self, features: Tensor) -> Tensor:
        """Logits (n, outputs, y, x)."""
        return self.layers(features)


def fuse_batch_norms(module: nn.Module) -> nn.Module:
    """Fold every batch normalisation that :func:`conv` made into its convolution; for inference only."""
    for name, child in module.named_children():
        if isinstance(child, nn.Sequential) and len(child) == 2 and isinstance(child[1], nn.BatchNorm2d):
            setattr(module, name, nn.utils.fuse_conv_bn_eval(child[0].eval(), child[1].eval()))
        else:
            fuse_batch_norms(child)
    return module

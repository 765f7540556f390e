"""`clstm-fast`: a 2D trunk on every slice, a ConvLSTM along the stack, two scales fused by attention.

After the ConvLSTM network of Pieszko et al. (the sequence gives context, the trunk gives detail, attention
weighs them), laid out so that 50 slices take well under a second on two CPU cores: a space-to-depth stem
halves the resolution before the first convolution, the ConvLSTM runs at an eighth of it and sees the whole
stack.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calcohort.networks.blocks import ConvLSTM, Residual, conv


class ClstmFast(nn.Module):
    """Classes of every pixel of a stack of slices.

    Parameters
    ----------
    classes, channels : int
        Number of classes and of input channels.
    width : int
        Channels at half resolution; a quarter has twice, an eighth four times as many.
    hidden : int
        Channels of the ConvLSTM, each direction.
    context, attention : bool
        Whether the ConvLSTM and the fusion of two scales are there (the ablations leave them out).
    """

    def __init__(
        self,
        classes: int,
        channels: int,
        width: int = 24,
        hidden: int = 24,
        context: bool = True,
        attention: bool = True,
    ):
        super().__init__()
        half, quarter, eighth = width, 2 * width, 4 * width
        self.classes, self.attention = classes, attention
        self.stem = conv(4 * channels, half)
        self.fine = Residual(half)
        self.down_quarter = conv(half, quarter, stride=2)
        self.middle = nn.Sequential(Residual(quarter), Residual(quarter, dilation=2))
        self.down_eighth = conv(quarter, eighth, stride=2)
        self.coarse = nn.Sequential(*(Residual(eighth, dilation=step) for step in (1, 2, 4)))
        self.context = ConvLSTM(quarter, hidden) if context else None
        if context:
            self.narrow = conv(eighth, quarter, 1)
            self.widen = conv(2 * hidden, eighth, 1)
        self.up_quarter = conv(eighth, quarter, 1)
        self.merge_quarter = Residual(quarter)
        self.low = nn.Conv2d(quarter, classes + 1, 1)
        self.up_half = conv(quarter, half, 1)
        self.merge_half = Residual(half)
        self.high = nn.Conv2d(half, 4 * classes, 1)

    def forward(self, stacks: Tensor) -> Tensor:
        """Logits (stacks, slices, classes, y, x) of (stacks, slices, channels, y, x); y, x multiples of 8."""
        count, slices = stacks.shape[:2]
        pixels = F.pixel_unshuffle(stacks.flatten(0, 1), 2).contiguous(memory_format=torch.channels_last)
        half = self.fine(torch.relu(self.stem(pixels)))
        quarter = self.middle(torch.relu(self.down_quarter(half)))
        eighth = self.coarse(torch.relu(self.down_eighth(quarter)))
        if self.context is not None:
            sequence = self.context(torch.relu(self.narrow(eighth)), count)
            eighth = torch.relu(eighth + self.widen(sequence))
        quarter = self.merge_quarter(torch.relu(quarter + _double(self.up_quarter(eighth))))
        half = self.merge_half(torch.relu(half + _double(self.up_half(quarter))))
        logits = F.pixel_shuffle(self.high(half), 2)
        if self.attention:
            low = F.interpolate(self.low(quarter), scale_factor=4, mode="bilinear", align_corners=False)
            weight = torch.sigmoid(low[:, self.classes :])
            logits = weight * low[:, : self.classes] + (1 - weight) * logits
        return logits.unflatten(0, (count, slices))


def _double(features: Tensor) -> Tensor:
    return F.interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)

"""`unet`: the reference model, a residual 2D U-Net of MONAI with about as many weights as `clstm-fast`."""

from torch import Tensor, nn


class Unet(nn.Module):
    """Classes of every pixel of each slice by itself (Ronneberger et al., MICCAI 2015; Kerfoot et al., 2019).

    Parameters
    ----------
    classes, channels : int
        Number of classes and of input channels.
    width : int
        Channels at full resolution; each of the three halvings doubles them.
    """

    def __init__(self, classes: int, channels: int, width: int = 24):
        super().__init__()
        # Imported here: MONAI takes seconds to load, and only this network needs it.
        from monai.networks.nets import UNet

        self.net = UNet(
            spatial_dims=2,
            in_channels=channels,
            out_channels=classes,
            channels=tuple(width * 2**level for level in range(4)),
            strides=(2, 2, 2),
            num_res_units=2,
            norm="batch",
        )

    def forward(self, stacks: Tensor) -> Tensor:
        """Logits (stacks, slices, classes, y, x) of (stacks, slices, channels, y, x); y, x multiples of 8."""
        count, slices = stacks.shape[:2]
        return self.net(stacks.flatten(0, 1)).unflatten(0, (count, slices))

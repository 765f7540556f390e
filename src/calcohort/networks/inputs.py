"""From Hounsfield units to what a network sees; the same code in training and in use."""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor

# Distances to the heart's surface matter up to here (mm); further away is just far.
DISTANCE_MM = 20.0


@dataclass(frozen=True)
class Inputs:
    """How a stack becomes channels.

    Attributes
    ----------
    pixel_mm : float
        In-plane size of the network's pixels.
    windows : tuple of (low, high)
        HU windows, one channel each, mapped to 0-1; air is 0, so that what lies outside the image looks like
        air.
    distance : bool
        Whether a further channel gives the distance to the heart's surface.
    """

    pixel_mm: float
    windows: tuple[tuple[float, float], ...]
    distance: bool = False

    @property
    def channels(self) -> int:
        """Number of input channels."""
        return len(self.windows) + self.distance

    def to_dict(self) -> dict:
        """Plain form for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict) -> "Inputs":
        """Inverse of :meth:`to_dict`, lists taken for tuples."""
        return cls(plain["pixel_mm"], tuple(tuple(w) for w in plain["windows"]), plain["distance"])

    def __call__(self, hu: Tensor, distance_mm: Tensor | None = None) -> Tensor:
        """Channels (..., channels, y, x) of float HU (..., y, x) and of signed distances (mm, inside
        positive)."""
        parts = [((hu - low) / (high - low)).clamp(0, 1) for low, high in self.windows]
        if self.distance:
            parts.append((distance_mm / (2 * DISTANCE_MM) + 0.5).clamp(0, 1))
        return torch.stack(parts, dim=-3)


def default_inputs(name: str, task: str) -> Inputs:
    """Inputs of a network as shipped: the published one takes one channel, the fast one two windows."""
    soft, wide = (-150.0, 350.0), (-1000.0, 1500.0)
    pixel_mm = 4.0 if task == "heart" else 0.9
    if name == "clstm-paper":
        return Inputs(pixel_mm, ((-1000.0, 1000.0),))
    return Inputs(pixel_mm, (soft, wide), distance=task == "lesion")

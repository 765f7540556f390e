"""Batches of neighbouring slices, drawn from samples that lie on the device that trains."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from calcohort.segmentation.grids import AIR
from calcohort.segmentation.vote import HEART
from calcohort.training.augment import augment
from calcohort.training.samples import Samples
from calcohort.training.settings import TrainingSettings


@dataclass(frozen=True)
class Batch:
    """Stacks of slices; every tensor is (stacks, slices, y, x)."""

    hu: Tensor
    labels: Tensor
    distance_mm: Tensor
    valid: Tensor


class Pool:
    """Samples on a device, from which batch number n of a training is always the same.

    Parameters
    ----------
    samples : Samples
    members : ndarray of int
        Which of the samples to draw from.
    settings : TrainingSettings
    device : torch device
        Samples stay in the host's memory when the device has too little.
    """

    def __init__(
        self, samples: Samples, members: np.ndarray, settings: TrainingSettings, device: torch.device
    ):
        self.samples, self.members, self.settings, self.device = samples, members, settings, device
        self.pixel_mm = float(samples.about[["spacing_y_mm", "spacing_x_mm"]].to_numpy().mean())
        arrays = (samples.hu, samples.labels, samples.distance)
        home = device if _fits(arrays, device) else torch.device("cpu")
        self.hu, self.labels, self.distance = (torch.from_numpy(array).to(home) for array in arrays)
        self.rich = _rich_slices(samples) if settings.task == "lesion" else None

    def batch(self, step: int) -> Batch:
        """The batch of a step, augmented."""
        settings = self.settings
        rng = np.random.default_rng(np.random.SeedSequence([settings.seed, 1, step]))
        chosen = self.members[self._order(step)]
        slices = np.stack([self._window(sample, rng) for sample in chosen])
        hu, labels, distance, valid = self.gather(slices)
        noise = torch.Generator(self.device).manual_seed(int(rng.integers(2**62)))
        hu, labels, distance = augment(hu, labels, distance, self.pixel_mm, settings.augmentation, rng, noise)
        if settings.window:
            hu, labels, distance = cut_window(hu, labels, distance, side=settings.window, rng=rng)
        hu, labels, distance = coarsen(hu, labels, distance, settings.coarsen)
        return Batch(hu, labels, distance, valid[:, :, None, None].expand(hu.shape))

    def gather(self, slices: np.ndarray) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """HU, labels, distances and presence for slice numbers (stacks, slices); -1 is no slice."""
        flat = torch.from_numpy(np.maximum(slices, 0).ravel()).to(self.hu.device)
        valid = torch.from_numpy(slices >= 0).to(self.device)
        hu, labels, distance = (
            array.index_select(0, flat).to(self.device, torch.float32).unflatten(0, slices.shape)
            for array in (self.hu, self.labels, self.distance)
        )
        distance = F.interpolate(distance, hu.shape[-2:], mode="bilinear", align_corners=False)
        there = valid[:, :, None, None]
        return torch.where(there, hu, float(AIR)), labels * there, distance, valid.float()

    def _order(self, step: int) -> np.ndarray:
        """Positions of the members in a step's batch: each once, then each once more in another order."""
        size, count = self.settings.batch, len(self.members)
        first = step * size
        positions = []
        for turn in range(first // count, (first + size - 1) // count + 1):
            order = np.random.default_rng(np.random.SeedSequence([self.settings.seed, 0, turn])).permutation(
                count
            )
            positions.append(order[max(first - turn * count, 0) : max(first + size - turn * count, 0)])
        return np.concatenate(positions)

    def _window(self, sample: int, rng: np.random.Generator) -> np.ndarray:
        """Slice numbers of a training stack from a sample."""
        settings = self.settings
        start, stop = self.samples.starts[sample : sample + 2]
        wanted, there = settings.slices, stop - start
        drop = rng.random() < settings.augmentation.drop
        reach = min(there, round(wanted * rng.uniform(1.1, 2.0))) if drop else min(there, wanted)
        first = int(rng.integers(start, stop - reach + 1))
        if self.rich is not None and rng.random() < settings.rich:
            own = self.rich[np.searchsorted(self.rich, start) : np.searchsorted(self.rich, stop)]
            if len(own):
                middle = int(rng.choice(own))
                first = int(np.clip(middle - rng.integers(0, reach), start, stop - reach))
        window = np.arange(first, first + reach)
        if reach > wanted:
            window = np.sort(rng.choice(window, wanted, replace=False))
        return np.concatenate([window, np.full(wanted - len(window), -1)])


def cut_window(*stacks: Tensor, side: int, rng: np.random.Generator) -> tuple[Tensor, ...]:
    """The same square of `side` pixels, drawn anew for each stack, out of tensors (stacks, slices, y, x)."""
    count, _, height, width = stacks[0].shape
    top, left = (rng.integers(0, max(0, size - side) + 1, count) for size in (height, width))
    windows = [(slice(None), slice(y, y + side), slice(x, x + side)) for y, x in zip(top, left, strict=True)]
    return tuple(
        torch.stack([part[window] for part, window in zip(whole, windows, strict=True)]) for whole in stacks
    )


def coarsen(hu: Tensor, labels: Tensor, distance_mm: Tensor, factor: int) -> tuple[Tensor, Tensor, Tensor]:
    """Stacks on pixels `factor` times as large; a pixel that holds calcium is calcium."""
    if factor == 1:
        return hu, labels, distance_mm
    # Heart is the rule and calcium the exception, so that calcium comes first.
    is_heart = labels == HEART
    calcium = F.max_pool2d(torch.where(is_heart, 0.0, labels), factor)
    heart = F.avg_pool2d(is_heart.float(), factor) >= 0.5
    labels = torch.where(calcium > 0, calcium, heart * float(HEART))
    return F.avg_pool2d(hu, factor), labels, F.avg_pool2d(distance_mm, factor)


def _rich_slices(samples: Samples) -> np.ndarray:
    """Numbers of the slices that hold calcium."""
    return np.flatnonzero([bool(np.any((part > 0) & (part != HEART))) for part in samples.labels])


def _fits(arrays, device: torch.device) -> bool:
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    # Half of the memory is left to the training itself.
    return sum(array.nbytes for array in arrays) < 0.5 * free

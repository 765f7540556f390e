"""Random variation of whole batches on the device that trains; hearts stay on their side."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from calcohort.segmentation.grids import AIR
from calcohort.training.settings import Augmentation

WATER_TO_CALCIUM_HU = 100.0


def augment(hu, labels, distance_mm, pixel_mm: float, kinds: Augmentation, rng: np.random.Generator, noise):
    """Vary a batch.

    Parameters
    ----------
    hu, labels, distance_mm : Tensor, float (stacks, slices, y, x)
    pixel_mm : float
        In-plane size of a cell.
    kinds : Augmentation
    rng : numpy Generator
        Draws what holds for a whole stack.
    noise : torch Generator
        On the tensors' device; draws what differs by voxel.

    Returns
    -------
    hu, labels, distance_mm : Tensor
        Same shapes; labels still are whole numbers.
    """
    if kinds.thick:
        hu = thicken(hu, kinds.thick, rng)
    hu, labels, distance_mm = move(hu, labels, distance_mm, pixel_mm, kinds, rng)
    if kinds.kernel:
        hu = change_kernel(hu, kinds.kernel, rng)
    hu = change_tissue(hu, kinds, rng, noise)
    if kinds.noise_hu:
        hu = add_noise(hu, kinds.noise_hu, rng, noise)
    if kinds.field_of_view:
        hu = cut_field(hu, kinds.field_of_view, rng)
    if kinds.surface_mm:
        distance_mm = blur_surface(distance_mm, kinds.surface_mm, rng, noise)
    return hu, labels, distance_mm


def thicken(hu: Tensor, share: float, rng: np.random.Generator) -> Tensor:
    """Average each slice with its neighbours in a share of the stacks."""
    amount = rng.uniform(0, 2 / 3, len(hu)) * (rng.random(len(hu)) < share)
    amount = _per_stack(amount, hu)
    below = torch.cat((hu[:, :1], hu[:, :-1]), dim=1)
    above = torch.cat((hu[:, 1:], hu[:, -1:]), dim=1)
    return (1 - amount) * hu + amount / 2 * (below + above)


def move(hu, labels, distance_mm, pixel_mm: float, kinds: Augmentation, rng: np.random.Generator):
    """Rotate, scale and shift each stack in its plane."""
    count = len(hu)
    angle = np.deg2rad(rng.uniform(-kinds.rotation_deg, kinds.rotation_deg, count))
    size = np.exp(
        rng.uniform(-kinds.scale, kinds.scale, (count, 1, 1)) if kinds.scale else np.zeros((count, 1, 1))
    )
    half_mm = 0.5 * pixel_mm * hu.shape[-1]
    shift = rng.uniform(-kinds.shift_mm, kinds.shift_mm, (count, 2, 1)) / half_mm
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1).reshape(
        count, 2, 2
    )
    if not (np.any(angle) or np.any(shift) or np.any(size != 1)):
        return hu, labels, distance_mm
    matrix = torch.from_numpy(np.concatenate([turn * size, shift], axis=2)).to(hu)
    grid = F.affine_grid(matrix, (count, 1, *hu.shape[-2:]), align_corners=False)
    hu = F.grid_sample(hu - AIR, grid, align_corners=False) + AIR
    labels = F.grid_sample(labels, grid, mode="nearest", align_corners=False)
    distance_mm = F.grid_sample(distance_mm, grid, padding_mode="border", align_corners=False)
    return hu, labels, distance_mm


def change_kernel(hu: Tensor, strength: float, rng: np.random.Generator) -> Tensor:
    """Blur or sharpen each stack in its plane, as another reconstruction kernel would."""
    amount = rng.uniform(-strength, strength / 2, len(hu)) * (rng.random(len(hu)) < 0.6)
    return hu + _per_stack(amount, hu) * (hu - smooth(hu))


def change_tissue(hu: Tensor, kinds: Augmentation, rng: np.random.Generator, noise) -> Tensor:
    """Shift and scale HU, brighten or darken calcium, let tissues vary smoothly in place."""
    count = len(hu)
    scale = _per_stack(1 + rng.uniform(-kinds.intensity, kinds.intensity, count), hu)
    offset = _per_stack(rng.uniform(-kinds.offset_hu, kinds.offset_hu, count), hu)
    dense = _per_stack(rng.uniform(-kinds.kilovolt, kinds.kilovolt, count), hu)
    hu = torch.where(hu > 0, hu * scale, hu) + offset * (hu > AIR / 2)
    hu = hu + dense * (hu - WATER_TO_CALCIUM_HU).clamp(min=0)
    if kinds.texture_hu:
        amplitude = _per_stack(rng.uniform(0, kinds.texture_hu, count), hu)
        coarse = torch.randn((count, 1, max(2, hu.shape[1] // 4), 6, 6), generator=noise, device=hu.device)
        field = F.interpolate(coarse, hu.shape[1:], mode="trilinear", align_corners=True)[:, 0]
        hu = hu + amplitude * field * (hu > AIR / 2)
    return hu


def add_noise(hu: Tensor, greatest_hu: float, rng: np.random.Generator, noise) -> Tensor:
    """Noise of a lower dose, grainy or smooth, in half of the stacks."""
    count = len(hu)
    sigma = rng.uniform(0, greatest_hu, count) * (rng.random(count) < 0.5)
    grain = rng.uniform(0, 1, count)
    white = torch.randn(hu.shape, generator=noise, device=hu.device)
    # The binomial filter leaves 3/8 of white noise's standard deviation.
    mixed = _per_stack(1 - grain, hu) * white + _per_stack(grain / 0.375, hu) * smooth(white)
    # White noise and its smoothed self correlate by 2/3.
    spread = np.sqrt((1 - grain) ** 2 + grain**2 + 2 * grain * (1 - grain) * 2 / 3)
    return hu + _per_stack(sigma / spread, hu) * mixed


def cut_field(hu: Tensor, share: float, rng: np.random.Generator) -> Tensor:
    """Blacken what lies outside a smaller round or square field of view in a share of the stacks."""
    count, side = len(hu), hu.shape[-1]
    chosen = rng.random(count) < share
    axis = torch.linspace(-1, 1, side, device=hu.device)
    radius = np.where(chosen, rng.uniform(0.55, 1.0, count), math.inf)
    centre = rng.uniform(-0.15, 0.15, (2, count))
    dy = (axis[None, :, None] - torch.from_numpy(centre[0]).to(hu)[:, None, None]).abs()
    dx = (axis[None, None, :] - torch.from_numpy(centre[1]).to(hu)[:, None, None]).abs()
    square = torch.from_numpy(rng.random(count) < 0.5).to(hu.device)[:, None, None]
    reach = torch.where(square, torch.maximum(dy, dx), torch.hypot(dy, dx))
    outside = reach > torch.from_numpy(radius).to(hu)[:, None, None]
    return torch.where(outside[:, None], float(AIR), hu)


def blur_surface(distance_mm: Tensor, greatest_mm: float, rng: np.random.Generator, noise) -> Tensor:
    """Let the heart's surface err, as the heart network does: by an offset and by smooth dents."""
    count = len(distance_mm)
    offset = _per_stack(rng.uniform(-greatest_mm, greatest_mm, count) / 2, distance_mm)
    coarse = torch.randn(
        (count, 1, max(2, distance_mm.shape[1] // 5), 8, 8), generator=noise, device=distance_mm.device
    )
    dents = F.interpolate(coarse, distance_mm.shape[1:], mode="trilinear", align_corners=True)[:, 0]
    return distance_mm + offset + greatest_mm / 2 * dents


def smooth(stack: Tensor) -> Tensor:
    """Binomial 3x3 filter of every slice."""
    # Sums of shifted images: convolutions of one channel take ten times as long on a CPU.
    wide = F.pad(stack, (1, 1, 1, 1), mode="replicate")
    wide = 0.25 * (wide[..., :-2, :] + wide[..., 2:, :]) + 0.5 * wide[..., 1:-1, :]
    return 0.25 * (wide[..., :-2] + wide[..., 2:]) + 0.5 * wide[..., 1:-1]


def _per_stack(values: np.ndarray, like: Tensor) -> Tensor:
    """One number per stack, shaped to multiply a batch."""
    return torch.from_numpy(np.asarray(values, dtype=np.float64)).to(like)[:, None, None, None]

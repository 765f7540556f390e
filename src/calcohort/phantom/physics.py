"""What the scanner adds: sharpness, noise and the heart's motion."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def frequencies(shape_yx: tuple[int, int], pixel_mm: tuple[float, float], device) -> tuple[Tensor, Tensor]:
    """Spatial frequencies (cycles per mm) of a real FFT: rows (ny, 1), columns (1, nx // 2 + 1)."""
    fy = torch.fft.fftfreq(shape_yx[0], pixel_mm[1], device=device)[:, None]
    fx = torch.fft.rfftfreq(shape_yx[1], pixel_mm[0], device=device)[None, :]
    return fy, fx


def transfer(shape_yx, pixel_mm, sigma_mm: float, edge: float, device) -> Tensor:
    """Transfer function of the kernel: a Gaussian, with `edge` > 0 enhancing middle frequencies."""
    fy, fx = frequencies(shape_yx, pixel_mm, device)
    f2 = fy.square() + fx.square()
    gauss = torch.exp(-2 * (np.pi * sigma_mm) ** 2 * f2)
    wide = torch.exp(-2 * (np.pi * 2.2 * sigma_mm) ** 2 * f2)
    return gauss * (1 + edge) - wide * edge


def sharpen(volume: Tensor, transfer_function: Tensor) -> Tensor:
    """Apply a transfer function to every slice (z, y, x)."""
    spectrum = torch.fft.rfft2(volume)
    return torch.fft.irfft2(spectrum.mul_(transfer_function), s=volume.shape[-2:])


def ct_noise(
    shape_zyx, pixel_mm, sigma: np.ndarray, cutoff: float, streak: np.ndarray, seed: int, device
) -> Tensor:
    """Noise with the spectrum of filtered back-projection.

    The power rises with frequency (ramp) and falls off with the kernel, f exp(-(f / cutoff)^2) (Riederer,
    Pelc and Chesler 1978), so that coarse pixels see less of it. `streak` adds horizontal streaks, as at
    the shoulders.

    Parameters
    ----------
    sigma, streak : ndarray (z,)
        Standard deviation (HU) at fine pixels, and strength of the streaks, of each slice.
    cutoff : float
        Cycles per mm.
    """
    generator = torch.Generator().manual_seed(seed)
    nz, ny, nx = shape_zyx
    # Drawn on the CPU, so that every device sees the same noise; as a spectrum, which saves a transform.
    white = torch.randn((nz, ny, nx // 2 + 1, 2), generator=generator).to(device)
    fy, fx = frequencies((ny, nx), pixel_mm, device)
    f2 = fy.square() + fx.square()
    power = (f2.sqrt() + 0.04) * torch.exp(-f2 / cutoff**2)
    radius = np.linspace(0, 4 * cutoff, 2000)
    density = 2 * np.pi * radius * (radius + 0.04) * np.exp(-((radius / cutoff) ** 2))
    total = float(density.sum() * (radius[1] - radius[0]))
    shape = (power / (total * pixel_mm[0] * pixel_mm[1])).sqrt_() * float(np.sqrt(0.5 * ny * nx))
    level = torch.as_tensor(sigma, dtype=torch.float32, device=device)[:, None, None]
    filters = shape * level
    if streak.max() > 0:
        # Streaks along x are noise of low fx at any fy.
        along = torch.exp(-((fx / 0.03) ** 2)) * (fy.abs() > 0.02)
        filters = filters * (
            1 + torch.as_tensor(streak, dtype=torch.float32, device=device)[:, None, None] * along
        )
    white *= filters[..., None]
    return torch.fft.irfft2(torch.view_as_complex(white), s=(ny, nx))


def metal_streaks(density: Tensor, pixel_mm: float, generator: np.random.Generator) -> Tensor:
    """Bright and dark rays that fan out from metal or very dense calcium, falling off with distance.

    Parameters
    ----------
    density : Tensor (z, y, x)
        What is too dense, 1 being as dense as a pacemaker's lead.
    pixel_mm : float

    Returns
    -------
    Tensor (z, y, x)
        HU to add per unit of strength.
    """
    reach = min(int(60.0 / pixel_mm), min(density.shape[-2:]) // 2 - 1)
    axis = torch.arange(-reach, reach + 1, dtype=torch.float32, device=density.device) * pixel_mm
    y, x = axis[:, None], axis[None, :]
    angle, radius = torch.atan2(y, x), torch.hypot(x, y)
    rays = torch.zeros_like(radius)
    # Opposite rays are alike, as projections from opposite sides are.
    for order in generator.integers(2, 12, 5):
        rays += torch.cos(2 * float(order) * angle + float(generator.uniform(0, 2 * np.pi)))
    fan = rays / 5 * torch.exp(-radius / 22.0) / (1.0 + radius / 3.0) * (radius > 1.0)
    shape = [n + 2 * reach for n in density.shape[-2:]]
    spectrum = torch.fft.rfft2(density, s=shape) * torch.fft.rfft2(fan, s=shape)
    full = torch.fft.irfft2(spectrum, s=shape)
    return full[..., reach : reach + density.shape[-2], reach : reach + density.shape[-1]]


def smear(volume: Tensor, shift_xy_px: np.ndarray, weights: np.ndarray) -> Tensor:
    """Average of shifted copies of every slice: a moving heart during one rotation.

    Parameters
    ----------
    volume : Tensor (z, y, x)
    shift_xy_px : ndarray (copies, z, 2)
        Shift of each copy in each slice, pixels.
    weights : ndarray (copies,)
        Share of the rotation spent in each position; they add up to 1.
    """
    nz, ny, nx = volume.shape
    reach = int(np.ceil(np.abs(shift_xy_px).max())) + 1
    padded = F.pad(volume, (reach,) * 4, mode="replicate")
    out = torch.zeros_like(volume)
    for shifts, weight in zip(shift_xy_px, weights, strict=True):
        start = reach - shifts
        whole = np.floor(start).astype(int)
        for k in range(nz):
            (x, y), (fx, fy) = whole[k], start[k] - whole[k]
            block = padded[k, y : y + ny + 1, x : x + nx + 1]
            block = block[:, :-1].lerp(block[:, 1:], float(fx))
            out[k].add_(block[:-1].lerp(block[1:], float(fy)), alpha=float(weight))
    return out

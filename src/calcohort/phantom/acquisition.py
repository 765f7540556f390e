"""A CT scan of a simulated patient, with its truth."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from calcohort import seeds
from calcohort.errors import InputError
from calcohort.phantom import physics
from calcohort.phantom.anatomy import Anatomy
from calcohort.phantom.draws import Draw
from calcohort.phantom.paint import Canvas, Grid, Layer
from calcohort.phantom.truth import CORONARY, contributions, labels_and_vessels, mineral_gain
from calcohort.volume import Volume

PAD = 4
# Share of the diaphragm's way that the heart goes along with.
HEART_FOLLOWS = 0.7
# Above this, material casts streaks; and how strong they are per square millimetre of metal.
DENSE_HU, STREAK_HU = 900.0, 400.0
MINERAL = ("cortex", "trabecular", "marrow", "cartilage", "implant")


@dataclass(frozen=True)
class Protocol:
    """How a kind of scan is made; ranges are realistic ones.

    Attributes
    ----------
    kvp : int
    fov_mm : tuple of 2 float
    increments_mm : tuple of float
        Slice increments in use; the slices are as thick.
    slices : tuple of 2 int
        Fewest and most slices.
    margins_mm : tuple of 2 float
        Covered below and above the heart.
    noise_hu : tuple of 2 float
        Standard deviation at 3 mm slices in a patient of mean size.
    sharpness_mm : tuple of 2 float
        Sigma of the kernel's Gaussian.
    heart_mm, breath_mm : tuple of 2 float
        Amplitude of the heart's and the diaphragm's motion.
    inspiration_mm : tuple of 2 float
        Resting position of the diaphragm; negative is lower, as in a held breath.
    """

    kvp: int
    fov_mm: tuple[float, float]
    increments_mm: tuple[float, ...]
    slices: tuple[int, int]
    margins_mm: tuple[float, float]
    noise_hu: tuple[float, float]
    sharpness_mm: tuple[float, float]
    heart_mm: tuple[float, float]
    breath_mm: tuple[float, float]
    inspiration_mm: tuple[float, float]


_CTAC = Protocol(
    kvp=100,
    fov_mm=(500, 500),
    increments_mm=(2.5, 3.0, 3.27, 3.75, 4.0, 5.0),
    slices=(40, 55),
    margins_mm=(22, 24),
    noise_hu=(20, 42),
    sharpness_mm=(0.6, 0.95),
    heart_mm=(0.6, 4.2),
    breath_mm=(0, 5),
    inspiration_mm=(-3, 3),
)
_GATED = Protocol(
    kvp=120,
    fov_mm=(180, 220),
    increments_mm=(2.5, 3.0),
    slices=(40, 55),
    margins_mm=(8, 10),
    noise_hu=(14, 25),
    sharpness_mm=(0.45, 0.65),
    heart_mm=(0, 1.0),
    breath_mm=(0, 0),
    inspiration_mm=(-12, -4),
)
_CHEST = Protocol(
    kvp=120,
    fov_mm=(310, 500),
    increments_mm=(1.0, 1.5, 2.0, 2.5, 3.0),
    slices=(60, 220),
    margins_mm=(70, 80),
    noise_hu=(10, 26),
    sharpness_mm=(0.5, 0.95),
    heart_mm=(0.5, 5.0),
    breath_mm=(0, 2),
    inspiration_mm=(-15, 0),
)
PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {"ctac_stress": _CTAC, "ctac_rest": _CTAC, "cac_gated": _GATED, "chest_ct": _CHEST}
)


@dataclass(frozen=True, eq=False)
class Phantom:
    """A simulated scan with its truth.

    Attributes
    ----------
    volume : Volume
        int16 HU.
    labels : ndarray, uint8, shape (z, y, x)
        0 background, 1 coronary calcium, 2 other calcification, 3 heart, 4 metal.
    vessels : ndarray, uint8, shape (z, y, x)
        0 none, 1 LM, 2 LAD, 3 LCX, 4 RCA, with their branches.
    kvp : int
    protocol : str
    confounders : tuple of str
        Structures in the patient that can be mistaken for coronary calcium.
    """

    volume: Volume
    labels: np.ndarray
    vessels: np.ndarray
    kvp: int
    protocol: str
    confounders: tuple[str, ...]

    @cached_property
    def agatston(self) -> float:
        """True score: the planted coronary calcium scored on this very scan."""
        from calcohort.scoring.agatston import score

        return score(self.volume, self.labels == CORONARY, kvp=self.kvp).agatston


def acquire(anatomy: Anatomy, protocol: str, seed, *, device="cpu", grid: Grid | None = None) -> Phantom:
    """Scan a patient.

    Parameters
    ----------
    anatomy : Anatomy
    protocol : str
        A key of `PROTOCOLS`.
    seed : int or tuple of int
        Names the acquisition: noise, motion, position of the slices.
    device : str
        "cpu" or "cuda"; the noise is the same on every device.
    grid : Grid, optional
        Region and sampling in the anatomy's coordinates; the protocol's whole scan if not given.
    """
    if protocol not in PROTOCOLS:
        raise InputError(f"unknown protocol '{protocol}'", cure=f"use one of {', '.join(PROTOCOLS)}")
    seed = tuple(int(s) for s in seed) if isinstance(seed, tuple | list) else (int(seed),)
    key = ("phantom scan", anatomy.population, *anatomy.seed, protocol, *seed)
    draw = Draw(seeds.rng(*key), anatomy.population)
    rules = PROTOCOLS[protocol]
    resting = draw.span(*rules.inspiration_mm)
    own = _own_grid(draw, anatomy, rules, HEART_FOLLOWS * resting)
    grid = own if grid is None else grid
    with torch.no_grad():
        return _scan(draw, anatomy, protocol, grid, resting, torch.device(device))


def heart_grid(
    anatomy: Anatomy, shape_zyx=(48, 192, 192), spacing_xyz_mm=(0.9, 0.9, 3.0), shift_mm=(0.0, 0.0, 0.0)
) -> Grid:
    """Grid of a given size around the middle of the heart region, moved by `shift_mm` (x, y, z)."""
    low, high = anatomy.heart.envelope.bounds()
    return _centred(0.5 * (low + high) + np.asarray(shift_mm), shape_zyx, spacing_xyz_mm)


def _centred(centre, shape_zyx, spacing) -> Grid:
    shape_xyz = np.array(shape_zyx[::-1])
    origin = np.asarray(centre) - 0.5 * (shape_xyz - 1) * np.array(spacing)
    return Grid(tuple(int(n) for n in shape_zyx), tuple(map(float, spacing)), tuple(map(float, origin)))


def _own_grid(draw: Draw, anatomy: Anatomy, rules: Protocol, heart_z: float) -> Grid:
    low, high = anatomy.heart.envelope.bounds()
    bottom, top = low[2] - rules.margins_mm[0] + heart_z, high[2] + rules.margins_mm[1] + heart_z
    # Nobody scans with slices so thin that the usual number of them misses the heart's ends.
    fitting = [i for i in rules.increments_mm if i * rules.slices[1] >= top - bottom]
    increment = float(draw.generator.choice(fitting or rules.increments_mm[-1:]))
    slices = int(np.clip(np.ceil((top - bottom) / increment), *rules.slices))
    fov = draw.uniform(*rules.fov_mm) if rules.fov_mm[0] < rules.fov_mm[1] else rules.fov_mm[0]
    if fov < 300:
        centre = 0.5 * (low + high) + [draw.uniform(-8, 8), draw.uniform(-8, 8), 0.0]
    else:
        centre = np.array([draw.uniform(-12, 12), draw.uniform(5, 35), 0.0])
    centre[2] = 0.5 * (bottom + top) + draw.uniform(-3, 3)
    pixel = fov / 512
    return _centred(centre, (slices, 512, 512), (pixel, pixel, increment))


def _scan(draw: Draw, anatomy: Anatomy, protocol: str, grid: Grid, resting: float, device) -> Phantom:
    rules = PROTOCOLS[protocol]
    padded = grid.padded(PAD)
    motion, smear = _motion(draw, anatomy, rules, padded, resting)
    canvas = Canvas(padded, grid.spacing_xyz_mm[2], device=device, motion=motion)
    table = _tissues_at(anatomy, rules.kvp)
    for layer in anatomy.layers:
        canvas.paint(layer, table)
    heart = _heart_mask(canvas, anatomy)
    region, added, territory = contributions(canvas, anatomy, rules.kvp)
    if smear is not None:
        _blur_heart(canvas, heart, region, added, smear, grid)
    if region is not None:
        canvas.hu[region] += added.amax(0)
    clean, parts = _optics(draw, rules, canvas, region, added)
    hu = _finish(draw, anatomy, rules, clean, padded)
    labels, vessels = labels_and_vessels(canvas, anatomy, hu, clean, parts, region, heart, territory)
    inner = (slice(None), slice(PAD, -PAD), slice(PAD, -PAD))
    to_numpy = lambda t: np.ascontiguousarray(t[inner].cpu().numpy())  # noqa: E731
    volume = Volume(to_numpy(hu), grid.spacing_xyz_mm, grid.origin_lps_mm)
    return Phantom(volume, to_numpy(labels), to_numpy(vessels), rules.kvp, protocol, anatomy.confounders)


def _tissues_at(anatomy: Anatomy, kvp: int) -> dict[str, float]:
    """HU of the tissues at a tube voltage: mineral gains and fat loses as the voltage falls."""
    gain = mineral_gain(kvp)
    table = dict(anatomy.tissues)
    for name in MINERAL:
        table[name] *= gain
    for name in ("fat", "mediastinal_fat", "abdominal_fat"):
        table[name] -= 40.0 * (gain - 1.0)
    return table


def _motion(draw: Draw, anatomy: Anatomy, rules: Protocol, grid: Grid, resting: float):
    """Displacement of heart and diaphragm in each slice, and the smear within one rotation."""
    nz = grid.shape_zyx[0]
    breath_mm = draw.span(*rules.breath_mm, floor=0.0)
    heart_mm = draw.span(*rules.heart_mm, floor=0.0)
    phase = draw.uniform(0, 6.3) + np.arange(nz) * draw.uniform(0.15, 0.9)
    beat = draw.uniform(0, 6.3) + np.arange(nz) * draw.uniform(0.9, 2.6)
    breath = np.zeros((nz, 3))
    breath[:, 2] = resting + breath_mm * np.sin(phase)
    # Towards apex and inward: the base moves most.
    course = anatomy.heart.frame[0] * 0.75 + np.array([0.35, 0.35, 0.0]) * draw.uniform(-1, 1)
    heart = HEART_FOLLOWS * breath + heart_mm * 0.6 * np.sin(beat)[:, None] * course
    motion = {"breath": breath, "heart": heart}
    if heart_mm < 0.4:
        return motion, None
    travel = heart_mm * (0.25 + 0.75 * np.abs(np.cos(beat)))
    direction = draw.uniform(0, np.pi) + 0.4 * np.sin(beat)
    copies = np.array([-0.5, 0.0, 0.5]) if draw.chance(0.7) else np.array([-0.5, 0.5])
    weights = np.array([0.3, 0.4, 0.3]) if len(copies) == 3 else np.array([0.55, 0.45])
    step = np.stack([np.cos(direction), np.sin(direction)], 1) * travel[:, None] / grid.spacing_xyz_mm[0]
    return motion, (copies[:, None, None] * step, weights)


def _heart_mask(canvas: Canvas, anatomy: Anatomy) -> tuple | None:
    return canvas.coverage(Layer(anatomy.heart.envelope, "mediastinal_fat", group="heart"))


def _blur_heart(canvas: Canvas, heart, region, added: Tensor, smear, grid: Grid) -> None:
    """Blur heart and planted calcium along the motion, leaving chest wall and lungs sharp."""
    shifts, weights = smear
    if heart is not None:
        box, mask = heart
        part = canvas.hu[box]
        moved = physics.smear(part, shifts[:, box[0]], weights)
        # The seam of the mask is softened, so that the blur has no border.
        soft = torch.nn.functional.avg_pool2d(mask[:, None], 9, 1, 4)[:, 0]
        part.lerp_(moved, soft)
    if region is not None:
        for label in range(3):
            if bool(added[label].any()):
                added[label] = physics.smear(added[label], shifts[:, region[0]], weights)


def _optics(draw: Draw, rules: Protocol, canvas: Canvas, region, added):
    """Blurred scan and blurred contributions."""
    sigma, edge = draw.span(*rules.sharpness_mm, floor=0.3), draw.uniform(0.0, 0.5)
    pixel = canvas.grid.spacing_xyz_mm[:2]
    kernel = physics.transfer(canvas.hu.shape[-2:], pixel, sigma, edge, canvas.device)
    clean = physics.sharpen(canvas.hu, kernel)
    if region is None:
        return clean, None
    kernel = physics.transfer(added.shape[-2:], pixel, sigma, edge, canvas.device)
    parts = torch.stack([physics.sharpen(a, kernel) if bool(a.any()) else a for a in added])
    _add_streaks(draw, clean, region, added.amax(0), float(pixel[0]))
    return clean, parts


def _add_streaks(draw: Draw, clean: Tensor, region, added: Tensor, pixel_mm: float) -> None:
    """Rays from metal, and weaker ones from the densest calcium, in the slices that hold it."""
    strength = draw.uniform(0.3, 1.0)
    seed = int(draw.generator.integers(2**62))
    density = (added - DENSE_HU).clamp_(min=0.0) / 3000.0
    held = torch.nonzero(density.amax(dim=(1, 2)) > 0)[:, 0]
    if len(held):
        rays = physics.metal_streaks(density[held], pixel_mm, np.random.default_rng(seed))
        part = clean[region]
        part[held] += (strength * STREAK_HU * pixel_mm**2) * rays


def _finish(draw: Draw, anatomy: Anatomy, rules: Protocol, clean: Tensor, grid: Grid) -> Tensor:
    """Add noise and quantise to int16 HU."""
    nz = clean.shape[0]
    thickness = grid.spacing_xyz_mm[2]
    z = grid.origin_lps_mm[2] + thickness * np.arange(nz)
    shoulders = np.clip((z - 80.0) / 60.0, 0, 1)
    size = float(np.exp(2.2 * (anatomy.size - 1.0)))
    sigma = (
        draw.span(*rules.noise_hu, floor=4.0)
        * size
        * np.sqrt(3.0 / max(thickness, 1.0))
        * (1 + 0.8 * shoulders)
    )
    arms = 0.6 if "arms" in anatomy.confounders else 0.0
    # Low doses starve the detector behind spine and shoulders: noise turns into lines.
    starved = draw.uniform(0.0, 1.2) if draw.chance(0.35) else 0.0
    streak = draw.uniform(0.0, 2.5) * shoulders + arms + starved
    cutoff = draw.span(0.28, 0.42)
    seed = int(draw.generator.integers(2**62))
    noise = physics.ct_noise(
        tuple(clean.shape), grid.spacing_xyz_mm[:2], sigma, cutoff, streak, seed, clean.device
    )
    noise *= _noise_map(anatomy, grid, clean.device)
    hu = (clean + noise).round_().clamp_(-1024, 3071).to(torch.int16)
    return _outside(draw, hu, grid)


def _noise_map(anatomy: Anatomy, grid: Grid, device) -> Tensor:
    """Noise is highest in the middle of the body and low in the air around it."""
    a, b, _, cy = anatomy.torso.skin.section(0.0)
    (ox, oy, _), (dx, dy, _) = grid.origin_lps_mm, grid.spacing_xyz_mm
    x = (ox + dx * np.arange(grid.shape_zyx[2])) / a
    y = (oy + dy * np.arange(grid.shape_zyx[1]) - cy) / b
    r2 = x[None, :] ** 2 + y[:, None] ** 2
    return torch.as_tensor(0.45 + 0.65 * np.exp(-0.9 * r2), dtype=torch.float32, device=device)


def _outside(draw: Draw, hu: Tensor, grid: Grid) -> Tensor:
    """Some scanners pad what lies outside the circle of reconstruction."""
    if not draw.chance(0.3) or grid.shape_zyx[1] < 500:
        return hu
    ny, nx = hu.shape[1:]
    y = torch.arange(ny, device=hu.device)[:, None] - (ny - 1) / 2
    x = torch.arange(nx, device=hu.device)[None, :] - (nx - 1) / 2
    circle = y.square() + x.square() > (0.5 * (ny - 2 * PAD)) ** 2
    hu[:, circle] = -1024
    return hu

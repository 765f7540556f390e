"""Training samples from phantoms, in parallel; every sample follows from its seed."""

import logging
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from calcohort.categories import CATEGORIES
from calcohort.errors import InputError
from calcohort.phantom import PROTOCOLS, Grid, acquire, draw_anatomy
from calcohort.phantom.anatomy import CATEGORY_SHARE, Anatomy
from calcohort.seeds import rng
from calcohort.training.prepare import heart_of, heart_sample, lesion_sample
from calcohort.training.samples import Sample, write_samples

log = logging.getLogger(__name__)

# How often each protocol is drawn.
SHARES = {"ctac_stress": 0.45, "cac_gated": 0.35, "chest_ct": 0.2}
POPULATION = "training"
# A kind that so many phantoms in a row lack is none that they can have.
MOST_REDRAWN = 500
# The root of the seeds of all training phantoms; no cohort uses it.
ROOT = 20_260


@dataclass(frozen=True)
class Order:
    """What to make.

    Attributes
    ----------
    kind : {"heart", "lesion"}
    first_seed, count : int
        Seeds ``first_seed`` to ``first_seed + count - 1``, one sample each.
    per_file : int
    finest_mm : float
        Smallest pixel a lesion phantom is scanned at, before it is resampled to the network's; time goes with
        its inverse square.
    device : str
    calcium : {"rich", "sparse"}
        As much coronary calcium as training wants, or as patients have (an ablation).
    holding : tuple of str
        Kinds of confounders, e.g. ("stent", "clip"): every phantom is redrawn until it has one of them, for
        what is rare and easily taken for calcium.
    """

    kind: str
    first_seed: int
    count: int
    per_file: int = 16
    finest_mm: float = 0.45
    device: str = "cpu"
    calcium: str = "rich"
    holding: tuple[str, ...] = ()


def generate(order: Order, out_dir: str | Path, workers: int = 1) -> list[Path]:
    """Write the samples of an order; files already there are kept, so that an interrupted run goes on.

    Returns
    -------
    list of Path
        Files named by their first seed, e.g. ``lesion-0000016.npz``.
    """
    out_dir = Path(out_dir)
    stop = order.first_seed + order.count
    jobs = [
        (order, first, min(first + order.per_file, stop), out_dir / f"{order.kind}-{first:07d}.npz")
        for first in range(order.first_seed, stop, order.per_file)
    ]
    missing = [job for job in jobs if not job[3].exists()]
    bar = tqdm(total=len(missing), desc=f"{order.kind} phantoms", unit="file", mininterval=5)
    if workers <= 1:
        _one_thread()
        for job in missing:
            _write_file(job)
            bar.update()
    else:
        # A forked process cannot use CUDA.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context, initializer=_one_thread) as pool:
            for _ in pool.map(_write_file, missing):
                bar.update()
    bar.close()
    return [job[3] for job in jobs]


def phantom_sample(order: Order, seed: int) -> Sample:
    """The sample of one seed."""
    draw = rng("training phantom", order.kind, seed)
    protocol = str(draw.choice(list(SHARES), p=list(SHARES.values())))
    burden = None
    if order.calcium == "sparse":
        burden = str(rng("sparse calcium", seed).choice(CATEGORIES, p=CATEGORY_SHARE["demo"]))
    anatomy = _draw(order, seed, burden)
    low, high = anatomy.heart.envelope.bounds()
    grid = _scan_grid(draw, protocol, low, high) if order.kind == "heart" else None
    grid = grid or _crop_grid(draw, protocol, low, high, order.finest_mm)
    phantom = acquire(anatomy, protocol, seed, device=order.device, grid=grid)
    about = {
        "sample": f"{order.kind}-{seed:07d}",
        "patient": f"phantom-{seed:07d}",
        "site": "phantom",
        "scan_type": protocol,
        "agatston": phantom.agatston if order.kind == "lesion" else float("nan"),
    }
    heart = heart_of(phantom.labels)
    if order.kind == "heart":
        return heart_sample(phantom.volume, heart, about)
    return lesion_sample(phantom.volume, phantom.labels, heart, about)


def _draw(order: Order, seed: int, burden: str | None) -> Anatomy:
    """The anatomy of a seed, or the first after it that holds what the order wants."""
    anatomy = draw_anatomy((ROOT, seed), burden=burden, population=POPULATION)
    wanted, redrawn = set(order.holding), 0
    while wanted.isdisjoint(anatomy.confounders) and wanted:
        if redrawn == MOST_REDRAWN:
            raise InputError(
                f"no phantom with {' or '.join(order.holding)} in {MOST_REDRAWN} tries",
                cure="name kinds that phantoms have, e.g. stent or clip",
            )
        redrawn += 1
        anatomy = draw_anatomy((ROOT, seed, redrawn), burden=burden, population=POPULATION)
    return anatomy


def _scan_grid(draw: np.random.Generator, protocol: str, low, high) -> Grid:
    """Whole scan at 2 mm: the heart network sees no finer."""
    fov = draw.uniform(*PROTOCOLS[protocol].fov_mm)
    # Much or little of the liver below and of the great vessels above, as scans of all kinds have it.
    margins = draw.uniform(6, 20, 2) if fov < 300 else draw.uniform((8, 10), (90, 90))
    aside = draw.uniform(-10, 10, 2) if fov < 300 else np.array([-30, 30]) + draw.uniform(-20, 20, 2)
    middle = 0.5 * (low + high)
    middle[:2] += aside
    bottom, top = low[2] - margins[0], high[2] + margins[1]
    middle[2] = 0.5 * (bottom + top)
    pixels = round(fov / 2.0)
    increment = float(draw.uniform(2.7, 5.0))
    return _grid(middle, (max(8, round((top - bottom) / increment)), pixels, pixels), (2.0, 2.0, increment))


def _crop_grid(draw: np.random.Generator, protocol: str, low, high, finest_mm: float) -> Grid:
    """The heart with what surrounds it, at the protocol's own pixel."""
    rules = PROTOCOLS[protocol]
    pixel = max(finest_mm, draw.uniform(*rules.fov_mm) / 512)
    increment = float(draw.choice(rules.increments_mm))
    side = max(188.0, 1.03 * float((high - low)[:2].max()) + 16)
    pixels = 8 * round(side / pixel / 8)
    depth = int(np.ceil((high[2] - low[2] + 16) / increment))
    middle = 0.5 * (low + high) + [0, 0, draw.uniform(-0.5, 0.5) * increment]
    return _grid(middle, (depth, pixels, pixels), (pixel, pixel, increment))


def _grid(middle, shape_zyx, spacing_xyz_mm) -> Grid:
    origin = np.asarray(middle) - 0.5 * (np.array(shape_zyx[::-1]) - 1) * np.array(spacing_xyz_mm)
    return Grid(tuple(shape_zyx), tuple(map(float, spacing_xyz_mm)), tuple(map(float, origin)))


def _write_file(job: tuple[Order, int, int, Path]) -> None:
    order, first, stop, path = job
    write_samples(path, [phantom_sample(order, seed) for seed in range(first, stop)], compress=False)


def _one_thread() -> None:
    # Phantoms are many small operations: more threads only wait for each other.
    torch.set_num_threads(1)

"""Toy hearts: a disc with bright dots on its rim (coronary), in its middle (other) and a bright bar outside
(bone)."""

import numpy as np
import pytest

from calcohort.segmentation.heart import signed_distance
from calcohort.training.samples import About, Sample, read_samples, write_samples

SIDE, DEPTH = 48, 8


def toy_sample(seed: int, task: str = "lesion") -> Sample:
    rng = np.random.default_rng(seed)
    z, y, x = np.mgrid[:DEPTH, :SIDE, :SIDE]
    cy, cx = SIDE / 2 + rng.uniform(-3, 3, 2)
    radius = rng.uniform(13, 16)
    away = np.hypot(y - cy, x - cx)
    heart = away < radius
    hu = np.where(heart, 45.0, -80.0)
    labels = np.where(heart, 3, 0).astype(np.uint8)
    hu[:, :4] = 400
    for kind, count in ((1, 5), (2, 3)):
        for angle, level in zip(rng.uniform(0, 2 * np.pi, count), rng.integers(0, DEPTH, count), strict=True):
            reach = radius if kind == 1 else 0.35 * radius
            spot = np.hypot(y - cy - reach * np.sin(angle), x - cx - reach * np.cos(angle)) < 1.8
            spot &= np.abs(z - level) <= 1
            hu[spot], labels[spot] = 350, kind
    hu = hu + rng.normal(0, 15, hu.shape)
    spacing = (3.0, 2.0, 2.0)
    distance = signed_distance(heart, spacing)[:, 2::4, 2::4].round().astype(np.int8)
    about = About(f"toy-{seed}", f"toy-{seed}", "toy", "toy", *spacing)
    if task == "heart":
        labels = (labels > 0).astype(np.uint8)
    return Sample(hu.astype(np.int16), labels, distance, about)


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    """Twelve toy samples of each task, read back from their file."""
    folder = tmp_path_factory.mktemp("toy")
    samples = {}
    for task in ("lesion", "heart"):
        path = folder / f"{task}.npz"
        write_samples(path, [toy_sample(seed, task) for seed in range(12)])
        samples[task] = read_samples([path])
    return samples

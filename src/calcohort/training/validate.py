"""Validation by what matters: hearts that hold the calcium, and scores that fall into the right category."""

import numpy as np
import torch
import torch.nn.functional as F

from calcohort.networks.files import Network
from calcohort.scoring import score
from calcohort.segmentation import vote
from calcohort.segmentation.heart import signed_distance
from calcohort.training.batches import Pool, coarsen
from calcohort.training.evaluate import agreement
from calcohort.training.samples import Samples
from calcohort.volume import Volume


def validate(network: Network, pool: Pool, samples: Samples, members: np.ndarray) -> dict[str, float]:
    """Metrics of a network on whole stacks; `selection` chooses weights (greater is better)."""
    if len(members) == 0:
        return {"selection": float("nan")}
    measure = _heart_metrics if network.task == "heart" else _lesion_metrics
    return measure(network, pool, samples, members)


@torch.inference_mode()
def probabilities(network: Network, pool: Pool, samples: Samples, member: int) -> np.ndarray:
    """Probabilities (classes, z, y, x) of one sample."""
    slices = np.arange(samples.starts[member], samples.starts[member + 1])[None]
    hu, labels, distance, _ = pool.gather(slices)
    size = hu.shape[-2:]
    hu, _, distance = coarsen(hu, labels, distance, pool.settings.coarsen)
    logits = network.module(network.inputs(hu, distance))[0]
    odds = torch.softmax(logits.float(), dim=1).transpose(0, 1)
    if odds.shape[-2:] != size:
        odds = F.interpolate(odds, size, mode="bilinear", align_corners=False)
    return odds.cpu().numpy()


def sample_scores(network: Network, pool: Pool, samples: Samples, members, rules=None) -> np.ndarray:
    """Reference and predicted Agatston, found, missed and false cells of samples (n, 5)."""
    rules = rules or vote.Rules()
    rows = []
    for member in members:
        sample = samples.sample(member)
        predicted = classify_sample(sample, probabilities(network, pool, samples, member), rules)
        bright = sample.hu >= rules.threshold_hu
        truth = bright & (sample.labels == vote.CORONARY)
        found = predicted == vote.CORONARY
        volume = Volume(sample.hu, spacing_xyz_mm(sample))
        reference, estimate = (score(volume, mask).agatston for mask in (truth, found))
        # Cells beside a lesion that its blur lifts over the threshold are no false finding.
        false = found & (sample.labels != vote.CORONARY)
        rows.append((reference, estimate, (found & truth).sum(), (truth & ~found).sum(), false.sum()))
    return np.array(rows, dtype=float)


def classify_sample(sample, odds: np.ndarray, rules: vote.Rules) -> np.ndarray:
    """Class of every voxel of a sample by vote, uint8 (z, y, x)."""
    step = sample.hu.shape[-1] // sample.distance.shape[-1]
    distance = sample.distance.repeat(step, axis=1).repeat(step, axis=2)
    mask = vote.candidates(sample.hu, distance, rules)
    voxels = np.argwhere(mask)
    result = np.zeros(sample.hu.shape, dtype=np.uint8)
    spacing = spacing_xyz_mm(sample)[::-1]
    members = vote.components(mask, rules.dimensions)
    parts = vote.find_parts(voxels, members, odds[:, mask], sample.hu, spacing, rules)
    result[mask] = vote.decide(parts, rules)[parts.members]
    return result


def spacing_xyz_mm(sample) -> tuple[float, float, float]:
    """Size of a sample's cells."""
    return (sample.about.spacing_x_mm, sample.about.spacing_y_mm, sample.about.spacing_z_mm)


def _lesion_metrics(network, pool, samples, members) -> dict[str, float]:
    rows = sample_scores(network, pool, samples, members)
    reference, estimate, hit, missed, false = rows.T
    metrics = agreement(reference, estimate)
    log_error = float(np.mean(np.abs(np.log1p(estimate) - np.log1p(reference))))
    return metrics | {
        "log_error": log_error,
        "volume_found": float(hit.sum() / max(1.0, (hit + missed).sum())),
        "volume_false": float(false.sum() / max(1.0, (hit + missed).sum())),
        "selection": -log_error,
    }


def _heart_metrics(network, pool, samples, members) -> dict[str, float]:
    dice, ratio, covered = [], [], []
    for member in members:
        sample = samples.sample(member)
        found = probabilities(network, pool, samples, member)[1] > 0.5
        truth = sample.labels > 0
        both = 2 * (found & truth).sum()
        dice.append(both / max(1, found.sum() + truth.sum()))
        ratio.append(found.sum() / max(1, truth.sum()))
        reach = signed_distance(found, spacing_xyz_mm(sample)[::-1]) > -6
        covered.append((reach & truth).sum() / max(1, truth.sum()))
    mean = float(np.mean(dice))
    return {
        "dice": mean,
        "dice_worst": float(np.min(dice)),
        "volume_ratio": float(np.median(ratio)),
        "covered": float(np.mean(covered)),
        "selection": mean,
    }

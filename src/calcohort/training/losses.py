"""Losses for a class that is one voxel in a million."""

import torch
import torch.nn.functional as F
from torch import Tensor

from calcohort.segmentation.vote import HEART
from calcohort.training.settings import Loss

CANDIDATE_HU = 120.0
FAR_MM = -12.0


def lesion_loss(
    logits: Tensor, hu: Tensor, labels: Tensor, distance_mm: Tensor, valid: Tensor, loss: Loss
) -> Tensor:
    """Loss over the voxels that can reach a score: candidates, i.e. planted calcium and whatever else is as
    bright.

    Every class has the same say, and within a class a small lesion counts for more than its size.

    Parameters
    ----------
    logits : Tensor, float (stacks, slices, 3, y, x)
    hu, labels, distance_mm, valid : Tensor (stacks, slices, y, x)
        After augmentation; `valid` is 0 where there is nothing to learn (slices that fill up a batch).

    Returns
    -------
    Tensor, scalar
    """
    target = torch.where(labels == HEART, 0, labels)
    calcium = target > 0
    candidate = calcium | (hu >= CANDIDATE_HU)
    # Beside a lesion, its own blur is neither calcium nor its absence.
    fringe = (F.max_pool2d(calcium.float(), 3, 1, 1) > 0) & ~calcium
    near = torch.where(distance_mm > FAR_MM, 1.0, loss.far_weight)
    weight = valid * near * torch.where(fringe, 0.0, 1.0)
    log_odds = F.log_softmax(logits.float(), dim=2)
    own = log_odds.gather(2, target.long()[:, :, None])[:, :, 0]
    plain = weight * ~candidate
    if loss.hard_share < 1:
        weight = weight * hardest(-own.detach(), candidate & (target != 1) & (weight > 0), loss.hard_share)
    share = _shares(target, candidate, weight, loss.class_weights)
    share = share + loss.plain_weight * plain / plain.sum().clamp(min=1)
    entropy = -own if loss.kind == "cross_entropy" else -own * (1 - own.exp()) ** loss.focal_gamma
    total = (share * entropy).sum()
    if loss.dice:
        total = total + loss.dice * _tversky(log_odds.exp(), target, candidate * weight, loss.tversky_alpha)
    return total


def heart_loss(logits: Tensor, labels: Tensor, valid: Tensor, loss: Loss) -> Tensor:
    """Cross-entropy and soft Dice of the heart; shapes as in :func:`lesion_loss`."""
    log_odds = F.log_softmax(logits.float(), dim=2)
    target = (labels > 0).long()
    entropy = -log_odds.gather(2, target[:, :, None])[:, :, 0]
    mean = (valid * entropy).sum() / valid.sum().clamp(min=1)
    return mean + loss.dice * _tversky(log_odds.exp(), target, valid, loss.tversky_alpha)


def hardest(entropy: Tensor, negative: Tensor, share: float) -> Tensor:
    """One where a voxel is no negative, or among the hardest `share` of the negatives; else zero."""
    values = entropy[negative]
    if not len(values):
        return torch.ones_like(entropy)
    kept = max(1, round(share * len(values)))
    limit = values.topk(kept).values[-1]
    return (~negative | (entropy >= limit)).float()


def _shares(target: Tensor, candidate: Tensor, weight: Tensor, class_weights: tuple[float, ...]) -> Tensor:
    """Weights of candidates that sum to one (to its weight, if given) within each class present."""
    share = torch.zeros_like(weight)
    for kind in range(3):
        member = (candidate & (target == kind)).float() * weight
        # Inverse square root of the local count: ten voxels weigh three times as much as one, not ten times.
        crowd = F.avg_pool2d(F.avg_pool2d(member, (9, 1), 1, (4, 0)), (1, 9), 1, (0, 4)) * 81
        member = member / crowd.clamp(min=1).sqrt()
        wanted = class_weights[kind] if class_weights else 1.0 / 3
        share = share + wanted * member / member.sum().clamp(min=1)
    return share


def _tversky(odds: Tensor, target: Tensor, weight: Tensor, alpha: float) -> Tensor:
    """One minus the Tversky index (Salehi et al., MLMI 2017), mean over the foreground classes."""
    terms = []
    for kind in range(1, odds.shape[2]):
        found, truth = odds[:, :, kind] * weight, (target == kind) * weight
        hit = (found * truth).sum()
        false_positive, false_negative = found.sum() - hit, truth.sum() - hit
        terms.append(1 - (hit + 1) / (hit + alpha * false_positive + (1 - alpha) * false_negative + 1))
    return torch.stack(terms).mean()

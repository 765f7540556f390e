"""The truth of a simulated scan: which voxels the planted calcium, or metal, lifts to the threshold."""

import numpy as np
import torch
from torch import Tensor

from calcohort.phantom.anatomy import Anatomy
from calcohort.phantom.paint import Canvas, Layer

CORONARY, OTHER, HEART, METAL = 1, 2, 3, 4
# Lesions and their layers have the labels 0 to 2; what is no calcium is metal.
TRUTHS = ((0, METAL), (CORONARY, CORONARY), (OTHER, OTHER))
THRESHOLD = 130.0


def mineral_gain(kvp: int) -> float:
    """How much brighter calcium is than at 120 kV."""
    return float(np.interp(kvp, [80, 100, 120, 140], [1.5, 1.2, 1.0, 0.9]))


def contributions(canvas: Canvas, anatomy: Anatomy, kvp: int):
    """HU that planted material adds to the tissue: (3, z, y, x) for labels 0, 1, 2, in a common box."""
    gain = mineral_gain(kvp)
    layers = [(s, Layer(s.tube, s.hu, group=s.group, detail="fine")) for s in anatomy.lesions]
    boxes = [(s, layer, canvas.box(layer.solid, layer.group)) for s, layer in layers]
    boxes = [entry for entry in boxes if entry[2] is not None]
    if not boxes:
        return None, None, None
    limits = canvas.hu.shape
    region = tuple(
        slice(
            max(0, min(b[axis].start for _, _, b in boxes) - (12 if axis else 0)),
            min(limits[axis], max(b[axis].stop for _, _, b in boxes) + (12 if axis else 0)),
        )
        for axis in range(3)
    )
    shape = [s.stop - s.start for s in region]
    added = torch.zeros((3, *shape), device=canvas.device)
    territory = torch.zeros(shape, dtype=torch.uint8, device=canvas.device)
    for lesion, layer, _ in boxes:
        box, part = canvas.coverage(layer)
        local = tuple(slice(b.start - r.start, b.stop - r.start) for b, r in zip(box, region, strict=True))
        hu = lesion.hu * (gain if lesion.label else 1.0)
        rise = part * (hu - canvas.hu[box])
        target = added[(lesion.label, *local)]
        if lesion.label == CORONARY:
            territory[local][rise > target.clamp(min=1.0)] = lesion.territory
        torch.maximum(target, rise, out=target)
    return region, added, territory


def labels_and_vessels(
    canvas: Canvas, anatomy: Anatomy, hu, clean, parts, region, heart, territory
) -> tuple[Tensor, Tensor]:
    """Labels and vessels of every voxel."""
    labels = torch.zeros(hu.shape, dtype=torch.uint8, device=hu.device)
    vessels = torch.zeros_like(labels)
    if heart is not None:
        labels[heart[0]][heart[1] > 0.5] = HEART
    for artery in anatomy.arteries:
        found = canvas.coverage(Layer(artery.tube(), "blood", group="heart", detail="medium"))
        if found is not None:
            vessels[found[0]][found[1] > 0.5] = artery.territory
    if region is None:
        return labels, vessels
    tissue = clean[region] - parts.amax(0)
    # It must account for at least half of the rise from tissue to threshold; noise may do the rest.
    needed = (0.5 * (THRESHOLD - tissue)).clamp_(min=40.0)
    strongest, which = parts.max(0)
    lifted = (hu[region] >= THRESHOLD) & (strongest >= needed)
    target = labels[region]
    for layer, label in TRUTHS:
        target[lifted & (which == layer)] = label
    # Blur and motion carry calcium some pixels beyond where it was planted.
    reached = torch.nn.functional.max_pool2d(territory[:, None].float(), 9, 1, 4)[:, 0].to(torch.uint8)
    nearest = torch.where(territory > 0, territory, reached)
    calcium = (target == CORONARY) & (nearest > 0)
    vessels[region][calcium] = nearest[calcium]
    return labels, vessels

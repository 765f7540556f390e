"""Segmenter: from a scan in Hounsfield units to the labels of its calcium."""

from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from calcohort.networks.blocks import fuse_batch_norms
from calcohort.networks.files import Model, Network, load_model
from calcohort.networks.precision import autocast, pick_device
from calcohort.segmentation import grids, vote
from calcohort.segmentation.heart import Heart, NoHeart, find_heart
from calcohort.volume import Volume

# The heart network takes long scans in overlapping pieces, so that memory stays bounded.
PIECE, OVERLAP = 96, 16


@dataclass(frozen=True)
class Segmentation:
    """What was found in a scan.

    Attributes
    ----------
    labels : ndarray, uint8 (z, y, x)
        0 background, 1 coronary calcium, 2 other calcification, 3 heart; the scan's own grid.
    heart_volume_ml : float
    heart_box : tuple (z0, z1, y0, y1, x0, x1)
        Voxels that hold the heart and the margin in which calcium counts, half open.
    warnings : tuple of str
    """

    labels: np.ndarray
    heart_volume_ml: float
    heart_box: tuple[int, int, int, int, int, int]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """What the networks say about a scan, before the vote.

    Attributes
    ----------
    heart : Heart
    box : tuple (z0, z1, y0, y1, x0, x1)
    inside, mask : ndarray, bool
        Heart and candidate voxels, on the box.
    voxels : ndarray of int, shape (n, 3)
        Candidates, as indices within the box.
    probabilities : ndarray, shape (3, n)
        Of background, coronary and other, at the candidates.
    """

    heart: Heart
    box: tuple[int, int, int, int, int, int]
    inside: np.ndarray
    mask: np.ndarray
    voxels: np.ndarray
    probabilities: np.ndarray

    def parts(self, volume: Volume, rules: vote.Rules) -> vote.Parts:
        """Parts of the candidates in their scan; the rules' thresholds of probability play no role yet."""
        members = vote.components(self.mask, rules.dimensions)
        voxels = self.voxels + np.array(self.box[::2])
        return vote.find_parts(voxels, members, self.probabilities, volume.hu, volume.spacing_zyx_mm, rules)

    def labels(self, shape_zyx, classes: np.ndarray) -> np.ndarray:
        """Labels of a scan of some shape, uint8 (z, y, x), from the classes of the candidates, uint8 (n,)."""
        labels = np.zeros(shape_zyx, dtype=np.uint8)
        inner = labels[_slices(self.box)]
        inner[self.inside] = vote.HEART
        inner[self.mask] = np.where(classes > 0, classes, inner[self.mask])
        return labels


class Segmenter:
    """Both networks of a model, ready to run.

    Parameters
    ----------
    model : Model
    device : {"auto", "cpu", "cuda"} or torch device
        As :func:`calcohort.networks.precision.pick_device` takes it.

    Attributes
    ----------
    piece : int
        Slices that the heart network takes at a time.
    """

    def __init__(self, model: Model, device: str = "auto"):
        self.device = pick_device(device)
        self.rules = vote.Rules(**model.rules)
        self.piece = PIECE
        self.heart, self.lesion = (self._ready(network) for network in (model.heart, model.lesion))

    @classmethod
    def load(cls, model_dir: str | Path, device: str = "auto") -> "Segmenter":
        """Segmenter of a model's folder."""
        return cls(load_model(model_dir), device)

    def __call__(self, volume: Volume) -> Segmentation:
        """Segment one scan.

        Raises
        ------
        NoHeart
            If the scan shows none.
        """
        evidence = self.gather(volume)
        parts = evidence.parts(volume, self.rules)
        labels = evidence.labels(volume.shape_zyx, vote.decide(parts, self.rules)[parts.members])
        hollow = ("hollow_part",) if vote.hollow_parts(parts, self.rules).any() else ()
        warnings = (*evidence.heart.warnings, *hollow)
        return Segmentation(labels, evidence.heart.volume_ml, evidence.box, warnings)

    def gather(self, volume: Volume) -> Evidence:
        """Run both networks on a scan; what follows from it is for :meth:`Evidence.parts`.

        Raises
        ------
        NoHeart
            If the scan shows none.
        """
        frame = grids.heart_frame(volume.shape_zyx, volume.spacing_zyx_mm, self.heart.inputs.pixel_mm)
        heart = find_heart(self.heart_probability(volume, frame), frame.spacing_zyx_mm)
        box = self._heart_box(heart, frame, volume)
        distance = grids.interpolate(heart.distance_mm, frame, box)
        mask = vote.candidates(volume.hu[_slices(box)], distance, self.rules)
        voxels = np.argwhere(mask)
        probabilities = np.zeros((3, 0), dtype=np.float32)
        if len(voxels):
            probabilities = self.lesion_probability(volume, heart, frame, box, mask, voxels)
        return Evidence(heart, box, distance > 0, mask, voxels, probabilities)

    def many(self, volumes: Iterable[Volume]) -> Iterator[Segmentation | NoHeart]:
        """Segment scans in turn; one without a heart yields the exception instead of raising it."""
        for volume in volumes:
            try:
                yield self(volume)
            except NoHeart as missing:
                yield missing

    def heart_probability(self, volume: Volume, frame: grids.Frame) -> np.ndarray:
        """Probability of heart on the cells of a frame, float32 (z, y, x)."""
        stack, (top, left) = grids.on_canvas(grids.resample_hu(volume.hu, frame), grids.AIR)
        rows, columns = slice(top, top + frame.shape_zyx[1]), slice(left, left + frame.shape_zyx[2])
        probability = np.empty(frame.shape_zyx, dtype=np.float32)
        for start in range(0, max(1, len(stack) - 2 * OVERLAP), self.piece - 2 * OVERLAP):
            stop = min(start + self.piece, len(stack))
            piece = self._run(self.heart, stack[start:stop])[1, :, rows, columns]
            skip = OVERLAP if start else 0
            probability[start + skip : stop] = piece[skip:]
        return probability

    def lesion_probability(self, volume: Volume, heart: Heart, heart_frame, box, mask, voxels) -> np.ndarray:
        """Probabilities (3, n) of the classes at n candidate voxels (indices within `box`)."""
        frame = grids.lesion_frame(box, volume.spacing_zyx_mm, self.lesion.inputs.pixel_mm)
        stack = grids.resample_hu(volume.hu, frame)
        native = np.stack([box[0] + np.flatnonzero(mask.any(axis=(1, 2)))], axis=1)
        kept = _with_neighbours(np.round(frame.cells(0, native[:, 0])).astype(int), len(stack))
        distance = _distance_on(frame, heart, heart_frame)[kept] if self.lesion.inputs.distance else None
        fields = np.zeros((3, *frame.shape_zyx), dtype=np.float32)
        fields[0] = 1
        fields[:, kept] = self._run(self.lesion, stack[kept], distance)
        return grids.interpolate_at(fields, frame, voxels + np.array(box[::2]))

    def _run(self, network: Network, stack: np.ndarray, distance: np.ndarray | None = None) -> np.ndarray:
        """Probabilities (classes, z, y, x) of one stack."""
        with torch.inference_mode(), autocast(self.device):
            hu = torch.from_numpy(stack).to(self.device)
            mm = None if distance is None else torch.from_numpy(distance).to(self.device)
            logits = network.module(network.inputs(hu, mm)[None])[0]
            return torch.softmax(logits.float(), dim=1).transpose(0, 1).cpu().numpy()

    def _ready(self, network: Network) -> Network:
        module = deepcopy(network.module).eval()
        module = fuse_batch_norms(module).to(self.device, memory_format=torch.channels_last)
        return Network(network.name, network.task, network.config, network.inputs, module)

    def _heart_box(self, heart: Heart, frame: grids.Frame, volume: Volume):
        """Native box of the dilated heart."""
        near = heart.distance_mm > -self.rules.margin_mm
        box = []
        for axis, size in enumerate(volume.shape_zyx):
            cells = np.flatnonzero(near.any(axis=tuple(other for other in range(3) if other != axis)))
            low, high = frame.native(axis, cells[0] - 0.5), frame.native(axis, cells[-1] + 0.5)
            box += [max(0, int(np.floor(low + 0.5))), min(size, int(np.ceil(high + 0.5)))]
        return tuple(box)


def _slices(box) -> tuple[slice, slice, slice]:
    return tuple(slice(box[2 * axis], box[2 * axis + 1]) for axis in range(3))


def _distance_on(frame: grids.Frame, heart: Heart, heart_frame: grids.Frame) -> np.ndarray:
    """Signed distance to the heart on the lesion network's cells, by way of native positions."""
    values = heart.distance_mm
    for axis in range(3):
        native = frame.native(axis, np.arange(frame.shape_zyx[axis]))
        values = grids.resample_axis(values, heart_frame.cells(axis, native), axis)
    return values


def _with_neighbours(slices: np.ndarray, depth: int) -> np.ndarray:
    """Slices and the ones beside them, once each, in order."""
    return np.unique(np.clip(slices[:, None] + np.array([-1, 0, 1]), 0, depth - 1))

"""Unseen phantoms to test a model on, and the choice of its threshold on others."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from calcohort.digest import code_digest, text_digest
from calcohort.phantom import Phantom, acquire, draw_anatomy
from calcohort.phantom.store import kept_phantom
from calcohort.scoring import score
from calcohort.segmentation import NoHeart, Segmenter, vote
from calcohort.segmentation.infer import Evidence
from calcohort.training.evaluate import choose_threshold
from calcohort.volume import Volume

# No training phantom and no cohort has seeds under these roots.
ROOTS = {"test": 30_260, "calibration": 40_260}
THRESHOLDS = tuple(np.round(np.arange(0.4, 0.96, 0.05), 2).tolist())
# Of small parts; 0 asks no more of them than of others.
SMALL_THRESHOLDS = (0.0, 0.9, 0.95, 0.98)
# A part more hollow is a stent; 1 is never passed. The loosest first: of equals the first is taken. Plaque
# around half of a lumen comes to nearly 0.05: nothing stricter is tried.
HOLLOW_SHARES = (1.0, 0.15, 0.12, 0.1, 0.08, 0.07, 0.06, 0.05)
# The rules that calibration chooses, in the order in which it tries them.
CHOSEN = ("coronary_threshold", "small_threshold", "hollow_share")
# So many kinds of confounders make a hard scan.
MANY = 3


@dataclass(frozen=True)
class Trial:
    """Which phantoms to try.

    Attributes
    ----------
    root : {"test", "calibration"}
    population : {"training", "demo", "shifted"}
    protocols : tuple of str
        Taken in turn.
    first_seed, count : int
    hard_half : bool
        Every second pair of scans is drawn until three or more kinds of confounders are in it.
    """

    root: str = "test"
    population: str = "demo"
    protocols: tuple[str, ...] = ("ctac_stress", "cac_gated")
    first_seed: int = 1
    count: int = 40
    hard_half: bool = False

    def seeds(self) -> range:
        """Seeds of the phantoms, in order."""
        return range(self.first_seed, self.first_seed + self.count)

    def phantom(self, seed: int, device: str = "cpu", keep: str | Path | None = None) -> Phantom:
        """The scan of one seed; with a folder `keep` it is drawn once and read from there ever after."""
        if keep is None:
            return self._drawn(seed, device)
        # Other phantoms (another trial, another way of drawing) have other names.
        plan = {name: value for name, value in asdict(self).items() if name not in ("first_seed", "count")}
        name = text_digest(repr(sorted(plan.items())), code_digest("calcohort.phantom"))
        return kept_phantom(Path(keep) / f"{name}-{seed:05d}.npz", lambda: self._drawn(seed, device))

    def _drawn(self, seed: int, device: str) -> Phantom:
        protocol = self.protocols[seed % len(self.protocols)]
        key, redrawn = (ROOTS[self.root], seed), 0
        anatomy = draw_anatomy(key, population=self.population)
        hard = self.hard_half and (seed // len(self.protocols)) % 2 == 0
        while hard and len(anatomy.confounders) < MANY:
            redrawn += 1
            anatomy = draw_anatomy((*key, redrawn), population=self.population)
        return acquire(anatomy, protocol, seed, device=device)

    def phantoms(self, device: str = "cpu", keep: str | Path | None = None) -> Iterator[tuple[int, Phantom]]:
        """Yield seed and phantom, one after the other."""
        for seed in self.seeds():
            yield seed, self.phantom(seed, device, keep)


def calibrate(
    segmenter: Segmenter, trials: Sequence[Trial], keep: str | Path | None = None
) -> tuple[vote.Rules, pd.DataFrame]:
    """Choose the thresholds after the network on phantoms.

    Parameters
    ----------
    trials : sequence of Trial
        Scans like those of the training, and others: a threshold that fits the first alone may lose lesions
        that look a little different.

    Returns
    -------
    Rules
        The segmenter's, with the thresholds of greatest agreement
        (:func:`calcohort.training.evaluate.choose_threshold`).
    DataFrame
        One row per scan: reference, and the score under all thresholds, ``at_LARGE_SMALL_HOLLOW``.
    """
    tried = list(itertools.product(THRESHOLDS, SMALL_THRESHOLDS, HOLLOW_SHARES))
    rules = [_with(segmenter.rules, thresholds) for thresholds in tried]
    reference, estimates = [], []
    device = str(segmenter.device)
    for _, phantom in itertools.chain.from_iterable(trial.phantoms(device, keep) for trial in trials):
        try:
            evidence = segmenter.gather(phantom.volume)
        except NoHeart:
            continue
        reference.append(phantom.agatston)
        estimates.append(_scores(evidence, phantom.volume, rules))
    reference, estimates = np.array(reference), np.array(estimates).reshape(-1, len(tried))
    chosen = choose_threshold(reference, dict(zip(tried, estimates.T, strict=True)))
    names = [f"at_{large:g}_{small:g}_{hollow:g}" for large, small, hollow in tried]
    table = pd.DataFrame(estimates, columns=names)
    table.insert(0, "reference", reference)
    return _with(segmenter.rules, chosen), table


def _scores(evidence: Evidence, volume: Volume, rules: Sequence[vote.Rules]) -> list[float]:
    """Agatston score under each of the rules, which differ in those of `CHOSEN` alone."""
    parts, known, scores = evidence.parts(volume, rules[0]), {}, []
    for each in rules:
        classes = vote.decide(parts, each)
        # Most thresholds let the same parts through.
        key = (classes == vote.CORONARY).tobytes()
        if key not in known:
            labels = evidence.labels(volume.shape_zyx, classes[parts.members])
            known[key] = score(volume, labels == vote.CORONARY).agatston
        scores.append(known[key])
    return scores


def _with(rules: vote.Rules, thresholds: tuple[float, float, float]) -> vote.Rules:
    return replace(rules, **dict(zip(CHOSEN, thresholds, strict=True)))

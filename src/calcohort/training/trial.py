"""Try a model on unseen phantoms: whole scans on their own grid, from Hounsfield units to the score."""

import time
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from calcohort.categories import categorise
from calcohort.phantom import acquire, draw_anatomy
from calcohort.scoring import score
from calcohort.segmentation import NoHeart, Segmenter, vote
from calcohort.training.evaluate import choose_threshold
from calcohort.training.prepare import heart_of

# No training phantom and no cohort has seeds under these roots.
ROOTS = {"test": 30_260, "calibration": 40_260}
THRESHOLDS = tuple(np.round(np.arange(0.3, 0.86, 0.05), 2).tolist())


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
    """

    root: str = "test"
    population: str = "demo"
    protocols: tuple[str, ...] = ("ctac_stress", "cac_gated")
    first_seed: int = 1
    count: int = 40

    def phantoms(self, device: str = "cpu"):
        """Yield seed and phantom, one after the other."""
        for seed in range(self.first_seed, self.first_seed + self.count):
            protocol = self.protocols[seed % len(self.protocols)]
            anatomy = draw_anatomy((ROOTS[self.root], seed), population=self.population)
            yield seed, acquire(anatomy, protocol, seed, device=device)


def try_model(segmenter: Segmenter, trial: Trial) -> pd.DataFrame:
    """Score phantoms with a model.

    Returns
    -------
    DataFrame
        One row per phantom: seed, site, scan_type, confounders, agatston_expert (the truth), agatston_dl,
        categories, heart_volume_ml and its true value, share of coronary calcium inside the heart region,
        Agatston of voxels wrongly taken for coronary, seconds.
    """
    rows = []
    for seed, phantom in trial.phantoms(str(segmenter.device)):
        started = time.perf_counter()
        try:
            found = segmenter(phantom.volume)
        except NoHeart:
            rows.append({"seed": seed, "scan_type": phantom.protocol, "agatston_expert": phantom.agatston})
            continue
        seconds = time.perf_counter() - started
        coronary = phantom.labels == vote.CORONARY
        predicted = found.labels == vote.CORONARY
        inside = np.zeros_like(coronary)
        region = tuple(slice(*found.heart_box[2 * axis : 2 * axis + 2]) for axis in range(3))
        inside[region] = True
        rows.append(
            {
                "seed": seed,
                "site": trial.population,
                "scan_type": phantom.protocol,
                "confounders": " ".join(phantom.confounders),
                "agatston_expert": phantom.agatston,
                "agatston_dl": score(phantom.volume, predicted).agatston,
                "agatston_other": score(phantom.volume, predicted & (phantom.labels == vote.OTHER)).agatston,
                "agatston_none": score(phantom.volume, predicted & np.isin(phantom.labels, (0, 3))).agatston,
                "found": float((predicted & coronary).sum() / max(1, coronary.sum())),
                "in_box": float((inside & coronary).sum() / max(1, coronary.sum())),
                "heart_volume_ml": found.heart_volume_ml,
                "heart_true_ml": float(
                    heart_of(phantom.labels).sum() * phantom.volume.voxel_volume_mm3 / 1000
                ),
                "warnings": " ".join(found.warnings),
                "seconds": seconds,
            }
        )
    table = pd.DataFrame(rows)
    for name in ("expert", "dl"):
        table[f"category_{name}"] = categorise(table[f"agatston_{name}"]).astype(str)
    return table


def calibrate(segmenter: Segmenter, trial: Trial) -> tuple[float, pd.DataFrame]:
    """Choose the coronary threshold on phantoms; returns it and the scores under every threshold."""
    reference, estimates = [], {threshold: [] for threshold in THRESHOLDS}
    for _, phantom in trial.phantoms(str(segmenter.device)):
        try:
            evidence = segmenter.gather(phantom.volume)
        except NoHeart:
            continue
        reference.append(phantom.agatston)
        for threshold in THRESHOLDS:
            rules = replace(segmenter.rules, coronary_threshold=threshold)
            labels = evidence.labels(phantom.volume, rules)
            estimates[threshold].append(score(phantom.volume, labels == vote.CORONARY).agatston)
    reference = np.array(reference)
    arrays = {threshold: np.array(values) for threshold, values in estimates.items()}
    table = pd.DataFrame({"reference": reference} | {f"at_{key:g}": values for key, values in arrays.items()})
    return choose_threshold(reference, arrays), table

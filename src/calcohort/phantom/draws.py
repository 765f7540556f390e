"""Random draws of anatomical measures, by population."""

import numpy as np
from scipy.spatial.transform import Rotation

from calcohort.phantom.solids import Wobble

POPULATIONS = ("training", "demo", "shifted")
# How much wider than life training is; what is "shifted" begins where training ends.
TRAINING_WIDTH, SHIFTED_WIDTH = 1.35, 1.8


class Draw:
    """Draws measures given as realistic ranges.

    "demo" stays in the range, "training" widens it about its middle (domain randomisation), and "shifted"
    puts about half of the measures just outside what training has seen.
    """

    def __init__(self, generator: np.random.Generator, population: str):
        self.generator, self.population = generator, population

    def span(self, low: float, high: float, floor: float | None = None) -> float:
        """One measure whose realistic range is low to high; never below `floor`."""
        middle, half = (low + high) / 2, (high - low) / 2
        unit = self.generator.uniform(-1.0, 1.0)
        outside = self.generator.random() < 0.5
        if self.population == "training":
            unit *= TRAINING_WIDTH
        elif self.population == "shifted" and outside:
            unit = np.sign(unit) * (TRAINING_WIDTH + abs(unit) * (SHIFTED_WIDTH - TRAINING_WIDTH))
        value = middle + half * unit
        return float(value if floor is None else max(value, floor))

    def uniform(self, low: float, high: float) -> float:
        """One measure that every population draws alike."""
        return float(self.generator.uniform(low, high))

    def vector(self, size: float) -> np.ndarray:
        """Displacement with normal components of standard deviation `size`, at most twice that."""
        return np.clip(self.generator.normal(0.0, size, 3), -2 * size, 2 * size)

    def chance(self, demo: float, training: float | None = None) -> bool:
        """True with the probability of the population ("shifted" takes training's)."""
        p = demo if self.population == "demo" or training is None else training
        return bool(self.generator.random() < p)

    def only_shifted(self, share: float) -> bool:
        """True with this probability in the "shifted" population; never, and without a draw, in others."""
        return self.population == "shifted" and bool(self.generator.random() < share)

    def integer(self, low: int, high: int) -> int:
        """Whole number from low to high, both included."""
        return int(self.generator.integers(low, high + 1))

    def rotation(self, degrees: float) -> np.ndarray:
        """Small rotation matrix, each Euler angle within +- `degrees` in life."""
        angles = [self.span(-degrees, degrees) for _ in range(3)]
        return Rotation.from_euler("xyz", angles, degrees=True).as_matrix()

    def wobble(self, amplitude: float, low: float = 35.0, high: float = 80.0) -> Wobble:
        """Unevenness of a surface with wavelengths between low and high (mm)."""
        lengths = tuple(self.uniform(low, high) for _ in range(3))
        phases = tuple(self.uniform(0, 2 * np.pi) for _ in range(3))
        return Wobble(self.span(0.4, 1.0, 0.0) * amplitude, lengths, phases)

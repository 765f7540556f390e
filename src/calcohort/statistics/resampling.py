"""Bootstrap over patients by weights: draws, Kaplan-Meier in all replicates at once, percentile intervals."""

from collections.abc import Iterator

import numpy as np

_CHUNK_CELLS = 1_000_000


def patient_weights(n: int, replicates: int, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Multinomial weights of `n` patients, in chunks of shape (replicates of the chunk, n)."""
    size = max(1, min(replicates, _CHUNK_CELLS // max(n, 1)))
    for begin in range(0, replicates, size):
        rows = min(size, replicates - begin)
        drawn = generator.integers(0, n, size=(rows, n)) + np.arange(rows)[:, None] * n
        yield np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(float)


def weights_of_indices(indices: np.ndarray, n: int) -> np.ndarray:
    """Weights (replicates, n) of given resamples (replicates, n) of positions."""
    return np.stack([np.bincount(row, minlength=n) for row in indices]).astype(float)


class WeightedKaplanMeier:
    """Kaplan-Meier of one group of patients under many sets of weights.

    Parameters
    ----------
    time, event : arrays, shape (n,)
        event may be the censoring, for the censoring distribution: then at one time both are at risk.
    """

    def __init__(self, time: np.ndarray, event: np.ndarray):
        self.order = np.argsort(time, kind="stable")
        self.time = time[self.order]
        self.died = np.flatnonzero(event[self.order] == 1)
        self.event_times, self.first_death = np.unique(self.time[self.died], return_index=True)
        self.at_risk_from = np.searchsorted(self.time, self.event_times)

    def survival(self, weights: np.ndarray) -> np.ndarray:
        """Survival after each distinct event time, shape (replicates, event times)."""
        if not len(self.event_times):
            return np.empty((len(weights), 0))
        ordered = weights[:, self.order]
        gone = np.cumsum(ordered, axis=1)
        before = np.where(self.at_risk_from > 0, gone[:, self.at_risk_from - 1], 0.0)
        at_risk = gone[:, -1:] - before
        deaths = np.add.reduceat(ordered[:, self.died], self.first_death, axis=1)
        return np.cumprod(1.0 - deaths / np.where(at_risk > 0, at_risk, 1.0), axis=1)

    def at(self, weights: np.ndarray, horizons: np.ndarray) -> np.ndarray:
        """Survival at `horizons`, shape (replicates, horizons); carried on after the last event."""
        survival = np.hstack([np.ones((len(weights), 1)), self.survival(weights)])
        return survival[:, np.searchsorted(self.event_times, horizons, side="right")]


def percentile_interval(values: np.ndarray) -> tuple[float, float, int]:
    """2.5 and 97.5 % quantiles (type 2) of the finite values, and how many these are."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return np.nan, np.nan, 0
    low, high = np.quantile(finite, [0.025, 0.975], method="averaged_inverted_cdf")
    return float(low), float(high), len(finite)

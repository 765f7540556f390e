"""Categorical net reclassification: does the standard score move patients the right way from dl_ctac?

Up means that the standard score's category is the higher one. Event component = P(up | event) -
P(down | event), non-event component = P(down | no event) - P(up | no event); the overall NRI is their sum and
is never given alone.
"""

from collections.abc import Callable, Iterable

import numpy as np

from calcohort.errors import InputError
from calcohort.seeds import rng
from calcohort.statistics.checks import alongside, ranked, survival_data
from calcohort.statistics.populations import Settings
from calcohort.statistics.resampling import WeightedKaplanMeier, patient_weights, percentile_interval
from calcohort.statistics.tidy import notes

COMPONENTS = ("event", "nonevent", "overall")
BINARY_NOTE = "early-censored patients count as non-events"
HELD = "follow-up of some who move ends before: their curve is held"


def _components(up_event, down_event, up_nonevent, down_nonevent) -> np.ndarray:
    event, nonevent = up_event - down_event, down_nonevent - up_nonevent
    return np.stack([event, nonevent, event + nonevent])


def binary(direction: np.ndarray, event: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Binary NRI over the whole follow-up (Pencina 2008), shape (3, replicates).

    Parameters
    ----------
    direction : int array, shape (n,)
        1 up, -1 down, 0 unchanged.
    event : array, shape (n,)
    weights : array, shape (replicates, n)
        Ones for the estimate.
    """
    cells = np.stack([(direction == d) & (event == e) for e in (1, 0) for d in (1, -1, 0)])
    return binary_from_counts(weights @ cells.T.astype(float))


def binary_from_counts(counts: np.ndarray) -> np.ndarray:
    """Binary NRI from counts (replicates, 6): up, down, unchanged with an event, then without one."""
    with np.errstate(invalid="ignore", divide="ignore"):
        event = counts[:, :3] / counts[:, :3].sum(axis=1, keepdims=True)
        nonevent = counts[:, 3:] / counts[:, 3:].sum(axis=1, keepdims=True)
    return _components(event[:, 0], event[:, 1], nonevent[:, 0], nonevent[:, 1])


class SurvivalNri:
    """KM (Pencina 2011) and IPW (Uno 2013) estimators at several horizons, for many sets of weights at once.

    Parameters
    ----------
    time, event, direction : arrays, shape (n,)
    horizons : array, shape (horizons,)
        In the unit of `time`; nobody's non-events are known after the last time.

    Raises
    ------
    InputError
        If the arrays are not survival data, or a direction is not -1, 0 or 1.
    """

    def __init__(self, time: np.ndarray, event: np.ndarray, direction: np.ndarray, horizons: np.ndarray):
        time, event = survival_data(time, event)
        direction = alongside(direction, len(time), "directions")
        if not np.isin(direction, (-1, 0, 1)).all():
            raise InputError("a direction is not -1, 0 or 1", where="net reclassification")
        self.time, self.event, self.direction = time, event, direction
        self.horizons = np.asarray(horizons, dtype=float)
        self.everybody = WeightedKaplanMeier(time, event)
        self.moved = {d: np.flatnonzero(direction == d) for d in (1, -1)}
        self.curves = {d: WeightedKaplanMeier(time[who], event[who]) for d, who in self.moved.items()}
        self.censoring = WeightedKaplanMeier(time, 1 - event)

    def km(self, weights: np.ndarray) -> np.ndarray:
        """By Bayes' rule from the curves of everybody and of those who move, (3, replicates, horizons)."""
        survival = self.everybody.at(weights, self.horizons)
        total = weights.sum(axis=1, keepdims=True)
        joint = {}
        for d, who in self.moved.items():
            share = weights[:, who].sum(axis=1, keepdims=True) / total
            alive = self.curves[d].at(weights[:, who], self.horizons)
            joint[d] = (share * (1.0 - alive), share * alive)
        with np.errstate(invalid="ignore", divide="ignore"):
            parts = [joint[d][k] / part for k, part in ((0, 1.0 - survival), (1, survival)) for d in (1, -1)]
        return _components(*parts)

    def ipw(self, weights: np.ndarray) -> np.ndarray:
        """Events weighted by 1 / G(time), G right-continuous; non-events those followed past the horizon."""
        ends = np.searchsorted(self.censoring.event_times, self.time, side="right")
        died = np.flatnonzero(self.event == 1)
        free = np.hstack([np.ones((len(weights), 1)), self.censoring.survival(weights)])[:, ends[died]]
        inverse = np.where(free > 0, weights[:, died] / np.where(free > 0, free, 1.0), 0.0)
        parts = []
        for horizon in self.horizons:
            early = self.time[died] <= horizon
            late = np.flatnonzero(self.time > horizon)
            parts.append([*_shares(inverse[:, early], self.direction[died][early])])
            parts[-1] += _shares(weights[:, late], self.direction[late])
        return _components(*np.moveaxis(np.array(parts), 0, -1))


def _shares(weights: np.ndarray, direction: np.ndarray) -> list[np.ndarray]:
    total = weights.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return [weights[:, direction == d].sum(axis=1) / total for d in (1, -1)]


def _rows(method: str, horizon, estimates, replicates, common: dict, note: str) -> Iterable[dict]:
    """estimates (3,), replicates (3, B)."""
    for k, component in enumerate(COMPONENTS):
        low, high, usable = percentile_interval(replicates[k])
        lost = replicates.shape[1] - usable
        yield {
            **common,
            "method": method,
            "horizon_years": horizon,
            "component": component,
            "estimate": estimates[k],
            "ci_low": low,
            "ci_high": high,
            "replicates": usable,
            "note": notes(
                note,
                "not estimable" if not np.isfinite(estimates[k]) else "",
                f"{lost} replicates not estimable" if lost and np.isfinite(estimates[k]) else "",
            ),
        }


def nri_rows(time, event, dl_ctac, standard, settings: Settings, key: dict) -> list[dict]:
    """Rows of nri.csv on paired patients: KM and IPW at each horizon, binary over the whole follow-up.

    Parameters
    ----------
    time, event, dl_ctac, standard : arrays, shape (n,)
        Years, 0/1, and both categories' indices.
    key : dict
        population and endpoint.
    """
    direction = np.sign(ranked(standard, len(time), "standard") - ranked(dl_ctac, len(time), "dl_ctac"))
    n = len(time)
    common = {**key, "n": n, "seed": settings.seed}
    horizons = np.array(sorted({*settings.horizons_years, settings.primary_horizon_years}))
    # A horizon that nobody was followed to has no estimate.
    reached = horizons[horizons <= time.max()]
    one = np.ones((1, n))
    rows = []
    survival = SurvivalNri(time, event, direction, reached)
    # Those who move up, or down, may all have left before the others.
    shortest = min((time[who].max() for who in survival.moved.values() if len(who)), default=np.inf)
    estimators: dict[str, Callable] = {"km": survival.km, "ipw": survival.ipw}
    estimates = {name: estimator(one)[:, 0] for name, estimator in estimators.items() if len(reached)}
    drawn = {name: [] for name in estimators}
    stream = rng("statistics", settings.seed, "nri", *key.values())
    for weights in patient_weights(n, settings.bootstrap_replicates, stream) if len(reached) else ():
        for name, estimator in estimators.items():
            drawn[name].append(estimator(weights))
    for name in estimators:
        for h, horizon in enumerate(reached):
            n_events = int(((event == 1) & (time <= horizon)).sum())
            replicates = np.concatenate(drawn[name], axis=1)[:, :, h]
            of_horizon = {**common, "n_events": n_events}
            note = HELD if shortest < horizon else ""
            rows += _rows(name, float(horizon), estimates[name][:, h], replicates, of_horizon, note)
        rows += [
            {**common, "method": name, "horizon_years": h, "component": c, "note": "follow-up ends before"}
            for h in horizons[horizons > time.max()].tolist()
            for c in COMPONENTS
        ]
    cells = np.array([((direction == d) & (event == e)).sum() for e in (1, 0) for d in (1, -1, 0)])
    resampled = rng("statistics", settings.seed, "nri binary", *key.values()).multinomial(
        n, cells / n, size=settings.bootstrap_replicates
    )
    replicates = binary_from_counts(resampled.astype(float))
    estimate = binary_from_counts(cells[None].astype(float))[:, 0]
    common["n_events"] = int(event.sum())
    return rows + list(_rows("binary", np.nan, estimate, replicates, common, BINARY_NOTE))

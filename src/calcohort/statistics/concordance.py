"""Harrell's C with the infinitesimal jackknife, and the comparison of two scores by it."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from calcohort.statistics.checks import ranked, survival_data
from calcohort.statistics.tidy import notes

Z95 = float(norm.ppf(0.975))


@dataclass(frozen=True)
class Concordance:
    """C = (concordant + tied_x / 2) / comparable pairs, with each patient's influence on it.

    influence (n,): derivative of C by the patient's weight; its sum of squares is the infinitesimal jackknife
    variance, as in R's survival::concordance. Differences of two C on the same patients use the difference of
    their influences.
    """

    estimate: float
    se: float
    concordant: int
    discordant: int
    tied_x: int
    influence: np.ndarray


def less_and_equal(
    ranks: np.ndarray, start: np.ndarray, stop: np.ndarray, limit: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """For each query, how many of ranks[start:stop] are less than `limit`, and how many equal it.

    A wavelet matrix: one stable partition for each bit of the ranks, so O(n log n) for n queries.

    Parameters
    ----------
    ranks : int array, shape (n,), not negative
    start, stop, limit : int arrays, shape (queries,)
    """
    below = np.zeros(len(limit), dtype=np.int64)
    highest = max(int(ranks.max(initial=0)), int(limit.max(initial=0)))
    for bit in reversed(range(highest.bit_length())):
        one = (ranks >> bit) & 1 == 1
        zeros = np.concatenate([[0], np.cumsum(~one)])
        zeros_start, zeros_stop = zeros[start], zeros[stop]
        upper = (limit >> bit) & 1 == 1
        below += np.where(upper, zeros_stop - zeros_start, 0)
        start = np.where(upper, zeros[-1] + start - zeros_start, zeros_start)
        stop = np.where(upper, zeros[-1] + stop - zeros_stop, zeros_stop)
        ranks = np.concatenate([ranks[~one], ranks[one]])
    # What is left between them has every bit of the limit.
    return below, stop - start


class ComparablePairs:
    """Who is compared with whom in Harrell's C: each event with all who are known to have outlived it.

    Somebody censored at the time of an event outlived it, and two events at one time are not comparable.

    Parameters
    ----------
    time, event : arrays, shape (n,)
    """

    def __init__(self, time: np.ndarray, event: np.ndarray):
        self.order = np.lexsort((1 - event, time))
        died = event[self.order] == 1
        ordered = time[self.order]
        self.moment = np.cumsum(np.diff(ordered, prepend=ordered[:1]) > 0) * 2 + ~died
        self.first = np.flatnonzero(died)
        self.later = np.searchsorted(self.moment, self.moment[self.first], side="right")

    def ranks(self, risk: np.ndarray) -> np.ndarray:
        """Ranks of `risk` (n,) in the order of the times, from 0 and without gaps."""
        return np.unique(risk, return_inverse=True)[1].astype(np.int64)[self.order]

    def below_and_tied(self, ranks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For each event, how many of those who outlived it rank below it, and how many tie."""
        end = np.full(len(self.first), len(ranks))
        return less_and_equal(ranks, self.later, end, ranks[self.first])

    def c(self, risk: np.ndarray) -> float:
        """C alone, for resampling; empty without a comparable pair."""
        less, equal = self.below_and_tied(self.ranks(risk))
        pairs = (len(self.order) - self.later).sum()
        return float((less.sum() + equal.sum() / 2) / pairs) if pairs else np.nan


def concordance(time: np.ndarray, event: np.ndarray, risk: np.ndarray) -> Concordance:
    """Harrell's C of `risk` (higher: earlier), as R's concordance(Surv(time, event) ~ risk, reverse=TRUE).

    Ties in risk count one half; tied event times are not comparable; an event and a censoring at one time
    are.

    Parameters
    ----------
    time, event, risk : arrays, shape (n,)

    Returns
    -------
    Concordance
        All of it empty where no pair is comparable.

    Raises
    ------
    InputError
        If the arrays are not survival data, or a risk is missing or no number.
    """
    time, event = survival_data(time, event)
    return _concordance(time, event, ranked(risk, len(time), "risks"))


def _concordance(time: np.ndarray, event: np.ndarray, risk: np.ndarray) -> Concordance:
    among = ComparablePairs(time, event)
    ranks, n = among.ranks(risk), len(among.order)
    concordant, discordant, tied = (np.zeros(n) for _ in range(3))
    first, later, moment = among.first, among.later, among.moment
    less, equal = among.below_and_tied(ranks)
    greater = n - later - less - equal
    totals = int(less.sum()), int(greater.sum()), int(equal.sum())
    concordant[first], discordant[first], tied[first] = less, greater, equal
    # The same pairs, counted for the one who was still at risk.
    earlier = np.searchsorted(moment[first], moment, side="left")
    less, equal = less_and_equal(ranks[first], np.zeros(n, dtype=int), earlier, ranks)
    concordant += earlier - less - equal
    discordant += less
    tied += equal
    pairs = sum(totals)
    if not pairs:
        return Concordance(np.nan, np.nan, 0, 0, 0, np.full(n, np.nan))
    c = (totals[0] + totals[2] / 2) / pairs
    influence = np.empty(n)
    influence[among.order] = (concordant + tied / 2 - c * (concordant + discordant + tied)) / pairs
    return Concordance(c, float(np.sqrt((influence**2).sum())), *totals, influence)


def ordinal_concordance(reference: np.ndarray, rating: np.ndarray) -> Concordance:
    """C of an ordinal `rating` against an ordinal `reference`, both (n,): every pair untied on the reference
    counts. It is not symmetric.
    """
    reference = ranked(reference, len(rating), "reference")
    rating = ranked(rating, len(reference), "rating")
    return _concordance(-reference, np.ones(len(reference), dtype=int), rating)


def interval(estimate: float, se: float) -> dict:
    """95 % normal interval; empty where the standard error is 0 or unknown."""
    if not np.isfinite(se) or se == 0:
        return {}
    return {"ci_low": estimate - Z95 * se, "ci_high": estimate + Z95 * se}


def _note(result: Concordance, se: float) -> str | None:
    if not np.isfinite(result.estimate):
        return "no comparable pairs"
    return "no interval: the estimate does not vary" if se == 0 else None


def concordance_row(result: Concordance, n: int) -> dict:
    """Columns of concordance_index.csv after `kind`."""
    note = _note(result, result.se)
    return {"estimate": result.estimate, **interval(result.estimate, result.se), "n": n, "note": note}


def c_comparison_row(time, event, dl_ctac, standard) -> dict:
    """Columns of c_comparison.csv: C of both scores' categories on the same patients, standard - dl_ctac."""
    dl, expert = concordance(time, event, dl_ctac), concordance(time, event, standard)
    difference = expert.estimate - dl.estimate
    se = float(np.sqrt(((expert.influence - dl.influence) ** 2).sum()))
    row = {
        "c_dl_ctac": dl.estimate,
        "c_standard": expert.estimate,
        "difference": difference,
        **interval(difference, se),
        "n": len(time),
        "n_events": int(np.sum(event)),
        "note": notes(_note(dl, se)),
    }
    if np.isfinite(se) and se > 0:
        row["p"] = 2.0 * norm.sf(abs(difference) / se)
    return row

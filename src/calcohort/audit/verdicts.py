"""Is a number compatible with a published one? The test of the difference, and how precise it is."""

import math
import re
from dataclasses import dataclass, replace

from scipy.stats import norm

from calcohort.exhibits.numbers import round_half_away

VERDICTS = (
    "compatible and precise",
    "compatible but imprecise",
    "differs",
    "by construction",
    "not computable",
)
KINDS = ("ratio", "difference", "percent", "count", "median", "p", "size")
Z = float(norm.ppf(0.975))
# An interval this many times wider than the published one says too little to confirm it.
IMPRECISE_FROM = 1.5
ALPHA = 0.05
# Standard error of a normal sample's median: sqrt(pi/2) sd / sqrt(n), with sd = IQR / 1.349.
_MEDIAN_SE_PER_IQR = math.sqrt(math.pi / 2) / 1.349


@dataclass(frozen=True)
class Published:
    """A claim as numbers.

    Attributes
    ----------
    value, low, high : float or None
        Estimate and interval (quartiles, for a median) in the published unit.
    p : str
        As printed, for example "<0.001".
    n : float or None
        Number of subjects behind it.
    decimals : int
        Most decimals printed among value and interval.
    bound : str
        "<" or ">" where only a bound was published.
    """

    value: float | None
    low: float | None
    high: float | None
    p: str
    n: float | None
    decimals: int
    bound: str = ""


@dataclass(frozen=True)
class Estimate:
    """A run's number in the published unit, its 95% interval, and where it comes from."""

    value: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    n: float | None = None
    interval: str = ""
    file: str = ""
    row: int | None = None
    column: str = ""


def parse_published(claim: dict) -> Published:
    """Numbers of a line of a claims file; texts that are not numbers become None."""
    value = claim["value"].strip()
    printed = [text for text in (value, claim["ci_low"], claim["ci_high"]) if text]
    bound = re.match(r"[<>]", value)
    return Published(
        value=number(value.lstrip("<>")),
        low=number(claim["ci_low"]),
        high=number(claim["ci_high"]),
        p=p_text(claim["p"]),
        n=number(claim["n"]),
        decimals=max((decimals(text) for text in printed), default=0),
        bound=bound[0] if bound else "",
    )


def judge(published: Published, estimate: Estimate, kind: str) -> tuple[str, str]:
    """Verdict and its reason.

    Parameters
    ----------
    published, estimate
        In the same unit; `n` of both is the denominator of a count or a percentage.
    kind : str
        One of `KINDS`: ratio (compared as logarithms), difference, percent and count (Wilson where no
        interval was published; counts as shares of their totals), median (published interval = quartiles),
        p (by its side of 0.05), size (of a sample: no estimate).
    """
    if kind == "p":
        return _judge_p(published.p, estimate.p)
    if kind == "size":
        return "not computable", "the size of a sample is a fact of that sample, not an estimate"
    if estimate.value is None or math.isnan(estimate.value):
        return "not computable", "the run's number is empty"
    if published.bound:
        return _judge_bound(published, estimate.value)
    if published.value is None:
        return "not computable", "what was published is not a number"
    if kind == "count":
        if not published.n or not estimate.n:
            return "not computable", "a count without its total cannot be compared"
        published, estimate = _as_shares(published, estimate)
    ours = _span(estimate.low, estimate.high)
    theirs = _published_span(published, kind)
    if theirs is None:
        return "not computable", "no interval was published, and none follows from what was"
    if ours is None:
        return "not computable", "this run has no interval of the number"
    return _judge_intervals(published, estimate, kind, ours, theirs)


def as_printed(claim: dict, estimate: Estimate, kind: str) -> bool | None:
    """Whether the run's numbers, rounded as they were printed, are the printed ones; None without any.

    A test of the difference does not find a slip of the pen in a manuscript; this does. Published quartiles
    of a median are not compared, for the run's interval of a median is another thing.
    """
    pairs = [(claim["value"], estimate.value)]
    if kind not in ("median", "p"):
        pairs += [(claim["ci_low"], estimate.low), (claim["ci_high"], estimate.high)]
    known = [
        math.isclose(round_half_away(ours, decimals(text)), number(text), abs_tol=1e-9)
        for text, ours in pairs
        if number(text) is not None and ours is not None and not math.isnan(ours)
    ]
    p = p_text(claim["p"])
    limit = number(p.lstrip("<>"))
    if limit is not None and estimate.p is not None:
        same = {"<": estimate.p < limit, ">": estimate.p > limit}.get(
            p[0], math.isclose(round_half_away(estimate.p, decimals(p)), limit, abs_tol=1e-9)
        )
        known.append(same)
    return all(known) if known else None


def wilson(count: float, n: float) -> tuple[float, float]:
    """Wilson 95% interval of count / n, as fractions."""
    share = count / n
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def number(text: str) -> float | None:
    """The number that `text` is, or None."""
    bare = re.sub(r"[\s%\u2009\u202f]", "", text).replace("−", "-").replace(",", "").removeprefix("=")
    try:
        value = float(bare)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def p_text(text: str) -> str:
    """A printed p-value without what stands around it: "p < .001" is "<.001", "P=0.04" is "0.04"."""
    return re.sub(r"[\sPp=]", "", text).replace("≤", "<").replace("≥", ">")


def decimals(text: str) -> int:
    """Digits printed after the decimal point."""
    found = re.search(r"\.(\d+)", text)
    return len(found[1]) if found else 0


def side(p: float | str) -> str:
    """ "below" or "above" 0.05; an empty text where `p` is not a p-value."""
    if not isinstance(p, str):
        return "" if p is None or math.isnan(p) else ("below" if p < ALPHA else "above")
    value = number(p.lstrip("<>"))
    if value is None:
        return ""
    if p.startswith("<"):
        return "below" if value <= ALPHA else ""
    if p.startswith(">"):
        return "above" if value >= ALPHA else ""
    return "below" if value < ALPHA else "above"


def _judge_p(published: str, p: float | None) -> tuple[str, str]:
    theirs, ours = side(published), side(p)
    if not theirs or not ours:
        return "not computable", "there is no p-value to hold against it"
    if theirs == ours:
        return "compatible and precise", f"both p-values are {ours} {ALPHA}"
    return "differs", f"published p is {theirs} {ALPHA}, this run's is {ours}"


def _judge_bound(published: Published, value: float) -> tuple[str, str]:
    holds = value < published.value if published.bound == "<" else value > published.value
    words = f"{'inside' if holds else 'outside'} the published bound"
    return ("compatible and precise" if holds else "differs"), words


def _as_shares(published: Published, estimate: Estimate) -> tuple[Published, Estimate]:
    theirs = replace(published, value=100 * published.value / published.n, low=None, high=None)
    scaled = (
        None if x is None else 100 * x / estimate.n for x in (estimate.value, estimate.low, estimate.high)
    )
    value, low, high = scaled
    return theirs, replace(estimate, value=value, low=low, high=high)


def _judge_intervals(
    published: Published, estimate: Estimate, kind: str, ours: tuple, theirs: tuple
) -> tuple[str, str]:
    scale = math.log if kind == "ratio" else float
    try:
        gap = abs(scale(estimate.value) - scale(published.value))
        # Half a unit of the last printed digit is rounding, not difference.
        half_unit = 0.0 if kind == "count" else 0.5 * 10.0**-published.decimals
        rounding = abs(scale(published.value + half_unit) - scale(published.value))
        low, high = (scale(bound) for bound in ours)
        their_low, their_high = (scale(bound) for bound in theirs)
    except ValueError:
        return "not computable", "a ratio of 0 has no logarithm"
    error = math.hypot(high - low, their_high - their_low) / (2 * Z)
    excess = max(0.0, gap - rounding)
    p = 1.0 if excess == 0 else (2 * norm.sf(excess / error) if error > 0 else 0.0)
    if p < ALPHA:
        return "differs", f"the difference is larger than both intervals explain (p {_p_text(p)})"
    # Printed to the digit, an interval can have no width: rounding is then the width that can be told.
    widest = IMPRECISE_FROM * max(their_high - their_low, 2 * rounding)
    if high - low > widest:
        return "compatible but imprecise", "this run's interval is more than 1.5 times the published width"
    return "compatible and precise", "no difference beyond both intervals, and the interval is narrow enough"


def _published_span(published: Published, kind: str) -> tuple[float, float] | None:
    if kind == "median":
        quartiles = _span(published.low, published.high)
        if quartiles is None or not published.n:
            return None
        half = Z * _MEDIAN_SE_PER_IQR * (quartiles[1] - quartiles[0]) / math.sqrt(published.n)
        return published.value - half, published.value + half
    span = _span(published.low, published.high)
    if span is None and kind in ("percent", "count") and published.n and 0 <= published.value <= 100:
        low, high = wilson(published.value / 100 * published.n, published.n)
        return 100 * low, 100 * high
    return span


def _span(low: float | None, high: float | None) -> tuple[float, float] | None:
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return None
    return (low, high) if low <= high else (high, low)


def _p_text(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"

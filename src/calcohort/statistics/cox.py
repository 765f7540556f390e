"""Cox models of the calcium categories, alone and adjusted for flow reserve and ischaemia."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from calcohort.categories import CATEGORIES
from calcohort.statistics.checks import ever_at_risk
from calcohort.statistics.partial_likelihood import Fit, maximise
from calcohort.statistics.populations import AnalysisSet
from calcohort.statistics.tidy import notes

ADJUSTMENT = ("mfr", "sds")
MODELS = ("univariable", "adjusted")
EVENTS_PER_PARAMETER = 10
EMPTY_REFERENCE = "empty reference category"
SEPARATION = "separation"
Z95 = float(norm.ppf(0.975))
# Numbers of 64 bits hold e to this power and its inverse.
LARGEST_LOG = 700.0
BEYOND = "ratio beyond the range of numbers: give the covariate in another unit"


@dataclass(frozen=True)
class Design:
    """A model's complete cases: covariates x (n, p), their names, time (n,), event (n,)."""

    x: np.ndarray
    terms: tuple[str, ...]
    time: np.ndarray
    event: np.ndarray

    @property
    def seen(self) -> np.ndarray:
        """Covariates of those who are there when the first event happens, shape (seen, p)."""
        return self.x[ever_at_risk(self.time, self.event)]


@dataclass(frozen=True)
class Model:
    """A fitted model; fit is None where there is none; reasons: why a term has no estimate.

    fitted_terms are the terms of `fit`, in its order; where the reference category is empty another one takes
    its place there, so that covariates stay adjusted.
    """

    design: Design
    fit: Fit | None
    fitted_terms: tuple[str, ...]
    reasons: dict[str, str]
    n_events: int

    @property
    def note(self) -> str | None:
        """`sparse` where there are fewer than ten events per parameter."""
        parameters = max(len(self.fitted_terms), 1)
        return "sparse" if self.n_events < EVENTS_PER_PARAMETER * parameters else None

    @property
    def unusable(self) -> str | None:
        """Why the model as a whole predicts and tests nothing; None where only terms have no estimate.

        A category whose hazard ratio is 0 or infinite leaves the likelihood its limit and the risks theirs.
        """
        if self.fit is None:
            return notes(*self.reasons.values())
        lost = zip(self.fitted_terms, self.fit.diverging, strict=True)
        return SEPARATION if any(bad and term not in CATEGORIES for term, bad in lost) else None

    @property
    def separated(self) -> bool:
        """Whether the likelihood rises for ever along some term."""
        return self.fit is not None and bool(self.fit.diverging.any())

    @property
    def fitted_x(self) -> np.ndarray:
        """Columns of the fitted terms, shape (n, fitted terms)."""
        return self.design.x[:, [self.design.terms.index(term) for term in self.fitted_terms]]

    @property
    def predictor(self) -> np.ndarray:
        """Linear predictor of each patient, shape (n,); diverging terms count with the value they reached."""
        if self.fit is None:
            return np.zeros(len(self.design.x))
        # Row by row: a matrix product may round equal patients differently, and break their tie in C.
        return (self.fitted_x * self.fit.beta).sum(axis=1)


def category_design(category: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Indicator columns (n, 3) of the categories above 0, and their names."""
    codes = np.arange(1, len(CATEGORIES))
    return (category[:, None] == codes).astype(float), CATEGORIES[1:]


def design(
    analysis_set: AnalysisSet, adjustment: tuple[str, ...] = (), categories: bool = True
) -> Design | None:
    """Model of the set's score and the columns `adjustment`; None where one of these is absent."""
    frame = analysis_set.frame
    if not all(column in frame for column in adjustment):
        return None
    whole = frame[list(adjustment)].notna().all(axis=1).to_numpy()
    x, terms = category_design(analysis_set.category) if categories else (np.empty((len(frame), 0)), ())
    x = np.hstack([x, frame[list(adjustment)].to_numpy(dtype=float)])[whole]
    return Design(x, (*terms, *adjustment), analysis_set.years[whole], analysis_set.event[whole])


def reference_present(given: Design) -> bool:
    """Whether anybody is in the reference category when the first event happens."""
    indicators = [k for k, term in enumerate(given.terms) if term in CATEGORIES]
    return bool((given.seen[:, indicators].sum(axis=1) == 0).any())


def fit(given: Design, with_reference: bool = True) -> Model:
    """Fit by Efron's method; a term without an estimate gets a reason instead of a number.

    Reasons: `no events`, `no complete case`, `constant`, `empty category`, `no time at risk` (members of a
    category all leave before the first event), `nobody else`, `empty reference category`, `collinear`,
    `separation` (its likelihood has no maximum). Terms without a reason keep their estimates.

    Parameters
    ----------
    given : Design
    with_reference : bool
        Whether anybody is in category 0; where nobody is, no category has a hazard ratio.
    """
    n_events = int(given.event.sum())
    if n_events == 0:
        why = "no events" if len(given.time) else "no complete case"
        return Model(given, None, (), dict.fromkeys(given.terms, why), 0)
    reasons, seen = {}, given.seen
    for k, term in enumerate(given.terms):
        if np.ptp(seen[:, k]) == 0:
            reasons[term] = _absent(given.x[:, k], seen[:, k]) if term in CATEGORIES else "constant"
    kept = [k for k, term in enumerate(given.terms) if term not in reasons]
    if not with_reference:
        categories = [term for term in given.terms if term in CATEGORIES]
        inside = [k for k in kept if given.terms[k] in CATEGORIES]
        reasons |= {term: EMPTY_REFERENCE for term in categories if term not in reasons}
        kept = [k for k in kept if k not in inside[:1]]
    if not kept:
        return Model(given, None, (), reasons, n_events)
    names = tuple(given.terms[k] for k in kept)
    try:
        fitted = maximise(given.x[:, kept], given.time, given.event)
    except np.linalg.LinAlgError:
        return Model(given, None, (), {**reasons, **dict.fromkeys(names, "collinear")}, n_events)
    for name, bad in zip(names, fitted.diverging, strict=True):
        if bad:
            reasons.setdefault(name, SEPARATION)
    return Model(given, fitted, names, reasons, n_events)


def _absent(member: np.ndarray, seen: np.ndarray) -> str:
    """Why a category that is the same for all at risk has no hazard ratio."""
    if seen.all():
        return "nobody else"
    return "no time at risk" if member.any() else "empty category"


def term_rows(model: Model, terms: tuple[str, ...] | None = None) -> list[dict]:
    """One row a term: hazard ratio with Wald interval, or empty with the reason."""
    rows = []
    common = {"n": len(model.design.time), "n_events": model.n_events}
    for term in terms or model.design.terms:
        row = {"term": term, **common, "note": notes(model.reasons.get(term), model.note)}
        if term not in model.reasons:
            k = model.fitted_terms.index(term)
            beta, se = float(model.fit.beta[k]), float(np.sqrt(model.fit.covariance[k, k]))
            row |= ratio(beta, se)
            if "estimate" not in row:
                row["note"] = notes(row["note"], BEYOND)
        rows.append(row)
    return rows


def ratio(log_hr: float, se: float) -> dict:
    """Hazard ratio, 95 % Wald interval, z and two-sided p of a log hazard ratio.

    Without ratio and interval where a number cannot hold them: a covariate in a unit far from its spread.
    """
    z = log_hr / se
    row = {"log_hr": log_hr, "se": se, "z": z, "p": 2.0 * norm.sf(abs(z))}
    if abs(log_hr) + Z95 * se > LARGEST_LOG:
        return row
    bounds = {"ci_low": np.exp(log_hr - Z95 * se), "ci_high": np.exp(log_hr + Z95 * se)}
    return {"estimate": np.exp(log_hr), **bounds, **row}


def set_model(analysis_set: AnalysisSet, model: str) -> Model | None:
    """The set's univariable or adjusted model; None where a column of it is absent, or the set is empty."""
    given = design(analysis_set, ADJUSTMENT if model == "adjusted" else ())
    if given is None or not len(analysis_set.frame):
        return None
    return fit(given, reference_present(given))


def set_models(analysis_set: AnalysisSet, endpoint: str) -> Iterator[tuple[dict, Model]]:
    """Each model that the set has the columns for, after the key of its rows."""
    for name in MODELS:
        model = set_model(analysis_set, name)
        if model is not None:
            yield (
                {
                    "population": analysis_set.population,
                    "endpoint": endpoint,
                    "score": analysis_set.score,
                    "model": name,
                },
                model,
            )


def cox_rows(analysis_set: AnalysisSet, endpoint: str) -> list[dict]:
    """Rows of cox.csv for both models of the set."""
    return [{**key, **row} for key, model in set_models(analysis_set, endpoint) for row in term_rows(model)]

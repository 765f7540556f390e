"""Hazard ratios of the categories in subgroups, with tests of interaction."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import chi2

from calcohort.statistics.cox import Design, category_design, fit, reference_present, term_rows
from calcohort.statistics.populations import AnalysisSet
from calcohort.statistics.tidy import notes

# Column, its cut (at or above is the second level), and the levels' names; sex is a text.
CUTS = {
    "age": (70.0, ("<70", ">=70")),
    "bmi": (30.0, ("<30", ">=30")),
    "diabetes": (0.5, ("no", "yes")),
    "mfr": (2.0, ("<2", ">=2")),
}


def _levels(frame: pd.DataFrame) -> Iterator[tuple[str, tuple[str, str], np.ndarray]]:
    """Subgroup, level names, and the level of each patient: 0, 1 or missing."""
    if "sex" in frame:
        yield "sex", ("female", "male"), frame["sex"].map({"female": 0.0, "male": 1.0}).to_numpy(dtype=float)
    for column, (cut, names) in CUTS.items():
        if column in frame:
            values = frame[column].to_numpy(dtype=float)
            yield column, names, np.where(np.isnan(values), np.nan, values >= cut)


def interaction(analysis_set: AnalysisSet, level: np.ndarray) -> tuple[float, str | None]:
    """p of the likelihood-ratio test of category x subgroup, and what there is to say about it.

    Three degrees of freedom, less where a category is empty in one of the levels.

    Parameters
    ----------
    level : array, shape (n,)
        0, 1 or missing.
    """
    known = np.isfinite(level)
    x, terms = category_design(analysis_set.category[known])
    side = level[known][:, None]
    given = Design(
        np.hstack([x, side]), (*terms, "level"), analysis_set.years[known], analysis_set.event[known]
    )
    if not len(given.time):
        return np.nan, "nobody"
    larger = replace(
        given, x=np.hstack([given.x, x * side]), terms=(*given.terms, *(f"{t} x level" for t in terms))
    )
    larger = _independent(larger, len(given.terms))
    plain, crossed = (fit(part, reference_present(part)) for part in (given, larger))
    lost = crossed.unusable or plain.unusable
    df = len(crossed.fitted_terms) - len(plain.fitted_terms)
    if lost or not df:
        return np.nan, f"no interaction test: {lost or 'one category'}"
    statistic = max(2 * (crossed.fit.loglik - plain.fit.loglik), 0.0)
    note = None if df == len(terms) else f"interaction with {df} df: empty categories"
    return float(chi2.sf(statistic, df)), note


def _independent(given: Design, first: int) -> Design:
    """The design with its `first` columns and those after them that tell what no column before does."""
    x = np.hstack([np.ones((len(given.seen), 1)), given.seen])
    # Counts of patients: exact, and as small as the number of columns.
    products = x.T @ x

    def rank(columns: list[int]) -> int:
        places = [0, *(k + 1 for k in columns)]
        return int(np.linalg.matrix_rank(products[np.ix_(places, places)]))

    kept = list(range(first))
    for k in range(first, len(given.terms)):
        if rank([*kept, k]) > rank(kept):
            kept.append(k)
    return replace(given, x=given.x[:, kept], terms=tuple(given.terms[k] for k in kept))


def subgroup_rows(analysis_set: AnalysisSet, endpoint: str) -> list[dict]:
    """Rows of subgroups.csv: univariable hazard ratios within each level; p_interaction is the subgroup's."""
    rows = []
    for name, labels, level in _levels(analysis_set.frame):
        p, why = interaction(analysis_set, level)
        for code, label in enumerate(labels):
            part = replace(analysis_set, frame=analysis_set.frame[level == code])
            key = {
                "population": analysis_set.population,
                "endpoint": endpoint,
                "score": analysis_set.score,
                "subgroup": name,
                "level": label,
                "p_interaction": p,
            }
            x, terms = category_design(part.category)
            if not len(x):
                rows += [{**key, "term": t, "n": 0, "n_events": 0, "note": "nobody"} for t in terms]
                continue
            given = Design(x, terms, part.years, part.event)
            rows += [
                {**key, **row, "note": notes(row["note"], why)}
                for row in term_rows(fit(given, reference_present(given)))
            ]
    return rows

"""The numbers of judge.R by the families and functions of calcohort, from an analysis table."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from calcohort.categories import CATEGORIES
from calcohort.statistics import agreement, concordance
from calcohort.statistics.calibration import predicted_risk
from calcohort.statistics.competing_risks import cause_specific_rows, causes, cumulative_incidence
from calcohort.statistics.cox import ADJUSTMENT, Model, design, fit, set_model
from calcohort.statistics.followup import followup_row
from calcohort.statistics.group_tests import compare, fisher_test
from calcohort.statistics.nri import SurvivalNri
from calcohort.statistics.populations import AnalysisSet, Settings, analysis_sets, population, prepare
from calcohort.statistics.predictive_values import npv_comparison_rows, npv_rows
from calcohort.statistics.proportional_hazards import model_test
from calcohort.statistics.rmst import restricted_mean, split_ratios
from calcohort.statistics.subgroups import interaction
from calcohort.statistics.survival import kaplan_meier, logrank

Z95 = concordance.Z95
QUICK = Settings(bootstrap_replicates=2, optimism_replicates=1, horizons_years=(1.0, 3.0, 5.0))


def numbers(frame: pd.DataFrame) -> Iterator[tuple[str, np.ndarray]]:
    """Name and values of each quantity that calcohort has an answer for; nan where it gives none."""
    part = next(analysis_sets(prepare(frame)))
    yield from _curves(part)
    yield from _models(part)
    yield from _pairs(prepare(frame))
    yield from _tables(part)


def _curves(part: AnalysisSet) -> Iterator[tuple[str, np.ndarray]]:
    for k in range(len(CATEGORIES)):
        member = part.category == k
        if not member.any():
            continue
        time, event = part.years[member], part.event[member]
        curve = kaplan_meier(time, event)
        # R has no row at 0 unless somebody's time is 0.
        from_first = slice(0 if time.min() == 0 else 1, None)
        for name, values in (
            ("time", curve.time),
            ("surv", curve.survival),
            ("risk", curve.n_at_risk),
            ("event", curve.n_events),
            ("censor", curve.n_censored),
            ("low", curve.ci_low),
            ("high", curve.ci_high),
        ):
            yield f"km_{name}_{k}", values[from_first]
        yield f"rmst_{k}", np.array(restricted_mean(time, event, 5.0))
    crude = npv_rows(part, "mace", QUICK)[0]
    yield "wilson", _values(crude, "estimate", "ci_low", "ci_high")
    yield "reverse", np.array([followup_row(part.years, part.event)["reverse_km_median_years"]])
    yield "logrank", np.array(logrank(part.years, part.event, part.category)[:2])
    for i in range(3):
        for j in range(i + 1, 4):
            two = np.isin(part.category, (i, j))
            yield (
                f"logrank_{i}{j}",
                np.array([logrank(part.years[two], part.event[two], part.category[two])[0]]),
            )
    cause = causes(part.frame)
    times, incidence, _ = cumulative_incidence(part.years, cause)
    at = np.unique(part.years[cause > 0])
    yield "cif", incidence[:, np.searchsorted(times, at, side="right") - 1].ravel()


def _values(row: dict, *names: str) -> np.ndarray:
    return np.array([row.get(name, np.nan) for name in names], dtype=float)


def _fitted(name: str, model: Model | None, terms: tuple[str, ...]) -> Iterator[tuple[str, np.ndarray]]:
    if model is None or model.fit is None:
        return
    fine = [term not in model.reasons for term in terms]
    places = [model.fitted_terms.index(term) if ok else 0 for term, ok in zip(terms, fine, strict=True)]
    yield f"{name}_coef", np.where(fine, model.fit.beta[places], np.nan)
    yield f"{name}_se", np.where(fine, np.sqrt(np.diag(model.fit.covariance))[places], np.nan)
    if all(fine):
        yield f"{name}_loglik", np.array([model.fit.loglik_null, model.fit.loglik])


def _models(part: AnalysisSet) -> Iterator[tuple[str, np.ndarray]]:
    uni, adjusted = (set_model(part, name) for name in ("univariable", "adjusted"))
    yield from _fitted("uni", uni, CATEGORIES[1:])
    yield from _fitted("adj", adjusted, (*CATEGORIES[1:], *ADJUSTMENT))
    yield from _fitted("base", fit(design(part, ADJUSTMENT, categories=False)), ADJUSTMENT)
    for name, model in (("uni", uni), ("adj", adjusted)):
        result = model_test(model)
        if result is not None:
            yield f"{name}_zph", np.append(result.terms, result.overall)
    if adjusted.fit is not None and not adjusted.reasons and adjusted.design.time.max() >= 5:
        yield "risk5", np.sort(predicted_risk(adjusted, 5.0))
    rows = [row for row in cause_specific_rows(part, "mace") if row["model"] == "univariable"]
    for k, name in ((1, "nonfatal"), (2, "death")):
        yield f"cause_{k}", _ratios([row for row in rows if row["cause"] == name])
    split = split_ratios(part, "mace", ["univariable"], 2.0)
    yield "early", _ratios([row for row in split if row["period"] == "0-2 years"])
    yield "late", _ratios([row for row in split if row["period"] == ">2 years"])
    mfr = part.frame["mfr"].to_numpy()
    p, _ = interaction(part, np.where(np.isnan(mfr), np.nan, mfr >= 2))
    yield "interaction_p", np.array([p])
    c = concordance.concordance(part.years, part.event, part.category)
    yield "c", np.array([c.estimate, c.se])


def _ratios(rows: list[dict]) -> np.ndarray:
    return np.concatenate([[row.get(name, np.nan) for row in rows] for name in ("log_hr", "se")])


def _pairs(frame: pd.DataFrame) -> Iterator[tuple[str, np.ndarray]]:
    members = population(frame, "paired")
    years, event, dl, standard = (members[c].to_numpy() for c in ("years", "event", "dl_ctac", "standard"))
    row = concordance.c_comparison_row(years, event, dl, standard)
    se = (row.get("ci_high", np.nan) - row["difference"]) / Z95
    yield "c_pair", np.array([row["c_dl_ctac"], row["c_standard"], se])
    ordinal = concordance.ordinal_concordance(standard, dl)
    yield "ordinal", np.array([ordinal.estimate, ordinal.se])
    counts = agreement.matrix(standard, dl)
    for weights in agreement.WEIGHTS:
        yield (
            f"kappa_{weights}",
            _values(agreement.kappa(counts, weights), "kappa", "se", "observed", "expected"),
        )
    rows = npv_comparison_rows(years, event, dl, standard, QUICK, {"population": "paired"})
    leisenring, kosinski = rows[:2]
    yield (
        "pv",
        np.array(
            [
                leisenring.get("difference", np.nan),
                leisenring.get("statistic", np.nan),
                kosinski.get("statistic", np.nan),
            ]
        ),
    )
    for horizon in QUICK.horizons_years:
        if horizon <= years.max():
            nri = SurvivalNri(years, event, np.sign(standard - dl), [horizon])
            one = np.ones((1, len(years)))
            yield f"nri_{horizon:g}", np.concatenate([nri.km(one)[:2, 0, 0], nri.ipw(one)[:2, 0, 0]])
    yield "fisher_pair", np.array([fisher_test(counts)["p"]])


def _tables(part: AnalysisSet) -> Iterator[tuple[str, np.ndarray]]:
    age, category = part.frame["age"], pd.Series(part.category)
    yield "wilcoxon", np.array([compare(age, part.event)["p"]])
    yield "kruskal", np.array([compare(age, category)["p"]])
    yield "fisher", np.array([compare(category, part.event, "categorical")["p"]])

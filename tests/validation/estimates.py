"""What is computed from one simulated cohort: every interval and every test, by the shipped functions.

A group is a list of rows (statistic, detail, estimate, ci_low, ci_high, p). Its two halves differ in what is
true: `seen` statistics estimate something that depends on how long patients are followed (Harrell's C, hazard
ratios of a model that is not exact, crude predictive values), `whole` ones something that does not.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from calcohort.categories import CATEGORIES
from calcohort.statistics import agreement, concordance, populations
from calcohort.statistics.added_value import added_value_row
from calcohort.statistics.calibration import calibration_rows
from calcohort.statistics.competing_risks import cause_specific_rows, causes, cumulative_incidence
from calcohort.statistics.cox import MODELS, cox_rows
from calcohort.statistics.followup import followup_row
from calcohort.statistics.group_tests import compare
from calcohort.statistics.nri import nri_rows
from calcohort.statistics.populations import AnalysisSet, Settings
from calcohort.statistics.predictive_values import npv_comparison_rows, npv_rows
from calcohort.statistics.proportional_hazards import proportional_hazards_rows
from calcohort.statistics.rmst import restricted_means, split_ratios
from calcohort.statistics.splines import spline_tables
from calcohort.statistics.subgroups import subgroup_rows
from calcohort.statistics.survival import kaplan_meier, logrank_rows

HORIZONS = (1.0, 3.0, 5.0)
ENDPOINT = "mace"
NAMES = (
    "population",
    "score",
    "comparison",
    "model",
    "cause",
    "period",
    "subgroup",
    "level",
    "group",
    "test",
    "weights",
    "kind",
    "method",
    "category",
    "term",
    "component",
)


@dataclass(frozen=True)
class Patients:
    """A prepared cohort: the whole one with dl_ctac, the paired one with both scores."""

    frame: pd.DataFrame
    settings: Settings

    @property
    def sets(self) -> tuple[AnalysisSet, AnalysisSet]:
        """dl_ctac in everybody, standard in the paired patients."""
        paired = populations.population(self.frame, "paired")
        return AnalysisSet("all", "dl_ctac", self.frame), AnalysisSet("paired", "standard", paired)

    @property
    def paired(self) -> tuple[np.ndarray, ...]:
        """Years, events and both categories of the paired patients."""
        members = populations.population(self.frame, "paired")
        return tuple(members[c].to_numpy() for c in ("years", "event", "dl_ctac", "standard"))

    @cached_property
    def nri(self) -> list[dict]:
        """Rows of nri.csv."""
        return nri_rows(*self.paired, self.settings, KEY)

    @cached_property
    def npv_comparison(self) -> list[dict]:
        """Rows of npv_comparison.csv."""
        return npv_comparison_rows(*self.paired, self.settings, KEY)


KEY = {"population": "paired", "endpoint": ENDPOINT}


def rows_of(
    statistic: str, rows: Iterable[dict], value="estimate", low="ci_low", high="ci_high", p="p"
) -> Iterator[dict]:
    """Rows of a statistics file as statistic, detail, estimate, ci_low, ci_high, p."""
    for row in rows:
        detail = [str(row[name]) for name in NAMES if isinstance(row.get(name), str)]
        horizon = row.get("horizon_years")
        if horizon is not None and np.isfinite(horizon):
            detail.append(f"{horizon:g} years")
        numbers = {"estimate": value, "ci_low": low, "ci_high": high, "p": p}
        yield {
            "statistic": statistic,
            "detail": ", ".join(detail),
            **{name: row.get(column, np.nan) for name, column in numbers.items()},
        }


def _log_ratios(statistic: str, rows: Iterable[dict]) -> Iterator[dict]:
    """Hazard ratios on the scale on which their intervals are symmetric."""
    for row in rows:
        for end in ("ci_low", "ci_high"):
            row[end] = np.log(row.get(end, np.nan))
        yield from rows_of(statistic, [row], value="log_hr")


def _curves(part: AnalysisSet) -> Iterator[dict]:
    for code, label in enumerate(CATEGORIES):
        member = part.category == code
        curve = kaplan_meier(part.years[member], part.event[member])
        for horizon in HORIZONS:
            estimate, low, high = curve.at(horizon)
            yield {
                "population": part.population,
                "score": part.score,
                "category": label,
                "horizon_years": horizon,
                "estimate": estimate,
                "ci_low": low,
                "ci_high": high,
            }


def _incidence(part: AnalysisSet, horizon: float) -> Iterator[dict]:
    cause = causes(part.frame)
    for code, label in enumerate(CATEGORIES):
        member = part.category == code
        times, incidence, bounds = cumulative_incidence(part.years[member], cause[member])
        at = np.searchsorted(times, horizon, side="right") - 1
        for k, name in enumerate(("nonfatal", "death")):
            yield {
                "population": part.population,
                "score": part.score,
                "category": label,
                "cause": name,
                "horizon_years": horizon,
                "estimate": incidence[k, at],
                "ci_low": bounds[k, 0, at],
                "ci_high": bounds[k, 1, at],
            }


def survival_whole(patients: Patients) -> Iterator[dict]:
    """Kaplan-Meier, NPV by it, restricted means and cumulative incidence."""
    for part in patients.sets:
        yield from rows_of("km", _curves(part))
        npv = npv_rows(part, ENDPOINT, patients.settings)
        yield from rows_of("npv", [row for row in npv if row["method"] == "km"])
        means = restricted_means(part, ENDPOINT, 5.0)
        yield from rows_of("rmst", means)
        differences = [row for row in means if "difference" in row]
        columns = ("difference", "difference_ci_low", "difference_ci_high")
        yield from rows_of("rmst difference", differences, *columns)
        yield from rows_of("competing_risks", _incidence(part, 5.0))


def survival_seen(patients: Patients) -> Iterator[dict]:
    """Crude NPV and the medians of follow-up."""
    for part in patients.sets:
        npv = npv_rows(part, ENDPOINT, patients.settings)
        yield from rows_of("npv", [row for row in npv if row["method"] == "crude"])
    row = followup_row(patients.frame["years"].to_numpy(), patients.frame["event"].to_numpy())
    for name in ("median_years", "reverse_km_median_years"):
        yield from rows_of("followup", [{"method": name, "estimate": row[name]}])


def models_seen(patients: Patients) -> Iterator[dict]:
    """Hazard ratios of all kinds, and what the scores add."""
    for part in patients.sets:
        yield from _log_ratios("cox", cox_rows(part, ENDPOINT))
        yield from _log_ratios("competing_risks_cox", cause_specific_rows(part, ENDPOINT))
        yield from _log_ratios("split_hazard_ratios", split_ratios(part, ENDPOINT, list(MODELS), 2.0))
        yield from _added_value(part, patients.settings)


def _added_value(part: AnalysisSet, settings: Settings) -> Iterator[dict]:
    row = {**added_value_row(part, ENDPOINT, settings), "method": "likelihood ratio"}
    yield from rows_of("added_value", [row], value="none", low="none", high="none")
    row["method"] = "gain in C"
    yield from rows_of("added_value", [row], value="c_difference", p="none")
    for name in ("c_base", "c_full", "c_full_corrected", "c_difference_corrected"):
        row["method"] = name
        yield from rows_of("added_value", [row], value=name, low="none", high="none", p="none")


def agreement_seen(patients: Patients) -> Iterator[dict]:
    """Kappas and concordance indices."""
    years, event, dl, standard = patients.paired
    for part in patients.sets:
        result = concordance.concordance(part.years, part.event, part.category)
        row = {"population": part.population, "score": part.score, "kind": "survival"}
        yield from rows_of("concordance_index", [row | concordance.concordance_row(result, len(part.years))])
    result = concordance.ordinal_concordance(standard, dl)
    row = {"population": "paired", "score": "dl_ctac", "kind": "ordinal"}
    yield from rows_of("concordance_index", [row | concordance.concordance_row(result, len(dl))])
    kappas = agreement.agreement_rows(agreement.matrix(standard, dl), KEY)
    yield from rows_of("agreement", kappas, value="kappa")


def _c_comparison(patients: Patients) -> Iterator[dict]:
    yield from rows_of(
        "c_comparison", [KEY | concordance.c_comparison_row(*patients.paired)], value="difference"
    )


def resampled_whole(patients: Patients) -> Iterator[dict]:
    """Bootstrap intervals of what respects censoring: NRI by KM and IPW, NPV difference by KM."""
    yield from rows_of("nri", [row for row in patients.nri if row["method"] != "binary"])
    by_km = [row for row in patients.npv_comparison if row["method"] == "km"]
    yield from rows_of("npv_comparison", by_km, value="difference")


def resampled_seen(patients: Patients) -> Iterator[dict]:
    """Binary NRI."""
    yield from rows_of("nri", [row for row in patients.nri if row["method"] == "binary"])


def crude_seen(patients: Patients) -> Iterator[dict]:
    """Differences of C and of crude NPVs: no bootstrap."""
    yield from _c_comparison(patients)
    settings = replace(patients.settings, bootstrap_replicates=1)
    rows = npv_comparison_rows(*patients.paired, settings, KEY)
    crude = [row for row in rows if row["method"] != "km"]
    yield from rows_of("npv_comparison", crude, value="difference")


# Scores at which the spline's intervals are looked at.
SCORES = (10.0, 100.0, 400.0, 1000.0)


def shapes_seen(patients: Patients) -> Iterator[dict]:
    """Hazard ratios in subgroups and along the score, and calibration in groups of predicted risk."""
    part = patients.sets[0]
    yield from _log_ratios("subgroups", subgroup_rows(part, ENDPOINT))
    for part in patients.sets:
        curve = pd.DataFrame(spline_tables(part, ENDPOINT)[0])
        along = np.log1p(curve["cac"])
        columns = {"estimate": curve["log_hr"], **{c: np.log(curve[c]) for c in ("ci_low", "ci_high")}}
        for score in SCORES:
            row = {name: np.interp(np.log1p(score), along, values) for name, values in columns.items()}
            key = {"population": part.population, "score": part.score, "category": f"score {score:g}"}
            yield from rows_of("splines", [key | row])
        groups = calibration_rows(part, ENDPOINT, patients.settings)
        yield from rows_of("calibration", groups, value="observed")


def no_effect(patients: Patients) -> Iterator[dict]:
    """Tests of a difference where there is none."""
    part = patients.sets[0]
    tests = logrank_rows(part, ENDPOINT)
    yield from rows_of("logrank", tests)
    smallest = {
        **tests[0],
        "comparison": "any of six pairs, Holm",
        "p": min(row["p_holm"] for row in tests[1:]),
    }
    yield from rows_of("logrank", [smallest])
    yield from rows_of("cox", cox_rows(part, ENDPOINT), "none", "none", "none")
    yield from rows_of("spline_tests", spline_tables(part, ENDPOINT)[1])
    interactions = {row["subgroup"]: row for row in subgroup_rows(part, ENDPOINT)}.values()
    asked = [{"subgroup": row["subgroup"], "p": row["p_interaction"]} for row in interactions]
    yield from rows_of("subgroups", asked)
    events = part.frame[part.frame["event"] == 1]
    for test, values, group, kind in (
        ("Wilcoxon, age by MACE", part.frame["age"], part.event, "continuous"),
        ("Kruskal-Wallis, age by type of event", events["age"], events["event_type"], "continuous"),
        ("Fisher, diabetes by MACE", part.frame["diabetes"], part.event, "categorical"),
        ("Fisher, category by MACE", pd.Series(part.category), part.event, "categorical"),
    ):
        yield from rows_of("baseline", [{"test": test, "p": compare(values, group, kind)["p"]}])


def proportional(patients: Patients) -> Iterator[dict]:
    """The adjusted Cox model where it is the truth, and the test of proportional hazards."""
    part = patients.sets[0]
    yield from _log_ratios("cox", [row for row in cox_rows(part, ENDPOINT) if row["model"] == "adjusted"])
    tests = proportional_hazards_rows(part, ENDPOINT)
    adjusted = [{**row, "method": None} for row in tests if row["model"] == "adjusted"]
    yield from rows_of("proportional_hazards", adjusted)


def no_added_value(patients: Patients) -> Iterator[dict]:
    """The likelihood-ratio test of a score that adds nothing, and the gain in C."""
    yield from _added_value(patients.sets[0], patients.settings)


def exchangeable(patients: Patients) -> Iterator[dict]:
    """Bootstrap comparisons of two scores that are equally good."""
    yield from resampled_whole(patients)
    yield from resampled_seen(patients)


@dataclass(frozen=True)
class Group:
    """What is computed together: the law that patients are drawn from, and both halves of the statistics."""

    law: str
    seen: Callable[[Patients], Iterator[dict]] | None = None
    whole: Callable[[Patients], Iterator[dict]] | None = None

    def rows(self, seen: Patients, whole: Patients) -> list[dict]:
        """Rows of one cohort; for the truth `whole` is a cohort in which nobody is censored."""
        made = list(self.whole(whole)) if self.whole else []
        return made + (list(self.seen(seen)) if self.seen else [])


GROUPS: dict[str, Group] = {
    "survival": Group("study", survival_seen, survival_whole),
    "agreement": Group("study", agreement_seen),
    "resampled": Group("study", resampled_seen, resampled_whole),
    "crude": Group("study", crude_seen),
    "models": Group("study", models_seen),
    "shapes": Group("study", shapes_seen),
    "proportional": Group("proportional", proportional),
    "no_effect": Group("no_effect", no_effect),
    "no_added_value": Group("no_added_value", no_added_value),
    "crude_exchangeable": Group("exchangeable", crude_seen),
    "exchangeable": Group("exchangeable", exchangeable),
}

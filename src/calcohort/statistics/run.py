"""Families of statistics by name: one callable each, for one job of the workflow."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import pandas as pd

from calcohort.statistics import agreement as kappas
from calcohort.statistics import concordance as c_index
from calcohort.statistics import populations as who
from calcohort.statistics.added_value import added_value_row
from calcohort.statistics.calibration import calibration_rows, decision_rows
from calcohort.statistics.competing_risks import cause_specific_rows, competing_risks_rows
from calcohort.statistics.cox import cox_rows
from calcohort.statistics.followup import event_type_rows, followup_row
from calcohort.statistics.noninferiority import noninferiority_rows
from calcohort.statistics.nri import nri_rows
from calcohort.statistics.predictive_values import npv_comparison_rows, npv_rows
from calcohort.statistics.proportional_hazards import proportional_hazards_rows
from calcohort.statistics.rmst import rmst_rows, split_rows
from calcohort.statistics.splines import spline_tables
from calcohort.statistics.subgroups import subgroup_rows
from calcohort.statistics.survival import km_rows, logrank_rows
from calcohort.statistics.tidy import table

PRIMARY = "mace"
PAIRED = ("paired", "paired_no_cad")
Tables = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Study:
    """What every family works on: prepared tables by endpoint (mace first), development scans, settings."""

    frames: dict[str, pd.DataFrame]
    scans: pd.DataFrame | None
    settings: who.Settings

    @property
    def primary(self) -> pd.DataFrame:
        """The prepared analysis table."""
        return self.frames[PRIMARY]

    def sets(self, endpoints: bool = False):
        """Endpoint and analysis set, of mace or of every endpoint."""
        for endpoint, frame in self.frames.items() if endpoints else [(PRIMARY, self.primary)]:
            for analysis_set in who.analysis_sets(frame):
                yield endpoint, analysis_set

    def paired(self):
        """Key, times, events and both categories of each paired population."""
        for name, members in who.populations(self.primary, PAIRED):
            columns = (members[c].to_numpy() for c in ("years", "event", "dl_ctac", "standard"))
            yield {"population": name, "endpoint": PRIMARY}, tuple(columns)


def _per_set(rows_of: Callable, *names: str, endpoints: bool = False, settings: bool = False):
    """Family of one file a function of `rows_of`, each called for every analysis set."""

    def build(study: Study) -> Tables:
        made = {name: [] for name in names}
        extra = (study.settings,) if settings else ()
        for endpoint, analysis_set in study.sets(endpoints):
            for name, function in zip(names, rows_of, strict=True):
                made[name] += function(analysis_set, endpoint, *extra)
        return {name: table(name, rows) for name, rows in made.items()}

    return build


def _added_value(study: Study) -> Tables:
    rows = [
        added_value_row(analysis_set, endpoint, study.settings) for endpoint, analysis_set in study.sets()
    ]
    return {"added_value": table("added_value", [row for row in rows if row is not None])}


def _c_comparison(study: Study) -> Tables:
    rows = [key | c_index.c_comparison_row(*arrays) for key, arrays in study.paired()]
    return {"c_comparison": table("c_comparison", rows)}


def _nri(study: Study) -> Tables:
    rows = [row for key, arrays in study.paired() for row in nri_rows(*arrays, study.settings, key)]
    return {"nri": table("nri", rows)}


def _npv_comparison(study: Study) -> Tables:
    rows = [
        row for key, arrays in study.paired() for row in npv_comparison_rows(*arrays, study.settings, key)
    ]
    return {"npv_comparison": table("npv_comparison", rows)}


def _pairs(study: Study):
    for name, members in who.populations(study.primary, PAIRED):
        for comparison, reference, rating in kappas.external_pairs(members):
            yield {"population": name, "endpoint": PRIMARY, "comparison": comparison}, reference, rating
    for name, reference, rating in kappas.internal_pairs(study.scans):
        key = {"population": name, "endpoint": PRIMARY, "comparison": "expert vs dl"}
        yield key, reference, rating


def _agreement(study: Study) -> Tables:
    kappa, cells = [], []
    for key, reference, rating in _pairs(study):
        counts = kappas.matrix(reference, rating)
        kappa += kappas.agreement_rows(counts, key)
        cells += kappas.matrix_rows(counts, key)
    return {"agreement": table("agreement", kappa), "concordance_matrix": table("concordance_matrix", cells)}


def _concordance_index(study: Study) -> Tables:
    rows = []
    for endpoint, part in study.sets():
        result = c_index.concordance(part.years, part.event, part.category)
        key = {"population": part.population, "endpoint": endpoint, "score": part.score, "kind": "survival"}
        rows.append(key | c_index.concordance_row(result, len(part.years)))
    for key, reference, rating in _pairs(study):
        if key["comparison"] in ("standard vs dl_ctac", "expert vs dl"):
            result = c_index.ordinal_concordance(reference, rating)
            key = {**key, "score": "dl_ctac", "kind": "ordinal"}
            del key["comparison"]
            rows.append(key | c_index.concordance_row(result, len(reference)))
    return {"concordance_index": table("concordance_index", rows)}


def _followup(study: Study) -> Tables:
    rows, types = [], []
    for name, members in who.populations(study.primary):
        key = {"population": name, "endpoint": PRIMARY}
        rows.append(key | followup_row(members["years"].to_numpy(), members["event"].to_numpy()))
        types += event_type_rows(members, key)
    return {"followup": table("followup", rows), "event_types": table("event_types", types)}


def _proportional_hazards(study: Study) -> Tables:
    names = ("proportional_hazards", "rmst", "split_hazard_ratios")
    rows = {name: [] for name in names}
    for endpoint, part in study.sets():
        rows["proportional_hazards"] += proportional_hazards_rows(part, endpoint)
        rows["rmst"] += rmst_rows(part, endpoint, study.settings)
        rows["split_hazard_ratios"] += split_rows(part, endpoint, study.settings)
    return {name: table(name, rows[name]) for name in names}


def _decision_curve(study: Study) -> Tables:
    rows = []
    for name, members in who.populations(study.primary):
        rows += decision_rows(name, members, PRIMARY, study.settings)
    return {"decision_curve": table("decision_curve", rows)}


def _splines(study: Study) -> Tables:
    curves, tests = [], []
    for endpoint, part in study.sets():
        curve, test = spline_tables(part, endpoint)
        curves += curve
        tests += test
    return {"splines": table("splines", curves), "spline_tests": table("spline_tests", tests)}


def _noninferiority(study: Study) -> Tables:
    rows = [
        row for key, arrays in study.paired() for row in noninferiority_rows(*arrays, study.settings, key)
    ]
    return {"noninferiority": table("noninferiority", rows)}


_BUILDERS: dict[str, Callable[[Study], Tables]] = {
    "km": _per_set([km_rows], "km", endpoints=True),
    "logrank": _per_set([logrank_rows], "logrank", endpoints=True),
    "cox": _per_set([cox_rows], "cox", endpoints=True),
    "added_value": _added_value,
    "c_comparison": _c_comparison,
    "proportional_hazards": _proportional_hazards,
    "nri": _nri,
    "npv": _per_set([npv_rows], "npv", endpoints=True, settings=True),
    "npv_comparison": _npv_comparison,
    "agreement": _agreement,
    "concordance_index": _concordance_index,
    "competing_risks": _per_set(
        [competing_risks_rows, cause_specific_rows], "competing_risks", "competing_risks_cox"
    ),
    "followup": _followup,
    "decision_curve": _decision_curve,
    "calibration": _per_set([calibration_rows], "calibration", settings=True),
    "subgroups": _per_set([subgroup_rows], "subgroups"),
    "splines": _splines,
    "noninferiority": _noninferiority,
}


def run_family(
    name: str,
    analysis: pd.DataFrame,
    endpoints: pd.DataFrame | None = None,
    settings: Mapping | who.Settings | None = None,
    scans: pd.DataFrame | None = None,
) -> Tables:
    """Tables of one family, by file stem.

    Parameters
    ----------
    name : str
        A key of FAMILIES.
    analysis : DataFrame
        cohort/analysis.csv, or a table as the `analysis:` door takes it.
    endpoints : DataFrame or None
        cohort/endpoints.csv: sensitivity endpoints, for km, logrank, cox and npv.
    settings : mapping, Settings or None
        seed, bootstrap_replicates, horizons_years and what else Settings has.
    scans : DataFrame or None
        development/scans.csv, for the populations of internal testing.

    Raises
    ------
    InputError
        If the table lacks a required column or holds an impossible value.
    """
    study = Study(who.endpoint_frames(analysis, endpoints), scans, who.Settings.of(settings))
    return _BUILDERS[name](study)


FAMILIES: dict[str, Callable[..., Tables]] = {name: partial(run_family, name) for name in _BUILDERS}

"""Cumulative incidence of each cause, and hazard ratios for it."""

from calcohort.statistics.competing_risks import cause_specific_rows, competing_risks_rows
from calcohort.statistics.study import Study, Tables, per_set
from calcohort.statistics.tidy import table


def build(study: Study) -> Tables:
    """Tables of the family, by file stem."""
    return {
        "competing_risks": table("competing_risks", per_set(study, competing_risks_rows)),
        "competing_risks_cox": table("competing_risks_cox", per_set(study, cause_specific_rows)),
    }

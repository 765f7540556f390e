"""Negative predictive value of a score of 0."""

from calcohort.statistics.predictive_values import npv_rows
from calcohort.statistics.study import Study, Tables, per_set
from calcohort.statistics.tidy import table


def build(study: Study) -> Tables:
    """Tables of the family, by file stem."""
    return {"npv": table("npv", per_set(study, npv_rows, endpoints=True, settings=True))}

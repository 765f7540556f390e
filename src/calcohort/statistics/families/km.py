"""Kaplan-Meier curves by category."""

from calcohort.statistics.study import Study, Tables, per_set
from calcohort.statistics.survival import km_rows
from calcohort.statistics.tidy import table


def build(study: Study) -> Tables:
    """Tables of the family, by file stem."""
    return {"km": table("km", per_set(study, km_rows, endpoints=True))}

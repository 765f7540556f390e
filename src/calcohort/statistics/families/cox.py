"""Hazard ratios, alone and adjusted."""

from calcohort.statistics.cox import cox_rows
from calcohort.statistics.study import Study, Tables, per_set
from calcohort.statistics.tidy import table


def build(study: Study) -> Tables:
    """Tables of the family, by file stem."""
    return {"cox": table("cox", per_set(study, cox_rows, endpoints=True))}

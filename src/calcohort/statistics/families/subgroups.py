"""Hazard ratios within subgroups."""

from calcohort.statistics.study import Study, Tables, per_set
from calcohort.statistics.subgroups import subgroup_rows
from calcohort.statistics.tidy import table


def build(study: Study) -> Tables:
    """Tables of the family, by file stem."""
    return {"subgroups": table("subgroups", per_set(study, subgroup_rows))}

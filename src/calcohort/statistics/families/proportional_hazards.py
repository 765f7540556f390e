"""Tests of proportional hazards, and what stands beside where it does not hold."""

from calcohort.statistics.proportional_hazards import proportional_hazards_rows
from calcohort.statistics.rmst import rmst_rows, split_rows
from calcohort.statistics.schoenfeld import schoenfeld_rows
from calcohort.statistics.study import Study, Tables, per_set
from calcohort.statistics.tidy import table


def build(study: Study) -> Tables:
    """Tables of the family, by file stem."""
    return {
        "proportional_hazards": table("proportional_hazards", per_set(study, proportional_hazards_rows)),
        "schoenfeld": table("schoenfeld", per_set(study, schoenfeld_rows)),
        "rmst": table("rmst", per_set(study, rmst_rows, settings=True)),
        "split_hazard_ratios": table("split_hazard_ratios", per_set(study, split_rows, settings=True)),
    }

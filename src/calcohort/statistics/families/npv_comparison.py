"""Negative predictive values of both scores in the same patients."""

from calcohort.statistics.predictive_values import npv_comparison_rows
from calcohort.statistics.study import Study, Tables
from calcohort.statistics.tidy import table


def build(study: Study) -> Tables:
    """Tables of the family, by file stem."""
    rows = [
        row for key, arrays in study.paired() for row in npv_comparison_rows(*arrays, study.settings, key)
    ]
    return {"npv_comparison": table("npv_comparison", rows)}

"""Hazard along the score, without categories."""

from calcohort.statistics.splines import spline_tables
from calcohort.statistics.study import Study, Tables
from calcohort.statistics.tidy import table


def build(study: Study) -> Tables:
    """Tables of the family, by file stem."""
    curves, tests = [], []
    for endpoint, part in study.sets():
        curve, test = spline_tables(part, endpoint)
        curves += curve
        tests += test
    return {"splines": table("splines", curves), "spline_tests": table("spline_tests", tests)}

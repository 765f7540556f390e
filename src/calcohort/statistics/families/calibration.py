"""Predicted beside observed risk."""

from calcohort.statistics.calibration import calibration_rows
from calcohort.statistics.study import Study, Tables, per_set
from calcohort.statistics.tidy import table


def build(study: Study) -> Tables:
    """Tables of the family, by file stem."""
    return {"calibration": table("calibration", per_set(study, calibration_rows, settings=True))}

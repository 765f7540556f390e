"""Net reclassification improvement."""

from calcohort.statistics.nri import nri_rows
from calcohort.statistics.study import Study, Tables
from calcohort.statistics.tidy import table


def build(study: Study) -> Tables:
    """Tables of the family, by file stem."""
    rows = [row for key, arrays in study.paired() for row in nri_rows(*arrays, study.settings, key)]
    return {"nri": table("nri", rows)}

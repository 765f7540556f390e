"""Whether the score is not inferior to the standard one."""

from calcohort.statistics.noninferiority import noninferiority_rows
from calcohort.statistics.study import Study, Tables
from calcohort.statistics.tidy import table


def build(study: Study) -> Tables:
    """Tables of the family, by file stem."""
    rows = [
        row for key, arrays in study.paired() for row in noninferiority_rows(*arrays, study.settings, key)
    ]
    return {"noninferiority": table("noninferiority", rows)}

"""What the score adds to the other risk factors."""

from calcohort.statistics.added_value import added_value_row
from calcohort.statistics.study import Study, Tables
from calcohort.statistics.tidy import table


def build(study: Study) -> Tables:
    """Tables of the family, by file stem."""
    rows = [added_value_row(part, endpoint, study.settings) for endpoint, part in study.sets()]
    return {"added_value": table("added_value", [row for row in rows if row is not None])}

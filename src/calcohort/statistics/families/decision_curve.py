"""Net benefit of acting on a prediction."""

from calcohort.statistics.decision_curve import decision_rows
from calcohort.statistics.populations import populations
from calcohort.statistics.study import PRIMARY, Study, Tables
from calcohort.statistics.tidy import table


def build(study: Study) -> Tables:
    """Tables of the family, by file stem."""
    rows = []
    for name, members in populations(study.primary):
        rows += decision_rows(name, members, PRIMARY, study.settings)
    return {"decision_curve": table("decision_curve", rows)}

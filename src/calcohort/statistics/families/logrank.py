"""Log-rank tests between categories."""

from calcohort.statistics.study import Study, Tables, per_set
from calcohort.statistics.survival import logrank_rows
from calcohort.statistics.tidy import table


def build(study: Study) -> Tables:
    """Tables of the family, by file stem."""
    return {"logrank": table("logrank", per_set(study, logrank_rows, endpoints=True))}

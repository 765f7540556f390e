"""C-indices of both scores in the same patients."""

from calcohort.statistics.concordance import c_comparison_row
from calcohort.statistics.study import Study, Tables
from calcohort.statistics.tidy import table


def build(study: Study) -> Tables:
    """Tables of the family, by file stem."""
    rows = [key | c_comparison_row(*arrays) for key, arrays in study.paired()]
    return {"c_comparison": table("c_comparison", rows)}

"""Two categories of the same scans: what agreement and concordance compare."""

from collections.abc import Iterator

from calcohort.statistics.agreement import external_pairs, internal_pairs
from calcohort.statistics.populations import populations
from calcohort.statistics.study import PAIRED, PRIMARY, Study


def ratings(study: Study) -> Iterator[tuple]:
    """Key, reference and rating of each comparison: of both scores, and of internal testing."""
    for name, members in populations(study.primary, PAIRED):
        for comparison, reference, rating in external_pairs(members):
            yield {"population": name, "endpoint": PRIMARY, "comparison": comparison}, reference, rating
    for name, reference, rating in internal_pairs(study.scans):
        key = {"population": name, "endpoint": PRIMARY, "comparison": "expert vs dl"}
        yield key, reference, rating

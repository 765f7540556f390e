"""C-index of each score, and ordinal concordance with the reference."""

from calcohort.statistics.concordance import concordance, concordance_row, ordinal_concordance
from calcohort.statistics.ratings import ratings
from calcohort.statistics.study import Study, Tables
from calcohort.statistics.tidy import table


def build(study: Study) -> Tables:
    """Tables of the family, by file stem."""
    rows = []
    for endpoint, part in study.sets():
        result = concordance(part.years, part.event, part.category)
        key = {"population": part.population, "endpoint": endpoint, "score": part.score, "kind": "survival"}
        rows.append(key | concordance_row(result, len(part.years)))
    for key, reference, rating in ratings(study):
        if key["comparison"] in ("standard vs dl_ctac", "expert vs dl"):
            result = ordinal_concordance(reference, rating)
            key = {**key, "score": "dl_ctac", "kind": "ordinal"}
            del key["comparison"]
            rows.append(key | concordance_row(result, len(reference)))
    return {"concordance_index": table("concordance_index", rows)}

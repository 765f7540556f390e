"""Agreement of categories: kappa and the matrices behind it."""

from calcohort.statistics.agreement import agreement_rows, matrix, matrix_rows
from calcohort.statistics.ratings import ratings
from calcohort.statistics.study import Study, Tables
from calcohort.statistics.tidy import table


def build(study: Study) -> Tables:
    """Tables of the family, by file stem."""
    kappa, cells = [], []
    for key, reference, rating in ratings(study):
        counts = matrix(reference, rating)
        kappa += agreement_rows(counts, key)
        cells += matrix_rows(counts, key)
    return {"agreement": table("agreement", kappa), "concordance_matrix": table("concordance_matrix", cells)}

"""Who left the cohort at which step, one reason a patient."""

from collections.abc import Mapping, Sequence

import pandas as pd

NO_PET = "no_pet_exam"
REASONS = (
    "death_before_scan",
    "missing_followup",
    "early_revascularization",
    "missing_ctac",
    "corrupt_ctac",
)


def first_reason(conditions: dict[str, pd.Series]) -> pd.Series:
    """First condition, in the order given, that holds for each patient; missing where none does."""
    reason = pd.Series(pd.NA, index=next(iter(conditions.values())).index, dtype="string[python]")
    for name, holds in conditions.items():
        reason = reason.mask(reason.isna() & holds, name)
    return reason


def flow(reasons: pd.Series, n_without_pet: int) -> pd.DataFrame:
    """cohort/flow.csv.

    Parameters
    ----------
    reasons : Series of str
        One entry for each patient with a PET exam, missing for those who are analysed.
    n_without_pet : int
        Patients of the registry who never had the exam.
    """
    counts = {NO_PET: n_without_pet} | reasons.value_counts().to_dict()
    return steps(counts, (NO_PET, *REASONS), len(reasons) + n_without_pet)


def steps(counts: Mapping[str, int], order: Sequence[str], total: int) -> pd.DataFrame:
    """Step, n_in, excluded, reason, n_out: one row for each reason of `order`, from `total` down."""
    rows = []
    for step, reason in enumerate(order, start=1):
        excluded = int(counts.get(reason, 0))
        left = total - excluded
        rows.append({"step": step, "n_in": total, "excluded": excluded, "reason": reason, "n_out": left})
        total = left
    return pd.DataFrame(rows)

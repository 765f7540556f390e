"""Who left the cohort at which step, one reason a patient."""

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
    counts = reasons.value_counts()
    steps = [(NO_PET, n_without_pet)] + [(reason, int(counts.get(reason, 0))) for reason in REASONS]
    remaining = len(reasons) + n_without_pet
    rows = []
    for step, (reason, excluded) in enumerate(steps, start=1):
        rows.append(
            {
                "step": step,
                "n_in": remaining,
                "excluded": excluded,
                "reason": reason,
                "n_out": remaining - excluded,
            }
        )
        remaining -= excluded
    return pd.DataFrame(rows)

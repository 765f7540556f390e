"""The four calcium categories of the study, by one function for every score."""

import numpy as np
import pandas as pd

CATEGORIES = ("0", "1-100", "101-400", ">400")


def categorise(scores) -> pd.Categorical:
    """Category of each unrounded Agatston score s: s = 0; 0 < s <= 100; 100 < s <= 400; s > 400.

    Parameters
    ----------
    scores : array-like of float, shape (n,)
        Agatston scores; missing stays missing.

    Raises
    ------
    ValueError
        If a score is negative or infinite.
    """
    values = np.atleast_1d(np.asarray(scores, dtype=float))
    if np.any(values < 0) or np.any(np.isinf(values)):
        raise ValueError("an Agatston score must be a finite number of at least 0")
    codes = np.digitize(values, [0.0, 100.0, 400.0], right=True)
    codes = np.where(np.isnan(values), -1, codes)
    return pd.Categorical.from_codes(codes, categories=list(CATEGORIES), ordered=True)

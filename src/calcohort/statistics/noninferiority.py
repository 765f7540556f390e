"""Is the network's score no worse than the standard one, by a margin fixed beforehand?"""

import numpy as np

from calcohort.statistics.concordance import c_comparison_row
from calcohort.statistics.populations import Settings
from calcohort.statistics.predictive_values import npv_comparison_rows


def verdict(row: dict, margin: float) -> dict:
    """Columns of noninferiority.csv for one difference, standard - dl_ctac, with its two-sided 95 % interval.

    noninferior = 1 when the whole interval lies below the margin, else 0: not shown, which is not the same as
    inferior. similar = 1 when it lies between minus the margin and the margin. Empty without an interval.

    Parameters
    ----------
    row : dict
        difference, ci_low, ci_high, n, and what else the comparison says.
    margin : float
        In the unit of the difference, more than 0.
    """
    low, high = row.get("ci_low", np.nan), row.get("ci_high", np.nan)
    columns = {
        name: row.get(name) for name in ("horizon_years", "difference", "ci_low", "ci_high", "n", "note")
    }
    known = high is not None and np.isfinite(high)
    inside = {"noninferior": int(high < margin), "similar": int(-margin < low and high < margin)}
    return {**columns, "margin": margin, **(inside if known else {})}


def noninferiority_rows(time, event, dl_ctac, standard, settings: Settings, key: dict) -> list[dict]:
    """Rows of noninferiority.csv on paired patients: C, crude NPV, NPV by Kaplan-Meier at each horizon."""
    arrays = time, event, dl_ctac, standard
    rows = [{**key, "measure": "c", **verdict(c_comparison_row(*arrays), settings.margin_c)}]
    for row in npv_comparison_rows(*arrays, settings, key):
        if row["method"] != "kosinski":
            measure = "npv_km" if row["method"] == "km" else "npv_crude"
            rows.append({**key, "measure": measure, **verdict(row, settings.margin_npv)})
    return rows

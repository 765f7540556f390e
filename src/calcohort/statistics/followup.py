"""How long patients were followed, and what happened first."""

import numpy as np
import pandas as pd

from calcohort.statistics.populations import VOCABULARY
from calcohort.statistics.survival import kaplan_meier


def followup_row(time: np.ndarray, event: np.ndarray) -> dict:
    """Columns of followup.csv: quartiles (type 2) of the observed time, and the reverse Kaplan-Meier median.

    The observed time ends at the first event; the reverse estimate takes events for censorings and so says
    how long patients would have been followed without them (Schemper and Smith 1996). Empty where it does
    not get down to one half.
    """
    q1, median, q3 = np.quantile(time, [0.25, 0.5, 0.75], method="averaged_inverted_cdf")
    return {
        "median_years": median,
        "q1_years": q1,
        "q3_years": q3,
        "reverse_km_median_years": kaplan_meier(time, 1 - event).quantile(0.5),
        "n": len(time),
        "n_events": int(event.sum()),
    }


def event_type_rows(frame: pd.DataFrame, key: dict) -> list[dict]:
    """Rows of event_types.csv: types as shares of all first events; all deaths as a share of everybody."""
    rows = []
    events = frame[frame["event"] == 1]
    if "event_type" in frame:
        for name in VOCABULARY["event_type"]:
            count = int((events["event_type"] == name).sum())
            share = count / len(events) if len(events) else np.nan
            rows.append({**key, "event_type": name, "count": count, "proportion": share, "n": len(events)})
    if "death" in frame:
        known = frame["death"].dropna()
        share = known.mean() if len(known) else np.nan
        rows.append(
            {
                **key,
                "event_type": "any_death",
                "count": int(known.sum()),
                "proportion": share,
                "n": len(known),
            }
        )
    return rows

"""The PRIME checklist filled from a run: what the run shows, where, and what only a person can answer.

Source: Sengupta PP, Shrestha S, Berthon B, et al. Proposed Requirements for Cardiovascular Imaging-Related
Machine Learning Evaluation (PRIME): A Checklist. JACC Cardiovasc Imaging 2020;13:2017-2035, Table 1
(PMC7953597). Items are worded here in short; `prime.yaml` says which were compared with the published table.
"""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import yaml

ITEMS = Path(__file__).with_name("prime.yaml")
COLUMNS = ("domain", "item", "asks", "status", "answer", "where", "wording_checked")


def prime(exists: Callable[[str], bool], facts: dict[str, bool]) -> pd.DataFrame:
    """One row per item: columns of `COLUMNS`.

    Parameters
    ----------
    exists : callable
        Whether the run has a file (relative path) with content.
    facts : dict
        What else an answer may depend on: simulated, trained (the run trained the model), door_imaging.

    Notes
    -----
    status is "answered" (the run shows it, see where), "in part" (the run shows a part and a person must
    add the rest), "person" (only a person can answer) or "missing" (the run should show it and does not).
    """
    rows = []
    for domain in yaml.safe_load(ITEMS.read_text(encoding="utf-8"))["domains"]:
        for item in domain["items"]:
            status, where = _status(item, exists)
            answer = item.get("answer", "") if status != "missing" else item.get("otherwise", "")
            if facts.get("simulated") and item.get("when_simulated"):
                answer = f"{answer} {item['when_simulated']}".strip()
            rows.append(
                {
                    "domain": f"{domain['number']} {domain['title']}",
                    "item": item["item"],
                    "asks": item["asks"],
                    "status": status,
                    "answer": answer,
                    "where": "; ".join(where),
                    "wording_checked": item.get("checked", True),
                }
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _status(item: dict, exists: Callable[[str], bool]) -> tuple[str, list[str]]:
    places = item.get("where", [])
    if not places:
        return item.get("status", "person"), []
    found = [place for place in places if place.startswith("#") or exists(place)]
    if not any(not place.startswith("#") for place in found) and any(not p.startswith("#") for p in places):
        return "missing", []
    return item.get("status", "answered"), found

"""Reporting checklists filled from a run: what the run shows, where, and what only a person can answer.

Items are worded here in short, in a YAML file each, which says what was compared with the published text.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml

COLUMNS = ("domain", "item", "asks", "status", "answer", "where", "wording_checked")
# What stands where an item about the network meets a run that did not use one.
_NO_NETWORK = (
    "This run used no network: the scores entered as a table. To be answered by those who made them."
)


@dataclass(frozen=True)
class Checklist:
    """A published checklist: its name, where it was published, and the file with its items."""

    name: str
    source: str
    items: Path

    @property
    def file(self) -> str:
        """Where a run keeps the filled checklist."""
        return f"audit/checklist_{self.items.stem}.csv"


_HERE = Path(__file__).parent
PRIME = Checklist(
    "PRIME",
    "Sengupta PP, Shrestha S, Berthon B, et al. Proposed Requirements for Cardiovascular Imaging-Related "
    "Machine Learning Evaluation (PRIME): A Checklist. JACC Cardiovasc Imaging 2020;13:2017–2035, Table 1",
    _HERE / "prime.yaml",
)
TRIPOD_AI = Checklist(
    "TRIPOD+AI",
    "Collins GS, Moons KGM, Dhiman P, et al. TRIPOD+AI statement: updated guidance for reporting clinical "
    "prediction models that use regression or machine learning methods. BMJ 2024;385:e078378 (CC BY 4.0)",
    _HERE / "tripod_ai.yaml",
)
CHECKLISTS = (PRIME, TRIPOD_AI)


def fill(checklist: Checklist, exists: Callable[[str], bool], facts: Mapping[str, bool]) -> pd.DataFrame:
    """One row per item: columns of `COLUMNS`.

    Parameters
    ----------
    exists : callable
        Whether the run has a file (relative path) with content.
    facts : mapping
        What else an answer may depend on: simulated, networks (the run used a network; true unless said).

    Notes
    -----
    status is "answered" (the run shows it, see where), "in part" (the run shows a part and a person must
    add the rest), "person" (only a person can answer) or "missing" (the run should show it and does not).
    """
    rows = []
    for domain in yaml.safe_load(checklist.items.read_text(encoding="utf-8"))["domains"]:
        for item in domain["items"]:
            status, where = _status(item, exists)
            answer = item.get("answer", "") if status != "missing" else item.get("otherwise", "")
            if item.get("needs") == "networks" and not facts.get("networks", True):
                status, where, answer = "person", [], _NO_NETWORK
            if facts.get("simulated") and item.get("when_simulated"):
                answer = f"{answer} {item['when_simulated']}".strip()
            rows.append(
                {
                    "domain": f"{domain['number']} {domain['title']}".strip(),
                    "item": item["item"],
                    "asks": item["asks"],
                    "status": status,
                    "answer": answer,
                    "where": "; ".join(where),
                    "wording_checked": item.get("checked", True),
                }
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _status(item: Mapping, exists: Callable[[str], bool]) -> tuple[str, list[str]]:
    places = item.get("where", [])
    if not places:
        return item.get("status", "person"), []
    found = [place for place in places if place.startswith("#") or exists(place)]
    if not any(not place.startswith("#") for place in found) and any(not p.startswith("#") for p in places):
        return "missing", []
    return item.get("status", "answered"), found

"""Findings about the data: what was doubtful, how often, and by which rule it was settled."""

from dataclasses import dataclass, field

import pandas as pd

from calcohort.cohort.settings import CONFLICTS, STOP
from calcohort.errors import InputError

COLUMNS = ["source", "rule", "severity", "count"]
NOTE, WARNING = "note", "warning"


@dataclass
class Findings:
    """Collects findings in the order in which the derivation meets them."""

    rows: list[dict] = field(default_factory=list)

    def add(self, source: str, rule: str, count, severity: str = WARNING) -> None:
        """Keep the finding when it happened at all."""
        if count:
            self.rows.append({"source": source, "rule": rule, "severity": severity, "count": int(count)})

    def always(self, source: str, rule: str, count) -> None:
        """Keep a count that is wanted also when it is 0, such as how many rows were linked."""
        self.rows.append({"source": source, "rule": rule, "severity": NOTE, "count": int(count)})

    def settle(self, source: str, conflict: str, count, choice: str, severity: str = WARNING) -> None:
        """Count a conflict and how it was settled, also when there is none (it was looked for).

        Raises
        ------
        InputError
            If the choice is to stop and there is such a conflict.
        """
        if count and choice == STOP:
            others = " or ".join(c for c in CONFLICTS[conflict] if c != STOP)
            cure = f"correct the source, or set it to {others}"
            what = f"{int(count)} found in {source}, and the choice is to stop"
            raise InputError(what, where=f"cohort.conflicts.{conflict}", cure=cure)
        self.always(source, f"{conflict}_{choice}", count)
        if count:
            self.rows[-1]["severity"] = severity

    def table(self) -> pd.DataFrame:
        """cohort/quality.csv: source, rule, severity, count."""
        return pd.DataFrame(self.rows, columns=COLUMNS)

"""Findings about the data: what was doubtful, how often, and by which rule it was settled."""

from dataclasses import dataclass, field

import pandas as pd

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

    def table(self) -> pd.DataFrame:
        """cohort/quality.csv: source, rule, severity, count."""
        return pd.DataFrame(self.rows, columns=COLUMNS)

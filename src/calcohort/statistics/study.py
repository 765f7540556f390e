"""What every family of statistics works on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd

from calcohort.statistics.populations import AnalysisSet, Settings, analysis_sets, populations

PRIMARY = "mace"
PAIRED = ("paired", "paired_no_cad")
Tables = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Study:
    """Prepared tables by endpoint (mace first), development scans, settings."""

    frames: dict[str, pd.DataFrame]
    scans: pd.DataFrame | None
    settings: Settings

    @property
    def primary(self) -> pd.DataFrame:
        """The prepared analysis table."""
        return self.frames[PRIMARY]

    def sets(self, endpoints: bool = False) -> Iterator[tuple[str, AnalysisSet]]:
        """Endpoint and analysis set, of mace or of every endpoint."""
        for endpoint, frame in self.frames.items() if endpoints else [(PRIMARY, self.primary)]:
            for analysis_set in analysis_sets(frame):
                yield endpoint, analysis_set

    def paired(self) -> Iterator[tuple[dict, tuple]]:
        """Key, and times, events and both categories, of each paired population."""
        for name, members in populations(self.primary, PAIRED):
            columns = (members[c].to_numpy() for c in ("years", "event", "dl_ctac", "standard"))
            yield {"population": name, "endpoint": PRIMARY}, tuple(columns)


def per_set(study: Study, rows: Callable, *, endpoints: bool = False, settings: bool = False) -> list[dict]:
    """Rows that `rows(analysis_set, endpoint[, settings])` makes of every analysis set."""
    extra = (study.settings,) if settings else ()
    return [row for endpoint, part in study.sets(endpoints) for row in rows(part, endpoint, *extra)]

"""How far a run is, by stage, and how long it will go on."""

from collections import Counter
from dataclasses import dataclass, field

from snakemake_interface_logger_plugins.common import LogEvent

EVERY_SECONDS = 600


@dataclass
class Progress:
    """Counts Snakemake's events.

    Parameters
    ----------
    stages : mapping
        Stage of each rule; a rule that is not in it is its own stage up to the first underscore.
    """

    stages: dict[str, str]
    planned: Counter = field(default_factory=Counter)
    done: Counter = field(default_factory=Counter)
    rules: dict[int, str] = field(default_factory=dict)
    finished: int = 0
    total: int = 0
    begun: float | None = None

    def note(self, event: str | None, facts: dict, now: float) -> None:
        """Take in one event with the facts that Snakemake tells of it, at `now` seconds."""
        if event == LogEvent.RUN_INFO:
            counts = {rule: n for rule, n in facts["stats"].items() if rule != "total"}
            # The plan is told again when a checkpoint has added jobs: what is done is no longer in it.
            self.planned = Counter(self.done)
            for rule, count in counts.items():
                self.planned[self._stage(rule)] += count
            self.begun = now if self.begun is None else self.begun
        elif event == LogEvent.JOB_INFO:
            self.rules[facts["jobid"]] = facts["rule_name"]
        elif event == LogEvent.JOB_FINISHED:
            self.done[self._stage(self.rules.get(facts["job_id"], "all"))] += 1
        elif event == LogEvent.PROGRESS:
            self.finished, self.total = facts["done"], facts["total"]

    def line(self, now: float) -> str:
        """E.g. ``41 % segmentation 3/8  scoring 0/8, about 6 min left``; empty before and after."""
        if self.begun is None or self.finished >= self.total:
            return ""
        parts = [
            f"{stage} {min(self.done[stage], count)}/{count}"
            for stage, count in self.planned.items()
            if stage != "all" and self.done[stage] < count
        ]
        if not parts:
            return ""
        left = self.remaining(now)
        about = "" if left is None else f", about {duration(left)} left"
        return f"{100 * self.finished // self.total:3d} % {'  '.join(parts)}{about}"

    def remaining(self, now: float) -> float | None:
        """Seconds that the rest will take at the pace so far; None before there is a pace."""
        if self.begun is None or self.finished < 3:
            return None
        return (now - self.begun) / self.finished * (self.total - self.finished)

    def _stage(self, rule: str) -> str:
        return self.stages.get(rule, rule.partition("_")[0])


@dataclass
class Milestones:
    """When a file is told of the progress: at every tenth of the jobs, and every ten minutes."""

    tenth: int = -1
    told: float = 0.0

    def reached(self, progress: Progress, now: float) -> bool:
        """Whether it is time for a line; if so, that is remembered."""
        tenth = 10 * progress.finished // max(1, progress.total)
        if tenth <= self.tenth and now - self.told < EVERY_SECONDS:
            return False
        self.tenth, self.told = max(tenth, self.tenth), now
        return True


def duration(seconds: float) -> str:
    """Seconds in words: ``40 s``, ``6 min``, ``3 h 20 min``."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"

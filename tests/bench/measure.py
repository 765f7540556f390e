"""What every section of the bench shares: a row of the table, ways to take a time, the table itself."""

import importlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import pandas as pd

from calcohort.audit.provenance import machine

ROOT = Path(__file__).parents[2]
_CHILD = """
import json, sys, time
from pathlib import Path
{code}
started = time.perf_counter()
result = work(*json.loads(sys.argv[1]))
seconds = time.perf_counter() - started
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(json.dumps([seconds, int(status["VmHWM"].split()[0]) / 1024, result]))
"""


@dataclass(frozen=True)
class Row:
    """One measured number; ``runs`` says of how many runs it is the median."""

    what: str
    value: float
    unit: str
    runs: int = 1


@dataclass(frozen=True)
class Options:
    """What the command line sets: a scratch folder, runs of each measurement, how many mutated series."""

    work: Path
    repeats: int = 5
    count: int = 10_000


def cpu_clock() -> float:
    """Processor seconds of this process and those it waited for, which a busy machine leaves alone."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def seconds(function: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds of one call, by the wall clock unless another is given."""
    started = clock()
    function()
    return clock() - started


def median_seconds(function: Callable[[], object], repeats: int) -> float:
    """Median wall-clock seconds of several calls, after one call that does not count."""
    return in_turn({"": function}, repeats)[""]


def in_turn(
    functions: dict[str, Callable[[], object]],
    repeats: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Median seconds of each, measured in alternation, so that a busy machine is busy for all of them."""
    for function in functions.values():
        function()
    rounds = [{name: seconds(call, clock) for name, call in functions.items()} for _ in range(repeats)]
    return {name: median(times[name] for times in rounds) for name in functions}


def in_process(code: str, *arguments: object) -> tuple[float, float, object]:
    """Run ``work(*arguments)``, which `code` defines, in a process of its own.

    Returns
    -------
    tuple
        Seconds of the call without imports, peak memory of the process in MiB, what the call returned.
    """
    command = [sys.executable, "-c", _CHILD.format(code=code), json.dumps(arguments, default=str)]
    run = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return tuple(json.loads(run.stdout.splitlines()[-1]))


def table(sections: Sequence[str], options: Options) -> pd.DataFrame:
    """Rows of all sections with machine and date."""
    rows = []
    for section in sections:
        for measure in importlib.import_module(f"tests.bench.{section}").MEASUREMENTS:
            print(f"{section}: {measure.__name__}", file=sys.stderr)
            rows += [(section, *astuple(row)) for row in measure(options)]
    measured = pd.DataFrame(rows, columns=["section", *(field.name for field in fields(Row))])
    measured["value"] = measured["value"].map(lambda value: float(f"{value:.4g}"))
    measured["threads"] = os.environ.get("OMP_NUM_THREADS") or os.cpu_count()
    measured["machine"] = machine()["processor"]
    measured["date"] = datetime.now(UTC).date().isoformat()
    return measured

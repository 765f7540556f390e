"""Runs killed at fifty moments: how many the next run finished with the bytes of an undisturbed one."""

import shutil
import time

from tests.bench.measure import Options, Row
from tests.workflow import faults
from tests.workflow.conftest import new_place

MOMENTS = 50


def killed_runs(options: Options) -> list[Row]:
    """Workflow or worker killed with SIGKILL; any difference ends the bench."""
    folder = options.work / "faults"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    place = new_place(folder)
    config = faults.study(place)
    started = time.monotonic()
    expected = faults.finish(place, config)
    seconds = time.monotonic() - started
    struck = faults.killed_rounds(place, config, expected, seconds, range(MOMENTS))
    what = f"killed at {MOMENTS} seeded moments, finished with the same bytes"
    return [Row(what, MOMENTS, "runs"), Row("of these cut off before their end", struck, "runs")]


MEASUREMENTS = [killed_runs]

"""Runs struck at fifty moments: how many the next run finished with the bytes of an undisturbed one."""

import contextlib
import shutil

from tests.bench.measure import Options, Row
from tests.workflow import faults
from tests.workflow.conftest import new_place

MOMENTS = 50


def struck_runs(options: Options) -> list[Row]:
    """Workflow or worker killed with SIGKILL, or the disk full; any difference ends the bench."""
    folder = options.work / "faults"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    place = new_place(folder)
    config = faults.study(place)
    with contextlib.ExitStack() as stack:
        kinds = ("workflow", "worker")
        with contextlib.suppress(faults.NoDisk):
            stack.enter_context(faults.small_disk(place / "results", "20m"))
            kinds = (*kinds, "disk")
        expected = faults.finish(place, config)
        struck = faults.struck_rounds(place, config, expected, range(MOMENTS), kinds)
    what = f"struck ({', '.join(kinds)}) at {MOMENTS} seeded moments, finished with the same bytes"
    return [Row(what, MOMENTS, "runs"), Row("of these cut off before their end", struck, "runs")]


MEASUREMENTS = [struck_runs]

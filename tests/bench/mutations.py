"""Damaged series by the thousand: each must end in a code, or in the volume of an independent decoder."""

import os
import shutil
import sys
from collections import Counter

from tests.bench.measure import Options, Row
from tests.unit.dicom.conftest import small_volume
from tests.unit.dicom.mutation import run_mutations, write_originals

# The tests take the first numbers.
FIRST = 1_000_000


def mutated_series(options: Options) -> list[Row]:
    """How many of ``--count`` series ended in what, the faults among them on stderr."""
    scratch = options.work / "mutations"
    shutil.rmtree(scratch, ignore_errors=True)
    originals = write_originals(small_volume(), scratch / "originals")
    outcomes = Counter()
    slowest, largest = 0.0, 0
    numbers = range(FIRST, FIRST + options.count)
    for outcome in run_mutations(originals, scratch, numbers, workers=os.cpu_count()):
        slowest, largest = max(slowest, outcome.seconds), max(largest, outcome.peak_bytes)
        ended = "fault" if outcome.fault else "a reason code" if outcome.reason else "a volume"
        outcomes[ended] += 1
        if outcome.fault:
            print(f"mutation {outcome.number}: {outcome.fault}", file=sys.stderr)
    shutil.rmtree(scratch)
    what = f"{options.count:,} mutated series"
    return [
        *(
            Row(f"{what}: {name}", outcomes[name], "series")
            for name in ("a volume", "a reason code", "fault")
        ),
        Row(f"{what}: slowest", slowest, "s"),
        Row(f"{what}: largest memory", largest / 2**20, "MiB"),
    ]


MEASUREMENTS = [mutated_series]

"""What Snakemake itself costs."""

import subprocess
import sys
from pathlib import Path

from tests.bench.measure import Options, Row, seconds


def nothing_to_do(options: Options) -> list[Row]:
    """Until a finished demo says that there is nothing to do."""
    if not Path("results/demo/report.html").exists():
        return []
    said = []

    def run() -> None:
        done = subprocess.run([sys.executable, "-m", "snakemake"], capture_output=True, text=True)
        said.append(done.stdout + done.stderr)

    elapsed = seconds(run)
    return [Row("second run of the demo", elapsed, "s")] if "Nothing to be done" in said[0] else []


MEASUREMENTS = [nothing_to_do]

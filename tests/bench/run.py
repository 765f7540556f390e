"""What takes how long: one table on the terminal, and as CSV with machine and date (make bench).

A section is a module beside this one with a list ``MEASUREMENTS`` of functions from ``Options`` to rows
(:mod:`tests.bench.measure`).
"""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).parent
SECTIONS = sorted({path.stem for path in HERE.glob("*.py")} - {"__init__", "measure", "run", "series"})


def main() -> None:
    """Measure the sections named on the command line, or all of them; print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--out", type=Path, default=Path("bench"), help="for bench.csv and scratch files")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each measurement")
    parser.add_argument("--count", type=int, default=10_000, help="series of the section mutations")
    asked = parser.parse_args()
    if unknown := set(asked.sections) - set(SECTIONS):
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    # Sections are named after what they measure: this folder must not hide the standard library's statistics.
    sys.path[0] = str(HERE.parents[1])
    from calcohort import tables
    from tests.bench.measure import Options, table

    measured = table(
        asked.sections or SECTIONS, Options((asked.out / "work").resolve(), asked.repeats, asked.count)
    )
    print(measured.to_string(index=False))
    tables.write_csv(measured, asked.out / "bench.csv")


if __name__ == "__main__":
    main()

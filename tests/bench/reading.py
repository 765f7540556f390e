"""From DICOM to an uncompressed NRRD file: calcohort beside dcm2niix, in turn, one process each."""

import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

from calcohort.dicom import load_series, scan_folder
from tests.bench.measure import Options, Row, cpu_clock, in_turn, median_seconds
from tests.bench.series import ctac, folder, jpeg_lossless, real_scan, uncompressed

SERIES = (
    ("ctac of 44 slices", 44, "explicit"),
    ("ctac of 44 slices", 44, "implicit"),
    ("ctac of 44 slices", 44, "rle"),
    ("ctac of 44 slices", 44, "jpeg2000"),
    ("ctac of 44 slices", 44, "jpegls"),
    ("chest of 134 slices", 134, "explicit"),
)


def index_and_convert(source: Path, out: Path) -> None:
    """What the rules index and convert do with one series."""
    index = scan_folder(source)
    for key in index.series["series"]:
        load_series(index.paths(key), into=out / f"{key}.nrrd")


def dcm2niix(source: Path, out: Path) -> None:
    """The same by dcm2niix, as the same kind of file, without its sidecar."""
    command = ["dcm2niix", "-e", "y", "-z", "n", "-b", "n", "-w", "1", "-f", "volume", "-o", out, source]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def beside_dcm2niix(options: Options) -> list[Row]:
    """Seconds per series of both, their ratio, and the ratio of their processor times."""
    sources = {
        f"{name}, {syntax}": folder(options.work, name, ctac(slices), syntax)
        for name, slices, syntax in SERIES
    }
    name, _, syntax = SERIES[0]
    plain = sources[f"{name}, {syntax}"]
    sources[f"{name}, jpeg_lossless"] = jpeg_lossless(options.work, name, plain)
    if real_scan() is not None:
        sources["real, jpegls"] = real_scan()
        sources["real, explicit"] = uncompressed(options.work, "real", real_scan())
    return [row for name, source in sources.items() for row in _one_series(name, source, options)]


def _one_series(name: str, source: Path, options: Options) -> list[Row]:
    out = options.work / "converted"
    out.mkdir(exist_ok=True)
    readers = {"calcohort": partial(index_and_convert, source, out)}
    # Debian's dcm2niix is built without JPEG-LS.
    if shutil.which("dcm2niix") and not name.endswith("jpegls"):
        readers["dcm2niix"] = partial(dcm2niix, source, out)
    times = in_turn(readers, options.repeats)
    rows = [Row(f"{name}: {reader}", value, "s", options.repeats) for reader, value in times.items()]
    if len(readers) == 2:
        processor = in_turn(readers, options.repeats, cpu_clock)
        for label, pair in {"": times, ", processor time": processor}.items():
            ratio = pair["calcohort"] / pair["dcm2niix"]
            rows.append(Row(f"{name}: calcohort / dcm2niix{label}", ratio, "ratio", options.repeats))
    shutil.rmtree(out)
    return rows


def start(options: Options) -> list[Row]:
    """What comes once per shard of scans: the start of Python and its imports."""

    def imports() -> None:
        subprocess.run([sys.executable, "-c", "import calcohort.dicom"], check=True)

    return [Row("process start and imports", median_seconds(imports, options.repeats), "s", options.repeats)]


MEASUREMENTS = [beside_dcm2niix, start]

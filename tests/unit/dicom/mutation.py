"""Seeded damage to a series, and what must come of it; also run by the thousand from the bench.

Each case is judged in a process of a pool, under a limit of time and memory: it ends in a reason code, or in
exactly the volume that an independent decoder reads from the mutated bytes.
"""

import resource
import shutil
import signal
import time
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk

from calcohort.dicom import REASONS, FolderIndex, LoadedSeries, load_series, scan_folder
from calcohort.simulate.dicom_variants import series_files
from calcohort.simulate.dicom_writer import write_series
from calcohort.volume import Volume

SYNTAXES = ("jpegls", "explicit", "implicit", "rle", "jpeg2000", "deflated", "big_endian")
KINDS = ("flip", "replace", "insert", "delete", "digit", "zeros", "cut")
LARGEST_SECONDS = 10
CASES_OF_A_POOL = 1000
LARGEST_BYTES = 2 * 2**30
# A process of the pool before its first case, modules and all.
OWN_BYTES = 200 * 2**20
# Flags that say that slices at the ends may be missing.
_END_FLAGS = {"coverage", "broken_file_beside"}


@dataclass(frozen=True)
class Outcome:
    """What became of one case; `fault` is empty where it ended as it must."""

    number: int
    reason: str | None
    fault: str
    seconds: float
    peak_bytes: int


def write_originals(volume: Volume, folder: Path) -> Path:
    """The series that are mutated, one folder for each transfer syntax."""
    for syntax in SYNTAXES:
        facts = {"patient_id": "P001", "study_date": "2015-03-04", "protocol": "ctac_stress"}
        write_series(volume, folder / syntax, transfer_syntax=syntax, **facts)
    return folder


def run_mutations(
    originals: Path, scratch: Path, numbers: Sequence[int], workers: int = 1
) -> Iterator[Outcome]:
    """Outcome of each case, by its number; a pool keeps a crash or a hang from ending the run."""
    judge = partial(judge_mutation, originals=originals, scratch=scratch)
    # GDCM, the other decoder, loses memory with every file that it refuses: a pool does not live long.
    # (The pool's own max_tasks_per_child may stand still for ever: CPython issue 115634.)
    for first in range(0, len(numbers), CASES_OF_A_POOL):
        with ProcessPoolExecutor(workers, initializer=_limit) as pool:
            some = numbers[first : first + CASES_OF_A_POOL]
            for number, future in [(number, pool.submit(judge, number)) for number in some]:
                try:
                    yield future.result(timeout=60 * LARGEST_SECONDS)
                except Exception as error:
                    yield Outcome(number, None, f"{type(error).__name__}: {error}", 0.0, 0)


def _limit() -> None:
    # Address space counts maps and reserves as well: a wide limit stops a runaway, the peak is judged below.
    resource.setrlimit(resource.RLIMIT_AS, (4 * LARGEST_BYTES, 4 * LARGEST_BYTES))


def _give_up(*_) -> None:
    raise TimeoutError(f"no end after {LARGEST_SECONDS} s")


def judge_mutation(number: int, originals: Path, scratch: Path) -> Outcome:
    """Mutate one file of one series by the seed `number`, read it, and compare."""
    rng = np.random.default_rng(np.random.SeedSequence([20, number]))
    folder = shutil.copytree(originals / SYNTAXES[number % len(SYNTAXES)], scratch / str(number))
    files = series_files(folder)
    mutate(files[int(rng.integers(len(files)))], rng)
    reason, fault, seconds, peak = None, "", 0.0, 0
    # What earlier cases of this process have left behind is not this one's.
    held = max(0, _memory("VmRSS") - OWN_BYTES)
    signal.signal(signal.SIGALRM, _give_up)
    _forget_peak()
    started = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            signal.alarm(LARGEST_SECONDS)
            index, loaded = scan_folder(folder), load_series(folder)
            signal.alarm(0)
            # The other decoder's time and memory are its own.
            seconds, peak, reason = time.perf_counter() - started, _memory("VmHWM") - held, loaded.reason
            fault = _judge(index, loaded, files)
    except Exception as error:
        fault = f"{type(error).__name__}: {error}"
    finally:
        signal.alarm(0)
        shutil.rmtree(folder)
    if peak > LARGEST_BYTES:
        fault = fault or f"memory {peak >> 20} MiB"
    return Outcome(number, reason, fault, seconds, peak)


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _memory(which: str) -> int:
    """Bytes that the process holds (VmRSS) or has held at most (VmHWM)."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{which}:")[2].split()[0]) * 1024


def mutate(path: Path, rng: np.random.Generator) -> None:
    """Change a file in its header or anywhere: some bytes, a block of zeros, a swapped block, or its end."""
    content = bytearray(path.read_bytes())
    in_header = rng.random() < 0.6
    kind = rng.choice(KINDS, p=[0.2, 0.2, 0.2, 0.2, 0.1, 0.05, 0.05])

    def place() -> int:
        span = (132, min(1500, len(content))) if in_header else (0, len(content))
        return int(rng.integers(*span))

    if kind == "cut":
        del content[int(rng.integers(len(content))) :]
    elif kind == "zeros":
        at, n = place(), int(rng.integers(4, 600))
        content[at : at + n] = bytes(len(content[at : at + n]))
    elif kind == "digit":
        digits = [at for at, byte in enumerate(content[:2000]) if 0x30 <= byte <= 0x39]
        content[digits[int(rng.integers(len(digits)))]] = 0x30 + int(rng.integers(10))
    else:
        for _ in range(int(rng.integers(1, 4))):
            _change(content, place(), kind, rng)
    path.write_bytes(bytes(content))


def _change(content: bytearray, at: int, kind: str, rng: np.random.Generator) -> None:
    if kind == "flip":
        content[at] ^= 1 << int(rng.integers(8))
    elif kind == "replace":
        content[at] = int(rng.integers(256))
    elif kind == "insert":
        content[at:at] = rng.bytes(1)
    else:
        del content[at]


def _judge(index: FolderIndex, loaded: LoadedSeries, files: list[Path]) -> str:
    unknown = (set(index.files["reason"].dropna()) | {loaded.reason}) - {None, *REASONS}
    if unknown:
        return f"unknown codes {sorted(unknown)}"
    if (loaded.volume is None) == (loaded.reason is None):
        return "neither a volume nor a reason, or both"
    if loaded.volume is None:
        return ""
    aside = {Path(path).name for path, reason in loaded.files if reason}
    flags = set(loaded.warnings).union(*index.series["warnings"].str.split())
    if aside and not flags & _END_FLAGS:
        return f"slice left aside in silence: {sorted(flags)}"
    return difference(loaded.volume, [independent(path) for path in files if path.name not in aside])


def difference(volume: Volume, slices: list) -> str:
    """How a volume differs from slices (position, spacing x y, HU) read by another decoder; empty if not."""
    slices = sorted(slices, key=lambda one: one[0][2])
    if len(slices) != len(volume.hu):
        return f"{len(volume.hu)} slices of {len(slices)}"
    heights = np.array([position[2] for position, _, _ in slices])
    expected = volume.origin_lps_mm[2] + volume.spacing_xyz_mm[2] * np.arange(len(heights))
    if np.abs(heights - expected).max() > 0.12:
        return f"heights differ by {np.abs(heights - expected).max()} mm"
    for (position, spacing, hu), own in zip(slices, volume.hu, strict=True):
        if np.abs(np.subtract(position[:2], volume.origin_lps_mm[:2])).max() > 0.12:
            return "positions differ"
        if np.abs(np.subtract(spacing, volume.spacing_xyz_mm[:2])).max() > 1.1e-4:
            return "spacings differ"
        # A rescale slope such as 1.1 differs by rounding between float32 and float64.
        if hu.shape != own.shape or np.abs(hu - own.astype(float)).max() > 1e-3:
            return "values differ"
    return ""


def independent(path: Path):
    """Position, spacing and values as GDCM reads them; pydicom reads what GDCM refuses without need."""
    try:
        return _gdcm(path)
    except RuntimeError:
        return _pydicom(path)


def _gdcm(path: Path):
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(path))
    image = reader.Execute()
    return image.GetOrigin()[:3], image.GetSpacing()[:2], np.squeeze(sitk.GetArrayFromImage(image))


def _pydicom(path: Path):
    dataset = pydicom.dcmread(path, force=True)
    if "TransferSyntaxUID" not in dataset.file_meta:
        _, little = dataset.original_encoding
        syntax = pydicom.uid.ExplicitVRLittleEndian if little else pydicom.uid.ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = syntax
    dataset.SamplesPerPixel = dataset.get("SamplesPerPixel", 1)
    hu = dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
    position = tuple(float(value) for value in dataset.ImagePositionPatient)
    return position, tuple(float(value) for value in dataset.PixelSpacing)[::-1], hu

"""What must agree between the files of one series before its slices may be stacked."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import combinations, groupby, pairwise
from pathlib import Path

import numpy as np

from calcohort.dicom.decode import open_pixels, stored_frames, to_hounsfield
from calcohort.dicom.frames import Frame, n_phases, trigger_groups
from calcohort.dicom.header import FileHeader, iso_date
from calcohort.dicom.reasons import REASONS, Rejected

# Thickness is written with rounding; a tenth apart is another reconstruction.
_SAME_THICKNESS = 0.1
# What one reconstruction has throughout, where it is given at all.
_THE_SAME = ("Manufacturer", "ManufacturerModelName", "PatientPosition", "SeriesNumber", "FilterType")
# What may change along the table once, but not back again.
_IN_ONE_PIECE = (
    "ImageType", "SeriesDescription", "ReconstructionDiameter", "ContrastBolusAgent", "ProtocolName",
)  # fmt: skip
_DIGITS = re.compile(r"\d+")
# Places and directions that differ by less are the same.
_SAME_PLACE = 1e-3
# Passes over one place that one series may hold, and the slices that make one.
_MOST_PASSES, _SHORTEST_PASS = 4, 5
# Step and shoot waits a few heart beats between table positions; a second scan comes later.
_LONGEST_STEP_S = 60.0
# Slices of one scan that differ by more in time were taken one after the other along the table.
_AT_ONCE_S = 5.0
# The turns of a spiral follow each other at once; fewer of them could be scans.
_FEWEST_TURNS, _LONGEST_TURN_S = 4, 2.0
# A trigger that is set to a time after the R wave is hit as exactly.
_SET_TRIGGER_MS = 5.0
_DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class Slice:
    """One frame together with the file that holds it."""

    header: FileHeader
    frame: Frame


def check_identity(headers: Sequence[FileHeader]) -> None:
    """One patient, one study, one day, one frame of reference.

    Raises
    ------
    Rejected
        mixed_patients, mixed_studies, mixed_frames_of_reference.
    """
    identifiers, *others = zip(*(header.patient for header in headers), strict=True)
    # Name, birth date and sex are often blanked in some images; where they are given they must agree.
    if len(set(identifiers)) > 1 or any(len(set(filter(None, values))) > 1 for values in others):
        raise Rejected("mixed_patients")
    if len({header.study_uid for header in headers}) > 1:
        raise Rejected("mixed_studies")
    if len({header.study_date for header in headers if header.study_date}) > 1:
        raise Rejected("mixed_studies")
    if len({header.frame_of_reference for header in headers}) > 1:
        raise Rejected("mixed_frames_of_reference")


def drop_duplicates(headers: Sequence[FileHeader]) -> tuple[list[FileHeader], list[str]]:
    """Headers of distinct images, and the paths of the copies left aside.

    Two files are copies when they have the same bytes, or the same place and pixels.

    Raises
    ------
    Rejected
        duplicate_uid_conflict, duplicate_position.
    """
    kept, copies = [], []
    for same in _groups(headers, lambda header: header.sop_uid):
        first, *rest = same
        same_as_first = _comparison(first)
        if not all(map(same_as_first, rest)):
            raise Rejected("duplicate_uid_conflict")
        kept.append(first)
        copies += [other.path for other in rest]
    distinct = [header for header in kept if not header.frames]
    for same in _groups([header for header in kept if header.frames], _places):
        first, *rest = same
        same_as_first = _comparison(first)
        distinct.append(first)
        for other in rest:
            if same_as_first(other):
                copies.append(other.path)
            else:
                distinct.append(other)
    return sorted(distinct, key=lambda header: header.path), copies


def _groups(headers: Sequence[FileHeader], key) -> list[list[FileHeader]]:
    groups = defaultdict(list)
    for header in sorted(headers, key=lambda header: header.path):
        groups[key(header)].append(header)
    return list(groups.values())


def _places(header: FileHeader) -> tuple[float, ...]:
    return tuple(
        round(value, 2) for frame in header.frames for value in (*frame.position, *frame.orientation)
    )


def _comparison(first: FileHeader) -> Callable[[FileHeader], bool]:
    """Whether another file holds the same image as the first, whose pixels are read once at most."""
    digest = cache(lambda: _own_digest(first))

    def same_image(other: FileHeader) -> bool:
        if first.pixels is None or other.pixels is None:
            return first.reason == other.reason and _same_bytes(first, other)
        if _same_bytes(first, other):
            return True
        # Written anew, a place may differ in its last digits.
        places, others = (
            np.array([(*f.position, *f.orientation, *f.spacing) for f in header.frames])
            for header in (first, other)
        )
        same_place = places.shape == others.shape and np.allclose(places, others, rtol=0, atol=_SAME_PLACE)
        return same_place and digest() == _own_digest(other)

    return same_image


def _own_digest(header: FileHeader) -> str:
    return pixel_digest([Slice(header, frame) for frame in header.frames])


def _same_bytes(a: FileHeader, b: FileHeader) -> bool:
    first, second = Path(a.path), Path(b.path)
    if first.stat().st_size != second.stat().st_size:
        return False
    return _file_digest(first) == _file_digest(second)


def _file_digest(path: Path) -> str:
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def pixel_digest(slices: Sequence[Slice]) -> str:
    """SHA-256 of the Hounsfield units of slices in the given order, one of them in memory at a time."""
    digests: dict[int, bytes] = {}
    for header in {id(s.header): s.header for s in slices}.values():
        with open_pixels(header.path, header.pixels) as handle:
            for frame, words in zip(header.frames, stored_frames(handle, header.pixels), strict=True):
                hu, _ = to_hounsfield(words, frame, header.pixels)
                values = np.ascontiguousarray(hu, dtype=np.float64)
                digests[id(frame)] = hashlib.sha256(values).digest()
    return hashlib.sha256(b"".join(digests[id(s.frame)] for s in slices)).hexdigest()


def check_protocol(slices: Sequence[Slice]) -> tuple[str, ...]:
    """One scanner, one matrix, one reconstruction, one acquisition; returns warnings.

    Raises
    ------
    Rejected
        matrix_mismatch, mixed_reconstructions, several_acquisitions.
    """
    if len({(s.header.pixels.rows, s.header.pixels.columns) for s in slices}) > 1:
        raise Rejected("matrix_mismatch")
    if len({s.frame.kvp for s in slices} - {None}) > 1 or len({s.frame.kernel for s in slices} - {""}) > 1:
        raise Rejected("mixed_reconstructions")
    thickness = [s.frame.thickness for s in slices if s.frame.thickness is not None]
    if thickness and max(thickness) - min(thickness) > _SAME_THICKNESS * max(thickness):
        raise Rejected("mixed_reconstructions")
    _check_mixtures(sorted(slices, key=lambda s: s.frame.position[2]))
    warnings = () if len(thickness) == len(slices) else ("no_thickness",)
    return warnings + _check_acquisitions([s.frame for s in slices])


def _check_mixtures(ordered: Sequence[Slice]) -> None:
    """Refuse slices of two scans or reconstructions, those that take turns along the table above all."""
    facts = [s.header.facts for s in ordered]
    if _differ([s.header.scanner for s in ordered]):
        raise Rejected("mixed_reconstructions")
    if any(_differ([_plain(fact[keyword]) for fact in facts]) for keyword in _THE_SAME):
        raise Rejected("mixed_reconstructions")
    if any(_takes_turns([_plain(fact[keyword]) for fact in facts]) for keyword in _IN_ONE_PIECE):
        raise Rejected("mixed_reconstructions")
    # Some scanners write the phase that each slice met into its options.
    if _takes_turns([_DIGITS.sub("", fact["ScanOptions"]) or fact["ScanOptions"] for fact in facts]):
        raise Rejected("mixed_reconstructions")
    # Where some slices name the agent, those that name none were taken without it.
    if len({bool(fact["ContrastBolusAgent"]) for fact in facts}) > 1:
        raise Rejected("mixed_reconstructions")
    moments = (
        [f"{s.frame.date} {s.frame.seconds}" for s in ordered],
        [s.header.facts["AcquisitionDateTime"] for s in ordered],
        [s.header.facts["AcquisitionUID"] for s in ordered],
        ["|".join(s.header.events) for s in ordered],
    )
    numbers = [s.frame.instance for s in ordered]
    by_number = _numbered_twice(numbers) or _numbered_alike(numbers)
    if any(map(_takes_turns, moments)) or by_number or _mixes_phases([s.frame for s in ordered]):
        raise Rejected("several_acquisitions")


def _differ(values: Sequence[str]) -> bool:
    return len(set(filter(None, values))) > 1


def _plain(text: str) -> str:
    """The text of a fact; of a number, however it is written, its value."""
    try:
        return repr(float(text))
    except ValueError:
        return text.upper()


def _mixes_phases(frames: list[Frame]) -> bool:
    """Whether slices along the table belong to several phases of the heart."""
    if n_phases(frames) > 1:
        return True
    groups = trigger_groups(frames)
    return _alternate(groups) or (_is_set(frames, groups) and _shortest_stay(groups) < _SHORTEST_PASS)


def _is_set(frames: list[Frame], groups: Sequence) -> bool:
    """Whether a few times after the R wave come again and again, as exactly as only set ones do."""
    times = defaultdict(list)
    for frame, group in zip(frames, groups, strict=True):
        times[group].append(frame.trigger_ms)
    if "" in times or not 2 <= len(times) <= _MOST_PASSES or not _takes_turns(list(map(str, groups))):
        return False
    return all(max(values) - min(values) <= _SET_TRIGGER_MS for values in times.values())


def _shortest_stay(groups: Sequence) -> int:
    return min(len(list(same)) for _, same in groupby(groups))


def _takes_turns(values: Sequence[str]) -> bool:
    """Whether a value comes back after another; what is new in nearly every slice is no mark of a scan."""
    given = [value for value in values if value]
    n_blocks = 1 + sum(a != b for a, b in pairwise(given))
    return 1 < len(set(given)) <= len(given) / 2 and n_blocks > len(set(given))


def _alternate(groups: Sequence) -> bool:
    """Whether a few values follow each other in the same turn from the first slice to the last.

    Less would be no sign: each table position of one scan may have met another phase of the heart.
    """
    n = len(set(groups))
    if not 2 <= n <= _MOST_PASSES or len(groups) < n * _SHORTEST_PASS:
        return False
    return all(a == b for a, b in zip(groups, groups[n:], strict=False)) and len(set(groups[:n])) == n


def _numbered_twice(numbers: Sequence[int | None]) -> bool:
    """Whether the numbers of slices, in the order of their places, run along the table more than once.

    Numbers that follow no order at all make many short runs, and tell nothing.
    """
    if len(numbers) < 3 or None in numbers or len(set(numbers)) < len(numbers):
        return False
    places = np.argsort(numbers)
    if _as_names(places.tolist()):
        return False
    turns = np.flatnonzero(np.sign(np.diff(places)) != np.sign(np.median(np.diff(places)))) + 1
    runs = np.split(places, turns)
    if not 2 <= len(runs) <= _MOST_PASSES or min(map(len, runs)) < _SHORTEST_PASS:
        return False
    return any(_overlap(one, other) for one, other in combinations(runs, 2))


def _overlap(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether each of two runs has several slices amid those of the other: one could lie at a wrong place."""
    amid = [np.count_nonzero((a > b.min()) & (a < b.max())) for a, b in ((one, other), (other, one))]
    return min(amid) > 1


def _as_names(places: list[int]) -> bool:
    """Whether slices were numbered in the order of names without leading zeros: 1, 10, 11, 2 for one."""
    n = len(places)
    for first in (0, 1):
        as_named = [number - first for number in sorted(range(first, n + first), key=str)]
        if places in (as_named, [n - 1 - place for place in as_named]):
            return True
    return False


def _numbered_alike(numbers: Sequence[int | None]) -> bool:
    """Whether each number stands at the same count of places, by two or more passes over one range."""
    counts = set(Counter(numbers).values())
    n_passes = counts.pop()
    if counts or None in numbers or not 2 <= n_passes <= _MOST_PASSES or len(set(numbers)) < _SHORTEST_PASS:
        return False
    places = [[place for place, number in enumerate(numbers) if number == n] for n in sorted(set(numbers))]
    passes = list(zip(*places, strict=True))
    if any(len(set(np.sign(np.diff(each)))) > 1 for each in passes):
        return False
    return any(min(after) < max(before) for before, after in pairwise(passes))


def _check_acquisitions(frames: list[Frame]) -> tuple[str, ...]:
    """Several acquisitions are one scan only when the table went on step by step (step and shoot)."""
    ordered = sorted(frames, key=lambda frame: frame.position[2])
    steps = _steps(ordered)
    # A slice without a number is one of the only scan that the others name.
    named = {frame.acquisition for frame in ordered if not frame.acquisition.startswith("|")}
    blocks = [[ordered[0]]]
    for frame in ordered[1:]:
        if len(named) == 1 or frame.acquisition == blocks[-1][-1].acquisition:
            blocks[-1].append(frame)
        else:
            blocks.append([frame])
    if len(blocks) == 1:
        if _interleave(steps) or _pauses(steps):
            raise Rejected("several_acquisitions")
        return ()
    # A number that comes back after another one: two scans of the same place.
    if len({block[0].acquisition for block in blocks}) < len(blocks):
        raise Rejected("several_acquisitions")
    if _pauses(steps) or not (_counts_slices(blocks) or _goes_on(blocks)):
        raise Rejected("several_acquisitions")
    return ("acquisitions_joined",)


def _counts_slices(blocks: list[list[Frame]]) -> bool:
    """Whether every slice has its own acquisition number, one more or less than the slice before."""
    return max(map(len, blocks)) == 1 and _counts_on(blocks)


def _pauses(steps: np.ndarray) -> bool:
    """Whether long pauses part the slices along the table: scans of several moments.

    Many pauses that all go one way are the steps of a slow scan.
    """
    long = steps[np.abs(steps) > _LONGEST_STEP_S]
    return 0 < len(long) < _MOST_PASSES or len(set(np.sign(long))) > 1


def _steps(ordered: list[Frame]) -> np.ndarray:
    """Seconds from slice to slice along the table, of the slices that tell; none where most do not."""
    told = [frame for frame in ordered if frame.seconds is not None]
    moments = _moments(told) if len(told) > len(ordered) / 2 else None
    if moments is None:
        return np.array([])
    steps = np.diff(moments)
    # Over midnight the clock begins again.
    one_day = len({frame.date for frame in told}) == 1
    return (steps + _DAY_S / 2) % _DAY_S - _DAY_S / 2 if one_day else steps


def _moments(frames: list[Frame]) -> list[float] | None:
    """Seconds at which slices that tell it were taken, by their days too; None where a day is none."""
    if len({frame.date for frame in frames}) == 1:
        return [frame.seconds for frame in frames]
    days = [iso_date(frame.date) for frame in frames]
    if not all(days):
        return None
    return [
        date.fromisoformat(day).toordinal() * _DAY_S + frame.seconds
        for day, frame in zip(days, frames, strict=True)
    ]


def _counts_on(blocks: list[list[Frame]]) -> bool:
    """Whether acquisition numbers go up, or down, by one from block to block along the table."""
    numbers = [block[0].acquisition.partition("|")[0] for block in blocks]
    if not all(number.isdecimal() for number in numbers):
        return False
    return set(np.diff([int(number) for number in numbers]).tolist()) in ({1}, {-1})


def _goes_on(blocks: list[list[Frame]]) -> bool:
    """Whether blocks along the table were taken one after the other, without a pause for a new scan."""
    told = [[frame for frame in block if frame.seconds is not None] for block in blocks]
    moments = iter(_moments([frame for block in told for frame in block]) or ())
    times = [[next(moments, None) for _ in block] for block in told]
    if all(times) and len({second for block in times for second in block}) > 1:
        if times[0] > times[-1]:
            times.reverse()
        # A step is one rotation with a pause behind it; a table that moves all the time makes another scan.
        shots = [max(block) - min(block) for block in times]
        pauses = [min(after) - max(before) for before, after in pairwise(times)]
        if min(pauses) > max(shots) and max(pauses) <= _LONGEST_STEP_S:
            return True
        turns = len(blocks) >= _FEWEST_TURNS and _counts_on(blocks)
        return turns and min(pauses) >= 0 and max(pauses) <= _LONGEST_TURN_S
    # Without times only the numbers tell; two blocks could as well be two scans.
    numbers = [block[0].acquisition.partition("|")[0] for block in blocks]
    if len(blocks) < 3 or not all(number.isdigit() for number in numbers):
        return False
    steps = np.diff([int(number) for number in numbers])
    return bool(np.all(steps > 0) or np.all(steps < 0))


def _interleave(steps: np.ndarray) -> bool:
    """Whether slices along the table belong, in turn, to an early and a late scan."""
    jumps = np.sign(steps[np.abs(steps) > _AT_ONCE_S])
    return np.count_nonzero(np.diff(jumps)) >= 2


def worst(codes: Sequence[str]) -> str | None:
    """The code that speaks for the series: of those that reject, the first of the table."""
    ranked = [code for code in REASONS if code in set(codes)]
    return next((code for code in ranked if REASONS[code].level == "series"), None)

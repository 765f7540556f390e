"""Whether every slice of a scan was written whole: no rows of one value where its neighbours show tissue."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

# Rows at the end that are empty in one slice and not beside it; at the beginning, where air lies, many more.
_FEWEST_ROWS, _SHARE_AT_END, _SHARE_AT_START = 4, 0.02, 0.1
# So many rows at the end of all further slices: the disk was full.
_SHARE_OF_A_JUMP = 0.25
# Slices of two neighbours that were written in part lie beside each other.
_NEIGHBOURS = 2
# A mask's outline leaves so much of a row, and rows at the edge of every slice; a cut leaves neither.
_SHARE_OF_AN_OUTLINE, _ROWS_OF_A_MASK = 0.5, 2
# A slice of nothing but this is air beyond a phantom.
_AIR_HU = (-1100, -900)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one slice as stored: those that hold one value alone, and those that show tissue.

    `at_start` and `at_end` count the rows of the value of the first and of the last pixel; behind them the
    slice is outlined where that value goes on beside what is shown.
    """

    constant: np.ndarray
    tissue: np.ndarray
    at_start: int
    at_end: int
    start_is_outlined: bool
    end_is_outlined: bool
    ends_with_zeros: bool

    @classmethod
    def of(cls, words: np.ndarray, tissue: np.ndarray, largest_hu: float) -> "Rows":
        """Of stored words, shape (rows, columns), which of their rows show tissue, and the largest value."""
        low, high = words.min(axis=1), words.max(axis=1)
        constant = low == high
        first, last = words[0, 0], words[-1, -1]
        at_start = _leading(constant & (low == first))
        at_end = _leading((constant & (low == last))[::-1])
        if at_end == len(words) and last and _AIR_HU[0] <= largest_hu <= _AIR_HU[1]:
            at_start = at_end = 0
        start_is_outlined = _is_outlined(words, at_start, first)
        end_is_outlined = _is_outlined(words[::-1], at_end, last)
        return cls(constant, tissue, at_start, at_end, start_is_outlined, end_is_outlined, not last)


def _leading(flags: np.ndarray) -> int:
    return len(flags) if flags.all() else int(np.argmin(flags))


def _is_outlined(words: np.ndarray, n_empty: int, value: int) -> bool:
    # A cut may end within a row: the next one tells.
    behind = n_empty + 1
    return behind < len(words) and bool((words[behind] == value).mean() >= _SHARE_OF_AN_OUTLINE)


def written_in_part(rows: Sequence[Rows], has_noise: Callable[[int], bool]) -> bool:
    """Whether a slice lacks rows that its neighbours have; drawings without noise are not judged."""
    n_rows = len(rows[0].constant)
    at_end = np.array([own.at_end for own in rows])
    at_start = np.array([own.at_start for own in rows])
    for z, own in enumerate(rows):
        sides = _beside(at_end, z, n_rows)
        neighbours = [beside for side in sides for beside in side]
        if not neighbours:
            continue
        masked_start = at_start[neighbours].min() >= _ROWS_OF_A_MASK
        masked_end = at_end[neighbours].min() >= _ROWS_OF_A_MASK
        if at_end[z] == n_rows:
            lost = not (masked_start and masked_end) and at_end[z] - _emptier(at_end, sides) > _FEWEST_ROWS
        else:
            more_at_end = at_end[z] - _emptier(at_end, sides) > max(_FEWEST_ROWS, _SHARE_AT_END * n_rows)
            more_at_start = at_start[z] - _emptier(at_start, sides) > max(
                _FEWEST_ROWS, _SHARE_AT_START * n_rows
            )
            jumps = own.ends_with_zeros and _jumps(at_end, z, n_rows)
            lost = (
                ((more_at_end or jumps) and not (masked_end and own.end_is_outlined))
                or (more_at_start and not (masked_start and own.start_is_outlined))
                or _has_holes(rows, z)
            )
        if lost and all(map(has_noise, neighbours)):
            return True
    return False


def _beside(at_end: np.ndarray, z: int, n_rows: int) -> list[np.ndarray]:
    """The nearest slices on each side that were written at all, as several neighbours may be missing."""
    written = np.flatnonzero(at_end < n_rows)
    sides = [written[written < z][-_NEIGHBOURS:], written[written > z][:_NEIGHBOURS]]
    return [side for side in sides if len(side)]


def _emptier(empty: np.ndarray, sides: Sequence[np.ndarray]) -> int:
    """The side on which more rows are empty, by its better slice."""
    return max(int(empty[side].min()) for side in sides)


def _jumps(at_end: np.ndarray, z: int, n_rows: int) -> bool:
    """Whether a slice that was written in part follows one that was written whole."""
    return any(
        at_end[z] - at_end[beside] > _SHARE_OF_A_JUMP * n_rows
        for beside in (z - 1, z + 1)
        if 0 <= beside < len(at_end)
    )


def _has_holes(rows: Sequence[Rows], z: int) -> bool:
    """Whether rows amid the slice's tissue are empty where both neighbours have tissue."""
    own = rows[z]
    if not 0 < z < len(rows) - 1 or not own.tissue.any():
        return False
    top, bottom = np.flatnonzero(own.tissue)[[0, -1]]
    amid = slice(top, bottom)
    holes = own.constant[amid]
    for beside in (rows[z - 1], rows[z + 1]):
        holes = holes & beside.tissue[amid] & ~beside.constant[amid]
    return np.count_nonzero(holes) >= _FEWEST_ROWS

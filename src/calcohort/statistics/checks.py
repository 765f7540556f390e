"""What every statistic asks of its arrays; one clear line where they are something else."""

import numpy as np
import pandas as pd

from calcohort.errors import InputError


def numbers(values, what: str) -> np.ndarray:
    """Values of any shape as float.

    Raises
    ------
    InputError
        If they are text, dates, complex or something else that is no number.
    """
    values = np.asarray(values)
    try:
        # Spans of time would count as nanoseconds.
        if values.dtype.kind not in "biufO":
            raise TypeError
        return values.astype(float)
    except (TypeError, ValueError):
        raise InputError("a value is not a number", where=what, cure="give numbers") from None


def survival_data(time, event) -> tuple[np.ndarray, np.ndarray]:
    """Times as float (n,) and events as int (n,).

    Raises
    ------
    InputError
        If lengths differ, a time is negative, infinite or missing, or an event is neither 0 nor 1.
    """
    time, event = (numbers(values, what) for values, what in ((time, "times"), (event, "events")))
    if time.ndim != 1 or time.shape != event.shape:
        raise InputError(
            f"{time.shape} times and {event.shape} events", where="survival data", cure="pair them"
        )
    if not np.isfinite(time).all() or (time < 0).any():
        raise InputError("a time is negative, infinite or missing", where="survival data")
    if not np.isin(event, (0, 1)).all():
        raise InputError("an event is neither 0 nor 1", where="survival data")
    return time, event.astype(int)


def ever_at_risk(time: np.ndarray, event: np.ndarray) -> np.ndarray:
    """Who is still there when the first event (1) happens, shape (n,); nobody where there is none.

    No log-rank test and no partial likelihood sees the others.
    """
    time = np.asarray(time, dtype=float)
    return time >= time[event == 1].min(initial=np.inf)


def alongside(values, n: int, what: str) -> np.ndarray:
    """Values that go with `n` patients, none missing, shape (n, ...).

    Raises
    ------
    InputError
        If there are more or fewer, or one is missing or infinite.
    """
    values = np.asarray(values)
    if values.shape[:1] != (n,):
        raise InputError(f"{values.shape[:1]} values for {n} patients", where=what)
    missing = ~np.isfinite(values) if values.dtype.kind == "f" else pd.isna(values)
    if missing.any():
        raise InputError("a value is missing or infinite", where=what, cure="leave out incomplete patients")
    return values


def ranked(values, n: int, what: str) -> np.ndarray:
    """Numbers that rank `n` patients, shape (n,), signed.

    Raises
    ------
    InputError
        If there are more or fewer, one is missing or no number, or they have more than one column.
    """
    values = alongside(values, n, what)
    if values.ndim != 1:
        raise InputError(f"shape {values.shape}", where=what, cure="give one number a patient")
    return values.astype(int) if values.dtype.kind in "bui" else numbers(values, what)


def yes_or_no(values, n: int, what: str) -> np.ndarray:
    """Which of `n` patients, as bool (n,).

    Raises
    ------
    InputError
        If a value is neither True, False, 0 nor 1, or there are more or fewer.
    """
    values = ranked(values, n, what)
    if not np.isin(values, (0, 1)).all():
        raise InputError("a value is neither 0 nor 1", where=what)
    return values.astype(bool)


def counts(table, square: bool = False) -> np.ndarray:
    """A table of counts as int (r, c).

    Raises
    ------
    InputError
        If it is not two-dimensional (or not square), or a cell is not a whole number of at least 0.
    """
    values = numbers(table, "table of counts")
    if values.ndim != 2 or (square and values.shape[0] != values.shape[1]):
        raise InputError(f"shape {values.shape}", where="table of counts", cure="give rows and columns")
    if not np.isfinite(values).all() or (values < 0).any() or (values != np.round(values)).any():
        raise InputError("a cell is not a whole number of at least 0", where="table of counts")
    return values.astype(int)

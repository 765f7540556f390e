"""Tables in and out: full double precision, one line ending, never half a file."""

import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from calcohort.errors import InputError


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Give a path beside `path` to write to, and put it in place only when all of it is on disk."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last: writers choose their format by it.
    beside = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    _clear(path)
    try:
        yield beside
        with open(beside, "rb+") as handle:
            os.fsync(handle.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def _clear(path: Path) -> None:
    """Remove what writers of `path` that were killed have left beside it."""
    for left in path.parent.glob(f".{glob.escape(path.stem)}.*.part{path.suffix}"):
        writer = left.name.removesuffix(f".part{path.suffix}").rpartition(".")[2]
        if writer.isdigit() and not Path(f"/proc/{writer}").exists():
            left.unlink(missing_ok=True)


def write_csv(table: pd.DataFrame, path: str | Path) -> None:
    """Write `table` without its index; floats keep every digit, missing values are empty."""
    with whole_file(path) as beside:
        table.to_csv(beside, index=False, lineterminator="\n")


def read_csv(path: str | Path, **options) -> pd.DataFrame:
    """Read a table written by :func:`write_csv`; only an empty field is missing; identifiers stay text."""
    dtype = {"patient_id": "string", "series": "string"} | options.pop("dtype", {})
    return pd.read_csv(
        path, dtype=dtype, keep_default_na=False, na_values=[""], float_precision="round_trip", **options
    )


@contextmanager
def refused_unless_csv(where: str) -> Iterator[None]:
    """In the block a person's file is read: one that holds no table ends in one line about `where`."""
    try:
        yield
    except ValueError:
        # What pandas and decoders raise for it are all of this kind.
        raise InputError("is not a CSV table", where=where, cure="export it as CSV in UTF-8") from None


def write_parquet(table: pd.DataFrame, path: str | Path, group_rows: int = 1 << 20) -> None:
    """Write `table` in columns, compressed, without its index, in groups of rows that readers pass over."""
    with whole_file(path) as beside:
        table.to_parquet(beside, index=False, compression="zstd", row_group_size=group_rows)

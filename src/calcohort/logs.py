"""What a script says goes to its log; what is wrong with the input ends it with one line."""

import gc
import os
import re
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TextIO

from calcohort.errors import InputError
from calcohort.onerun import end_with_run

# Folder on the private side of a study for what libraries print, which may quote its data.
PRIVATE_LOGS = "CALCOHORT_PRIVATE_LOGS"
# What errors of a private study may call a place: a key of the config, a row, no file.
KEY = re.compile(r"[a-z_]+([.][a-z_]+|\[\d+\])*( (row )?\d+)?")


@contextmanager
def script_log(path: str | Path) -> Iterator[Callable[[str], None]]:
    """Send standard output, errors and warnings of the block to `path`; end the process on a failure.

    An :class:`InputError` leaves its one line in the log; anything else is a defect and leaves a traceback.
    In a private study all of that goes to the private side, and `path` gets only what cannot quote a
    patient: lines given to the function that the block receives, an InputError without file names, and of
    a defect its kind and place.
    """
    # What a script has imported stays: to look through it for garbage, above all at the end, takes longer
    # than many a script's work.
    gc.freeze()
    end_with_run()
    private = os.environ.get(PRIVATE_LOGS)
    full = _private_log(Path(private), Path(path)) if private else Path(path)
    for file in {full, Path(path)}:
        file.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", buffering=1) as log, _said_in(full, log, bool(private)) as said:
        warnings.simplefilter("default")
        try:
            yield lambda words: print(words, file=log)
            return
        except InputError as error:
            print(error, file=said)
            if private:
                where = error.where if KEY.fullmatch(error.where) else ""
                print(InputError(error.what, where=where, cure=error.cure), file=log)
        except Exception as error:
            traceback.print_exc(file=said)
            if private:
                print(_without_values(error), file=log)
    sys.exit(1)


def _private_log(folder: Path, path: Path) -> Path:
    parts = path.parts
    below = parts[parts.index("logs") + 1 :] if "logs" in parts else parts[-1:]
    return folder.joinpath(*below)


@contextmanager
def _said_in(full: Path, log: TextIO, private: bool) -> Iterator[TextIO]:
    """Where the block's standard output and errors go; in a private study those of its children as well."""
    if not private:
        with redirect_stdout(log), redirect_stderr(log):
            yield log
        return
    with open(full, "w", encoding="utf-8", buffering=1) as said, redirect_stdout(said), redirect_stderr(said):
        kept = [os.dup(1), os.dup(2)]
        try:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            yield said
        finally:
            for number, handle in enumerate(kept, start=1):
                os.dup2(handle, number)
                os.close(handle)


def _without_values(error: Exception) -> str:
    """Kind and place of a defect; its message may quote the data."""
    places = traceback.extract_tb(error.__traceback__)
    frames = [f"{Path(place.filename).name}:{place.lineno} {place.name}" for place in places]
    name = type(error).__name__
    return "\n".join([f"{name} (its message is in the log on the private side)", *frames])

"""What a script says goes to its log; what is wrong with the input ends it with one line."""

import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from calcohort.errors import InputError


@contextmanager
def script_log(path: str | Path) -> Iterator[None]:
    """Send standard output, errors and warnings of the block to `path`; end the process on a failure.

    An :class:`InputError` leaves its one line in the log; anything else is a defect and leaves a traceback.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", buffering=1) as log, redirect_stdout(log), redirect_stderr(log):
        warnings.simplefilter("default")
        try:
            yield
            return
        except InputError as error:
            print(error, file=log)
        except Exception:
            traceback.print_exc(file=log)
    sys.exit(1)

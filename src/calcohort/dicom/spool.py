"""Headers on disk while a folder is indexed, so that memory does not grow with the number of slices."""

import pickle
import tempfile
from array import array
from collections.abc import Iterable

from calcohort.dicom.header import FileHeader


class Spool:
    """An append-only list of headers in a temporary file."""

    def __init__(self):
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self._offsets = array("Q")

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *exception) -> None:
        self._file.close()

    def append(self, header: FileHeader) -> None:
        """Add one header; its number is that of the call."""
        self._offsets.append(self._file.tell())
        pickle.dump(header, self._file, protocol=pickle.HIGHEST_PROTOCOL)

    def read(self, numbers: Iterable[int]) -> list[FileHeader]:
        """Headers by their numbers. Only after the last call of :meth:`append`."""
        headers = []
        for number in numbers:
            self._file.seek(self._offsets[number])
            headers.append(pickle.load(self._file))
        return headers

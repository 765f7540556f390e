"""Every file below some folders: where it lies, whose series it is, and the reason why it is not used."""

import os
import re
import sys
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from calcohort.dicom.facts import content_key, series_key
from calcohort.dicom.header import FileHeader
from calcohort.dicom.kinds import CT_CLASSES
from calcohort.dicom.series import Checked

_CT, _NAMELESS, _SUSPECT, _OTHER = 1, 2, 4, 8
_NUMBER = re.compile(r"\d+")
_DICOM_SUFFIXES = (".dcm", ".dicom", ".ima", ".dcm.gz")
# Names that are no UTF-8 are kept by their bytes; a relative path never begins so.
_BYTES = "//"


class Found:
    """Columns with one entry per file, in a fixed order: some pointers and its name each."""

    def __init__(self, roots: Sequence[Path]):
        self._roots = roots
        self._root, self._names = array("L"), []
        for root, name in _walk(roots):
            self._root.append(root)
            self._names.append(name)
        self._keys: list[str] = []
        self._reasons: list[str | None] = []
        self._flags = bytearray()
        self._groups: dict[str, array] = {}

    def __len__(self) -> int:
        return len(self._names)

    def paths(self, start: int, stop: int) -> list[str]:
        """Paths of some of the files."""
        return [self._path(number) for number in range(start, min(stop, len(self)))]

    def _path(self, number: int) -> str:
        name = self._names[number]
        root = os.fspath(self._roots[self._root[number]])
        return root if name == "." else os.path.join(root, name)

    def note(self, header: FileHeader) -> None:
        """Take in the next file's header."""
        is_ct = _is_ct(header)
        nameless = not header.series_uid and header.reason not in ("not_dicom", "unreadable")
        suspect = not header.series_uid and _suspect(header)
        self._keys.append(sys.intern(series_key(header.series_uid)) if header.series_uid else "")
        self._reasons.append(header.reason)
        other = header.reason == "not_dicom" and not suspect
        self._flags.append(_CT * is_ct | _NAMELESS * nameless | _SUSPECT * suspect | _OTHER * other)

    def name_the_nameless(self) -> None:
        """Give a key to files that do not name their series.

        A damaged slice belongs to the only CT series of its folder, if there is one: else the rest would pass
        for the whole. Any other DICOM file is listed as a series of its own.
        """
        beside = self._series_by_folder()
        for number, flags in enumerate(self._flags):
            if not flags & _NAMELESS:
                continue
            near = beside.get(self._folder(number), ())
            if flags & _CT and self._reasons[number] in ("truncated", "malformed") and len(near) == 1:
                self._keys[number] = next(iter(near))
                self._flags[number] &= ~_SUSPECT
            else:
                self._keys[number] = content_key(self._path(number))
        groups: dict[str, array] = defaultdict(lambda: array("L"))
        for number, key in enumerate(self._keys):
            if key:
                groups[key].append(number)
        self._groups = dict(groups)

    def groups(self) -> dict[str, array]:
        """Numbers of the files of each series."""
        return self._groups

    def settle(self, numbers: Sequence[int], headers: Sequence[FileHeader], checked: Checked) -> None:
        """Take in what became of the files of one series."""
        fate = dict(checked.files)
        for number, header in zip(numbers, headers, strict=True):
            self._reasons[number] = fate[header.path] or checked.reason

    def beside_broken(self) -> set[str]:
        """CT series in whose folder lies a broken file that may have been one of their slices."""
        folders = {self._folder(number) for number, flags in enumerate(self._flags) if flags & _SUSPECT}
        folders |= self._named_alike()
        by_folder = self._series_by_folder()
        return {key for folder in folders for key in by_folder.get(folder, ())}

    def table(self, copies: Mapping[str, str]) -> pd.DataFrame:
        """A file's own reason, else that of its series: no row without a reason that is not used."""
        reasons = [
            reason or ("duplicate_series" if key in copies else None)
            for key, reason in zip(self._keys, self._reasons, strict=True)
        ]
        names = [portable(name) for name in self._names]
        columns = {"root": list(self._root), "path": names, "series": self._keys, "reason": reasons}
        return pd.DataFrame(columns).astype({"path": object, "series": object, "reason": object})

    def _folder(self, number: int) -> tuple[int, str]:
        return self._root[number], os.path.dirname(self._names[number])

    def _named_alike(self) -> set[tuple[int, str]]:
        """Folders with a file that is no DICOM under a name like those of the slices beside it."""
        others = {self._folder(number) for number, flags in enumerate(self._flags) if flags & _OTHER}
        shapes: dict[int, set] = {_CT: set(), _OTHER: set()}
        for number, flags in enumerate(self._flags) if others else ():
            if flags & (_CT | _OTHER) and (folder := self._folder(number)) in others:
                shape = _NUMBER.sub("#", os.path.basename(self._names[number]))
                if "#" in shape:
                    shapes[flags & (_CT | _OTHER)].add((folder, shape))
        return {folder for folder, _ in shapes[_CT] & shapes[_OTHER]}

    def _series_by_folder(self) -> dict[tuple[int, str], set[str]]:
        by_folder: dict[tuple[int, str], set[str]] = defaultdict(set)
        for number, flags in enumerate(self._flags):
            if flags & _CT and not flags & _NAMELESS:
                by_folder[self._folder(number)].add(self._keys[number])
        return by_folder


def _suspect(header: FileHeader) -> bool:
    """Whether a file without a series may have been a CT slice once."""
    if header.reason == "not_dicom":
        name = os.path.basename(header.path).lower()
        # macOS keeps a file of its own, which begins with a point, beside each one.
        named = name.endswith(_DICOM_SUFFIXES) and not name.startswith(".")
        return named or os.path.islink(header.path)
    return header.reason == "unreadable" or not header.sop_class or _is_ct(header)


def _is_ct(header: FileHeader) -> bool:
    """Whether it is a CT image by its class, of which a file that was cut may have the beginning alone."""
    if header.reason == "truncated" and header.sop_class:
        return any(name.startswith(header.sop_class) for name in CT_CLASSES)
    return header.sop_class in CT_CLASSES


def _walk(roots: Sequence[Path]) -> Iterator[tuple[int, str]]:
    """(number of the root, path relative to it) of each file, in a fixed order, each once."""
    seen_folders: set[tuple[int, int]] = set()
    seen_files: set[str] = set()
    for number, root in enumerate(roots):
        if not root.exists():
            raise FileNotFoundError(f"{root}: no such file or folder")
        for name in _below(str(root), seen_folders) if root.is_dir() else ["."]:
            # Only several paths can lead to one file: without them nothing needs to be remembered.
            path = os.path.normpath(os.path.join(root, name)) if len(roots) > 1 else ""
            if path not in seen_files:
                yield number, name
            if path:
                seen_files.add(path)


def _below(root: str, seen: set[tuple[int, int]]) -> Iterator[str]:
    """Files below a folder, relative to it; a folder that cannot be read stands for itself."""
    # A link that leads above the root would bring in what nobody asked for.
    above = {(s.st_dev, s.st_ino) for s in map(os.stat, Path(root).resolve().parents)}
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            status = os.stat(os.path.join(root, folder))
            # A link to a folder above would never end.
            if (status.st_dev, status.st_ino) in seen | above:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(os.path.join(root, folder)) as entries:
                listed = sorted((entry.name, _is_folder(entry)) for entry in entries)
        except OSError:
            yield folder or "."
            continue
        yield from (os.path.join(folder, name) for name, is_folder in listed if not is_folder)
        pending += [os.path.join(folder, name) for name, is_folder in reversed(listed) if is_folder]


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def portable(name: str) -> str:
    """A relative path as text that every table can hold."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return _BYTES + os.fsencode(name).decode("latin-1")
    return name.replace(os.sep, "/")


def file_path(root: str | Path, path: str) -> Path:
    """A file of the table of files, from the folder or file that was scanned and its `path` there."""
    return Path(root, restored(path))


def restored(text: str) -> str:
    """The relative path behind :func:`portable`."""
    return os.fsdecode(text.removeprefix(_BYTES).encode("latin-1")) if text.startswith(_BYTES) else text

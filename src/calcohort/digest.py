"""Digests that tell whether code or inputs changed in a way that matters."""

import ast
import csv
import hashlib
import importlib.util
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

PACKAGE = "calcohort"
_DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@cache
def code_digest(*modules: str) -> str:
    """SHA-256 over `modules` and every module of the package that they import, directly or not.

    Comments, docstrings and layout do not count: only a change of meaning changes the digest. Files that a
    module names and that lie beside it, templates and constants, count as they are.
    """
    digest = hashlib.sha256()
    for name, source in sorted(_closure(modules).items()):
        digest.update(f"{name}\0{_meaning(source)}\0".encode())
        for path in _files_beside(_path(name).parent, source):
            digest.update(f"{path.name}\0{file_digest(path)}\0".encode())
    return digest.hexdigest()[:16]


def source_digest(path: str | Path) -> str:
    """SHA-256 of what a Python file means; comments, docstrings and layout do not count."""
    return text_digest(_meaning(Path(path).read_text(encoding="utf-8")))


def tree_digest(*roots: str | Path) -> str:
    """SHA-256 over relative path, size and modification time of every file below each of `roots`."""
    digest = hashlib.sha256()
    for number, root in enumerate(roots):
        digest.update(f"{number}\n".encode())
        for relative, size, time_ns in files_below(str(root)):
            digest.update(f"{relative}\0{size}\0{time_ns}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()[:16]


def content_digest(root: str | Path) -> str:
    """SHA-256 over what a file holds, or the files below a folder; names and times do not count."""
    places = (os.path.normpath(os.path.join(root, path)) for path, *_ in files_below(str(root)))
    return text_digest(*sorted(map(readable_digest, filter(os.path.isfile, places))))


def named_digest(tables: Sequence[str | Path], columns: Sequence[str]) -> str:
    """Digest of the files and folders that columns of some CSV tables name, by size and time of change."""
    named = []
    for table in tables:
        # Paths in another encoding are followed as they are; whoever reads the table tells of it.
        with open(table, encoding="utf-8-sig", errors="surrogateescape", newline="") as handle:
            for row in csv.DictReader(handle):
                named += [row[column] for column in columns if row.get(column)]
    return text_digest(*(f"{path}\0{tree_digest(path)}" for path in sorted(set(named))))


def text_digest(*lines: str) -> str:
    """SHA-256 over lines of text."""
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()[:16]


def yaml_digest(path: str | Path) -> str:
    """SHA-256 of what a YAML file says; comments and layout do not count."""
    return text_digest(json.dumps(yaml.safe_load(Path(path).read_text(encoding="utf-8")), sort_keys=True))


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file's content."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def readable_digest(path: str | Path, head_bytes: int | None = None) -> str:
    """SHA-256 of a file's content or of its beginning, "unreadable" where it cannot be read."""
    try:
        if head_bytes is None:
            return file_digest(path)
        with open(path, "rb") as handle:
            return hashlib.sha256(handle.read(head_bytes)).hexdigest()
    except OSError:
        return "unreadable"


def files_below(root: str) -> Iterator[tuple[str, int, int]]:
    """Relative path, size and time of change of each file below a folder, or of the file itself, as "."."""
    if os.path.isfile(root):
        status = os.stat(root)
        yield ".", status.st_size, status.st_mtime_ns
    seen = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        # A link to a folder above would never end.
        place = os.stat(folder)
        if (place.st_dev, place.st_ino) in seen:
            folders.clear()
            continue
        seen.add((place.st_dev, place.st_ino))
        # In an order of their own, so that a folder of any size is told without holding all its names.
        folders.sort()
        for name in sorted(files):
            path = os.path.join(folder, name)
            status = os.stat(path) if os.path.exists(path) else os.lstat(path)
            yield os.path.relpath(path, root), status.st_size, status.st_mtime_ns


def _closure(modules: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        path = _path(name)
        if path is None:
            continue
        found[name] = path.read_text(encoding="utf-8")
        waiting += _imports(name, found[name], is_package=path.name == "__init__.py")
    return found


def _files_beside(folder: Path, source: str) -> list[Path]:
    words = _parsed(source).words
    named = (path for path in folder.iterdir() if path.name in words and path.suffix != ".py")
    return sorted(path for path in named if path.is_file())


@cache
def _path(name: str) -> Path | None:
    root = Path(__file__).parent
    below = root.joinpath(*name.split(".")[1:])
    for path in (below / "__init__.py", below.with_suffix(".py")):
        if path.is_file():
            return path
    return None


def _imports(name: str, source: str, is_package: bool) -> list[str]:
    package = name if is_package else name.rpartition(".")[0]
    names = [parent for parent in _parents(name)]
    for node in _parsed(source).imports:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        else:
            base = (
                importlib.util.resolve_name("." * node.level + (node.module or ""), package)
                if node.level
                else node.module
            )
            names += [base] + [f"{base}.{alias.name}" for alias in node.names]
    return [found for found in names if found == PACKAGE or found.startswith(PACKAGE + ".")]


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts))]


def _meaning(source: str) -> str:
    return _parsed(source).meaning


@dataclass(frozen=True)
class _Parsed:
    """A module without comments, docstrings and layout; its statements of import; its strings."""

    meaning: str
    imports: tuple[ast.Import | ast.ImportFrom, ...]
    words: frozenset[str]


@cache
def _parsed(source: str) -> _Parsed:
    # One look for all rules: this is most of what planning a small study costs.
    tree = ast.parse(source)
    imports, words = [], set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                words.add(node.value)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            imports.append(node)
        elif isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return _Parsed(ast.dump(tree), tuple(imports), frozenset(words))

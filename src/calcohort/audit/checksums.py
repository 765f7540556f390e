"""SHA-256 of everything a run wrote that is a function of inputs, config and code."""

import hashlib
from fnmatch import fnmatch
from pathlib import Path

import pandas as pd

CHECKSUMS = "audit/checksums.csv"
COLUMNS = ("path", "bytes", "sha256")
# Times, dates, git state and identifiers live here, so these files differ between equal runs or stay private.
VARIABLE = (CHECKSUMS, "audit/provenance.json", "audit/timing.*", "logs/*", "benchmarks/*", "private/*")
_CHUNK_BYTES = 1 << 20


def outputs(run_dir: str | Path) -> list[str]:
    """Sorted relative paths of the files of a run that have a checksum: no hidden and no variable ones."""
    root = Path(run_dir)
    found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return sorted(
        path.as_posix()
        for path in found
        if not any(part.startswith(".") for part in path.parts) and not _varies(path.as_posix())
    )


def checksums(run_dir: str | Path) -> pd.DataFrame:
    """Path, size and SHA-256 of every output of the run, sorted by path."""
    root = Path(run_dir)
    rows = [(path, (root / path).stat().st_size, sha256(root / path)) for path in outputs(root)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def sha256(path: str | Path) -> str:
    """SHA-256 of a file's content, or of a folder's files (paths and contents) in sorted order."""
    path = Path(path)
    digest = hashlib.sha256()
    if path.is_dir():
        for part in sorted(p for p in path.rglob("*") if p.is_file()):
            digest.update(f"{part.relative_to(path).as_posix()}\0{sha256(part)}\n".encode())
        return digest.hexdigest()
    with open(path, "rb") as handle:
        while chunk := handle.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _varies(path: str) -> bool:
    return any(fnmatch(path, pattern) for pattern in VARIABLE)

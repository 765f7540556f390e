"""Pseudonyms: HMAC-SHA256 of the identifier under a key that stays at the site."""

import contextlib
import hmac
import os
import secrets
from pathlib import Path

import pandas as pd

from calcohort.errors import InputError

KEY_FILE = "site.key"
KEY_BYTES = 32
# 64 bits: among a million patients the chance that any two share a pseudonym is 3e-8.
PSEUDONYM_DIGITS = 16


def site_key(private_dir: str | Path) -> bytes:
    """Key of the site, made (mode 0600, folder 0700) when there is none.

    Raises
    ------
    InputError
        If the key file is damaged, or others can read it.
    """
    folder = Path(private_dir)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / KEY_FILE
    if folder.stat().st_mode & 0o077:
        folder.chmod(0o700)
    if not path.exists():
        _make(path)
    return _read(path)


def _make(path: Path) -> None:
    """Write a new key unless another job was faster: whole or not at all, and never over an older one."""
    beside = path.with_name(f".{KEY_FILE}.{secrets.token_hex(8)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        # Of two jobs that make it at once, one link succeeds; both then read the same key.
        with contextlib.suppress(FileExistsError):
            os.link(beside, path)
    finally:
        beside.unlink()


def _read(path: Path) -> bytes:
    where = f"private_dir/{KEY_FILE}"
    if path.stat().st_mode & 0o077:
        raise InputError(
            "others than its owner can use the site key", where=where, cure="run chmod 600 on it"
        )
    try:
        key = bytes.fromhex(path.read_text().strip())
    except (ValueError, UnicodeDecodeError):
        key = b""
    if len(key) < KEY_BYTES:
        cure = "put back the site's own key: a new one would give every patient another pseudonym"
        raise InputError("not a site key", where=where, cure=cure)
    return key


def pseudonymise(ids: pd.Series, key: bytes) -> pd.Series:
    """Pseudonym (16 hexadecimal digits) of each identifier; missing stays missing.

    Blanks around an identifier do not count, so that a registry and a DICOM header agree.
    """
    names = _pseudonyms(ids.dropna().unique(), key)
    return ids.map(names).astype("string[python]")


def pseudonymise_tables(tables: dict[str, pd.DataFrame], key: bytes) -> dict[str, pd.DataFrame]:
    """The tables with their column patient_id pseudonymised; each identifier is computed once."""
    every = pd.concat([table["patient_id"] for table in tables.values()]).dropna().unique()
    names = _pseudonyms(every, key)
    return {
        name: table.assign(patient_id=table["patient_id"].map(names).astype("string[python]"))
        for name, table in tables.items()
    }


def _pseudonyms(ids, key: bytes) -> dict:
    return {
        one: hmac.digest(key, str(one).strip().encode(), "sha256").hex()[:PSEUDONYM_DIGITS] for one in ids
    }

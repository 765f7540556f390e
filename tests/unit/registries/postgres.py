"""A PostgreSQL server for a test: started on loopback as a user who is not root, and stopped again."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PASSWORD = "canary-of-the-database"


@contextmanager
def server() -> Iterator[str]:
    """SQLAlchemy URL of a new and empty database; skips the test where PostgreSQL is not installed."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = shutil.which("initdb") or (str(programs[-1]) if programs else None)
    if initdb is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="calcohort-postgres-"))
    # The server refuses to be run by root.
    user = {"user": "nobody"} if os.geteuid() == 0 else {}
    try:
        (folder / "password").write_text(PASSWORD)
        for path in (folder, folder / "password"):
            if user:
                shutil.chown(path, "nobody")
        data, real = folder / "data", Path(initdb).resolve()
        options = ["-U", "study", "--auth=scram-sha-256", f"--pwfile={folder / 'password'}", "--no-sync"]
        _call([str(real), "-D", str(data), "-E", "UTF8", "--locale=C", *options], user)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        control = [str(real.with_name("pg_ctl")), "-D", str(data), "-w"]
        flags = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -F"
        _call([*control, "-l", str(folder / "log"), "-o", flags, "start"], user)
        try:
            yield f"postgresql://study:{PASSWORD}@127.0.0.1:{port}/postgres"
        finally:
            _call([*control, "-m", "immediate", "stop"], user)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _call(command: list[str], user: dict) -> None:
    done = subprocess.run(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/", timeout=120, text=True, **user
    )
    assert done.returncode == 0, done.stderr

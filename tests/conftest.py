"""How processes of pytest-xdist share the tests: fast ones first; what shares a costly fixture, together."""

import os
from pathlib import Path

import pytest

# Two processes on two cores: each computes on one. Read when OpenMP is loaded, long after this.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

HERE = Path(__file__).parent
# Tests of one file run in one process, one after another, for they share what takes long to make. So do those
# of this folder, and all that look at the finished demo.
TOGETHER = ("unit/exhibits",)
SHARED = "finished"
# Runs and clusters are the longest of the slow ones, and start first.
FIRST = ("workflow", "slurm")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give each test its group, before pytest-xdist looks for groups."""
    # pytest-xdist 3.8 hands the group over in the test's name, which pytest 9.2 no longer lets it change.
    group = SHARED if SHARED in getattr(item, "fixturenames", ()) else _place(item)
    item.add_marker(pytest.mark.xdist_group(f"{group} slow" if _slow(item) else group))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the fast tests first."""
    items.sort(key=lambda item: (_slow(item), _slow(item) and not _place(item).startswith(FIRST)))


def _slow(item: pytest.Item) -> bool:
    return item.get_closest_marker("slow") is not None


def _place(item: pytest.Item) -> str:
    relative = item.path.relative_to(HERE)
    folder = relative.parent.as_posix()
    return folder if folder in TOGETHER else relative.as_posix()

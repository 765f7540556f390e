"""What this machine has."""

import os
from pathlib import Path

# Limit of a container or of a scheduler's job (control groups, version 2).
_LIMIT = Path("/sys/fs/cgroup/memory.max")
# One folder for each of NVIDIA's GPUs.
_GPUS = Path("/proc/driver/nvidia/gpus")


def memory_mb() -> int | None:
    """Memory in megabytes (10^6 bytes) that processes here may use together; None where nothing tells."""
    known = [_physical(), _limit()]
    return min((size // 10**6 for size in known if size), default=None)


def has_gpu() -> bool:
    """Whether there is an NVIDIA GPU here; asks the kernel, as PyTorch takes seconds to load."""
    return _GPUS.is_dir() and any(_GPUS.iterdir())


def _physical() -> int | None:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _limit() -> int | None:
    try:
        text = _LIMIT.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None

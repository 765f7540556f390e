"""What comes with the checkout (weights, published numbers), whatever the working directory."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODEL = "models/clstm-fast"


def shipped(path: str) -> str:
    """A path as it stands where it leads somewhere, else the file or folder of that name in the checkout.

    The result is relative to the working directory: absolute paths would make a result of each machine.
    """
    if Path(path).exists() or not (ROOT / path).exists():
        return path
    return os.path.relpath(ROOT / path)

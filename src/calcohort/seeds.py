"""Random generators by name: every draw comes from a seed, and two names never share a stream."""

import hashlib

import numpy as np


def rng(*key: int | str) -> np.random.Generator:
    """Generator of the stream named by `key`, e.g. ``rng("demo", 1, "patient", 17)``."""
    words = [_word(part) for part in key]
    return np.random.default_rng(np.random.SeedSequence(words))


def _word(part: int | str) -> int:
    # The text "1" and the number 1 are different names; Python's own hash() differs between runs.
    digest = hashlib.sha256(f"{type(part).__name__}:{part}".encode()).digest()
    return int.from_bytes(digest[:8], "big")

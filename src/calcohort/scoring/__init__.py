"""Calcium scores of a scan: Agatston, volume and mass, per lesion and in total."""

from calcohort.scoring.agatston import (
    Lesion,
    Score,
    convention_effect,
    lesion_map,
    score,
    smallest_lesion_effect,
)
from calcohort.scoring.conventions import CONVENTIONS, Conventions

__all__ = [
    "CONVENTIONS",
    "Conventions",
    "Lesion",
    "Score",
    "convention_effect",
    "lesion_map",
    "score",
    "smallest_lesion_effect",
]

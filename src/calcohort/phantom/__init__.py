"""Simulated chest CT with known truth: a procedural thorax, written as anatomy and physics."""

from calcohort.phantom.acquisition import PROTOCOLS, Phantom, Protocol, acquire, heart_grid
from calcohort.phantom.anatomy import Anatomy, draw_anatomy
from calcohort.phantom.draws import POPULATIONS
from calcohort.phantom.paint import Grid

__all__ = [
    "POPULATIONS",
    "PROTOCOLS",
    "Anatomy",
    "Grid",
    "Phantom",
    "Protocol",
    "acquire",
    "draw_anatomy",
    "heart_grid",
]

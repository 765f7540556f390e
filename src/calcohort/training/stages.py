"""Trainings that follow one another: what each was told, and how it went."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from calcohort.networks.files import CONFIG_FILE, Network, load_model
from calcohort.tables import read_csv
from calcohort.training.checkpoint import load_network

SETTINGS_FILE = "settings.json"
HISTORY_FILE = "history.csv"


@dataclass(frozen=True)
class Past:
    """What a network has learned before a training begins; without a network that is nothing.

    Attributes
    ----------
    network : Network or None
        Its weights are the first of the next stage.
    settings : sequence of dict
        Plain settings of every stage so far.
    history : DataFrame
        One row per validation of every stage, numbered from 1 in the column `stage`.
    """

    network: Network | None = None
    settings: Sequence[dict] = ()
    history: pd.DataFrame = field(default_factory=pd.DataFrame)

    def followed_by(self, rows: Sequence[dict]) -> pd.DataFrame:
        """The history with the rows of the next stage."""
        own = pd.DataFrame(rows)
        own.insert(0, "stage", len(self.settings) + 1)
        return pd.concat([self.history, own], ignore_index=True) if len(self.history) else own


def read_past(folder: str | Path, task: str) -> Past:
    """One network of a training's folder, or of a model's, with all that led to it.

    Raises
    ------
    InputError
        If the folder holds no such network.
    """
    folder = Path(folder)
    if (folder / CONFIG_FILE).exists():
        model = load_model(folder)
        network, stages = getattr(model, task), model.meta.get(f"training_{task}", [])
        history = folder / f"history_{task}.csv"
    else:
        network, path = load_network(folder, task), folder / SETTINGS_FILE
        stages = json.loads(path.read_text()) if path.exists() else []
        history = folder / HISTORY_FILE
    return Past(network, stages, read_csv(history) if history.exists() else pd.DataFrame())

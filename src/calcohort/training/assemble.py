"""Join a heart and a lesion network into a model's folder."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from calcohort.errors import InputError
from calcohort.networks.files import CONFIG_FILE, load_model, save_model
from calcohort.segmentation.vote import Rules
from calcohort.tables import whole_file, write_csv
from calcohort.training.card import model_card
from calcohort.training.curves import learning_curve
from calcohort.training.stages import read_past

CARD_FILE = "README.md"


def assemble(
    heart_dir: str | Path,
    lesion_dir: str | Path,
    out_dir: str | Path,
    *,
    rules: Rules | None = None,
    meta: dict | None = None,
) -> None:
    """Write a model's folder from two trainings, or other models: weights, config.json and the histories."""
    out_dir = Path(out_dir)
    past = {task: read_past(folder, task) for task, folder in (("heart", heart_dir), ("lesion", lesion_dir))}
    meta = dict(meta or {})
    for task, learned in past.items():
        if learned.settings:
            meta[f"training_{task}"] = list(learned.settings)
        if len(learned.history):
            write_csv(learned.history, out_dir / f"history_{task}.csv")
            learning_curve(learned.history, out_dir / f"learning_{task}.png")
    save_model(out_dir, past["heart"].network, past["lesion"].network, asdict(rules or Rules()), meta)


def change_rules(folder: str | Path, rules: Rules) -> None:
    """Put other rules after the networks of a model that is there."""
    path = Path(folder) / CONFIG_FILE
    if not path.exists():
        raise InputError("no model", where=str(folder), cure="assemble one first")
    plain = json.loads(path.read_text())
    plain["rules"] = asdict(rules)
    with whole_file(path) as beside:
        beside.write_text(json.dumps(plain, indent=1, sort_keys=True) + "\n")


def write_card(folder: str | Path, metrics: pd.DataFrame, data: dict, *, simulated=True, limits=()) -> None:
    """Write the model card of a model's folder, with its metrics."""
    folder = Path(folder)
    card = model_card(load_model(folder), folder.name, data, metrics, simulated=simulated, limits=limits)
    with whole_file(folder / CARD_FILE) as path:
        path.write_text(card)


def write_test_card(folder: str | Path, tests: Sequence[str | Path], facts: dict) -> None:
    """Write the card of a model, and `metrics.csv` beside it, from the folders of its tests on phantoms.

    Parameters
    ----------
    tests : sequence of path
        Written by :func:`calcohort.training.testing.test_model`.
    facts : dict
        `data`, what the training was made of, and `limits`, known ones.
    """
    tables, causes = [], []
    for test in map(Path, tests):
        cohort = json.loads((test / "trial.json").read_text())["population"]
        tables.append(pd.read_csv(test / "metrics.csv").assign(cohort=cohort))
        counts = pd.read_csv(test / "failures.csv")["cause"].value_counts()
        causes.append(", ".join(f"{cause} {n}" for cause, n in counts.items()) or "none")
    table = pd.concat(tables, ignore_index=True)
    table.insert(0, "cohort", table.pop("cohort"))
    write_csv(table, Path(folder) / "metrics.csv")
    named = dict(zip((t["cohort"].iloc[0] for t in tables), causes, strict=True))
    failed = {f"failures in the {name} cohort, by cause": text for name, text in named.items()}
    write_card(folder, table, facts["data"] | failed, limits=facts["limits"])

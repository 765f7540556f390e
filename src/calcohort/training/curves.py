"""The learning curve of a training as a figure."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from calcohort.tables import whole_file

# What chooses the weights, and what it is made of; those present are drawn.
SHOWN = ("kappa", "dice", "covered", "volume_found", "volume_false", "sensitivity", "specificity")


def learning_curve(history: pd.DataFrame, path: str | Path) -> None:
    """Draw loss and validation metrics over the steps of all stages; the same history gives the same bytes.

    Stages stand apart: each has a loss of its own.

    Parameters
    ----------
    history : DataFrame
        As returned by :func:`calcohort.training.loop.train_model`.
    """
    figure = Figure(figsize=(8, 3), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    shown, done = [name for name in SHOWN if name in history], 0
    colours = {name: f"C{number}" for number, name in enumerate(shown)}
    for stage, part in history.groupby("stage"):
        steps = done + part["step"]
        left.plot(steps, part["loss"], marker=".", color="black")
        for name, colour in colours.items():
            label = name.replace("_", " ") if stage == 1 else None
            right.plot(steps, part[name], marker=".", color=colour, label=label)
        chosen = part["selection"].to_numpy()
        done = steps.iloc[-1]
    left.set(xlabel="step", ylabel="training loss", yscale="log")
    # Kept is the best of the last stage.
    if np.isfinite(chosen).any():
        best = steps.iloc[np.flatnonzero(chosen == np.nanmax(chosen))[-1]]
        right.axvline(best, color="grey", linewidth=0.8, linestyle="--", label="weights kept")
    right.set(xlabel="step", ylabel="validation")
    if right.get_legend_handles_labels()[0]:
        right.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    with whole_file(path) as beside:
        figure.savefig(beside, dpi=130, format="png", metadata={"Software": None})

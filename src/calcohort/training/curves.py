"""The learning curve of a training as a figure."""

from pathlib import Path

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from calcohort.tables import whole_file

# What chooses the weights, and what it is made of; those present are drawn.
SHOWN = ("kappa", "dice", "covered", "volume_found", "volume_false", "sensitivity", "specificity")


def learning_curve(history: pd.DataFrame, path: str | Path) -> None:
    """Draw loss and validation metrics over the steps; the same history gives the same bytes.

    Parameters
    ----------
    history : DataFrame
        As returned by :func:`calcohort.training.loop.train_model`.
    """
    figure = Figure(figsize=(8, 3), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    left.plot(history["step"], history["loss"], marker=".", color="black")
    left.set(xlabel="step", ylabel="training loss", yscale="log")
    for name in SHOWN:
        if name in history:
            right.plot(history["step"], history[name], marker=".", label=name.replace("_", " "))
    chosen = history["selection"]
    if chosen.notna().any():
        best = history["step"][len(chosen) - 1 - chosen[::-1].reset_index(drop=True).argmax()]
        right.axvline(best, color="grey", linewidth=0.8, linestyle="--", label="weights kept")
    right.set(xlabel="step", ylabel="validation")
    if right.get_legend_handles_labels()[0]:
        right.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    with whole_file(path) as beside:
        figure.savefig(beside, dpi=130, format="png", metadata={"Software": None})

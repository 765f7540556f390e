"""The model card: what a model was made of, what it was measured at, and what it must not be used for."""

from collections.abc import Mapping, Sequence

import pandas as pd

from calcohort.networks.files import Model

SIMULATED = "**Simulated data only: not for clinical use.**"
OWN_DATA = "**Research use only: not for clinical use.**"


def model_card(
    model: Model,
    name: str,
    data: Mapping[str, str],
    metrics: pd.DataFrame,
    *,
    simulated: bool = True,
    limits: Sequence[str] = (),
) -> str:
    """Markdown of a model card.

    Parameters
    ----------
    model : Model
    name : str
    data : mapping
        Facts about the training in words, e.g. ``{"heart": "3000 phantoms, seeds 1-3000"}``.
    metrics : DataFrame
        Rows of :func:`calcohort.training.evaluate.compare`.
    simulated : bool
        Whether the training saw nothing but phantoms.
    limits : sequence of str
        Known limits, one sentence each.
    """
    lines = [SIMULATED if simulated else OWN_DATA, "", f"# {name}", ""]
    lines += [
        "Two networks score coronary calcium in CT: one finds the heart, the other tells coronary calcium",
        "from other bright things; lesions are cut out by the threshold on the scan's own grid.",
        "",
    ]
    lines += ["| | heart | lesion |", "|---|---|---|"]
    lines += [f"| network | {model.heart.name} | {model.lesion.name} |"]
    lines += [f"| parameters | {_parameters(model.heart)} | {_parameters(model.lesion)} |"]
    lines += [f"| pixel (mm) | {model.heart.inputs.pixel_mm:g} | {model.lesion.inputs.pixel_mm:g} |"]
    lines += [f"| windows (HU) | {_windows(model.heart)} | {_windows(model.lesion)} |", ""]
    lines += ["## Training", ""] + [f"- {key}: {value}" for key, value in data.items()] + [""]
    lines += [
        "Loss, optimiser, window and augmentation of the published networks were never published: these are"
    ]
    lines += ["our own choices, in `config.json` in full.", ""]
    lines += ["## Rules after the networks", ""]
    lines += [f"- {key}: {value:g}" for key, value in sorted(model.rules.items())] + [""]
    lines += ["## Agreement with the reference", "", *_table(metrics), ""]
    if limits:
        lines += ["## Limits", ""] + [f"- {limit}" for limit in limits] + [""]
    return "\n".join(lines)


def _table(frame: pd.DataFrame) -> list[str]:
    if len(frame.columns) > 12:
        # A wide table is turned: one column a population, which a page can hold.
        names = frame[[c for c in ("cohort", "population") if c in frame]].astype(str).agg(": ".join, axis=1)
        frame = frame.drop(columns=["cohort", "population"], errors="ignore").astype(object).T
        frame = frame.set_axis(names, axis=1).rename_axis("metric").reset_index()
    head = ["| " + " | ".join(frame.columns) + " |", "|" + "---|" * len(frame.columns)]
    cells = [[f"{v:.3g}" if isinstance(v, float) else str(v) for v in row] for row in frame.to_numpy()]
    return head + ["| " + " | ".join(row) + " |" for row in cells]


def _parameters(network) -> str:
    return f"{sum(p.numel() for p in network.module.parameters()) / 1e6:.2f} M"


def _windows(network) -> str:
    return ", ".join(f"{low:g} to {high:g}" for low, high in network.inputs.windows)

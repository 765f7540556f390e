"""Supplementary Figure 2: the networks, drawn from what they do with one small stack of slices."""

from collections.abc import Mapping
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from calcohort.exhibits import Unavailable, style
from calcohort.exhibits.numbers import fixed

_SIDE, _SLICES = 64, 3
TASK_NAMES = {"heart": "Heart network", "lesion": "Lesion network"}


@dataclass(frozen=True)
class Layer:
    """A part of a network as it ran: name, type, channels out, size relative to the input, weights."""

    name: str
    kind: str
    channels: int
    scale: float
    weights: int


def figure_s2(inputs: Mapping, meta: Mapping) -> Figure:
    """Both networks of the model that the run used; `meta["model"]` is its config.json."""
    model = meta.get("model") or {}
    recipes = {task: model[task] for task in TASK_NAMES if task in model}
    if not recipes:
        raise Unavailable(
            "The study did not use a network: it started from scores or from an analysis table."
        )
    height = 8.0 + 76.0 * len(recipes)
    figure, axes = style.canvas(height)
    for place, (task, recipe) in enumerate(recipes.items()):
        layers = layers_of(recipe, task)
        _draw(axes, layers, TASK_NAMES[task], recipe["network"], height - 76.0 * place)
    return figure


def layers_of(recipe: Mapping, task: str) -> list[Layer]:
    """Parts of a network in the order in which they run, from one pass of zeros through it.

    Parameters
    ----------
    recipe : mapping
        `network` (name), `config` (arguments) and `inputs` (with `channels`), as in a model's config.json.
    """
    import torch

    from calcohort.networks import build
    from calcohort.networks.inputs import Inputs

    # Random weights do for shapes, and must not move the generator of whoever calls.
    with torch.random.fork_rng(devices=[]):
        channels = Inputs.from_dict(recipe["inputs"]).channels
        network = build(recipe["network"], task, channels=channels, **recipe["config"]).eval()
    ran: list[Layer] = []

    def seen(name, part):
        def hook(module, given, result):
            shape = (result[0] if isinstance(result, tuple) else result).shape
            weights = sum(weight.numel() for weight in part.parameters())
            scale = shape[-1] / _SIDE
            kind = type(module).__name__
            # A list of modules runs one by one; only the whole is drawn.
            if not any(layer.name == name for layer in ran):
                ran.append(Layer(name, kind, int(shape[-3]), float(scale), weights))

        return hook

    handles = [part.register_forward_hook(seen(name, part)) for name, part in network.named_children()]
    with torch.no_grad():
        network(torch.zeros(1, _SLICES, channels, _SIDE, _SIDE))
    for handle in handles:
        handle.remove()
    return ran


def _draw(axes: Axes, layers: list[Layer], title: str, name: str, top: float) -> None:
    weights = fixed(sum(layer.weights for layer in layers), 0)
    axes.text(3, top - 5, f"{title}: {name}, {weights} weights", fontweight="bold", fontsize=8, va="center")
    scales = sorted({layer.scale for layer in layers}, reverse=True)
    step = 152.0 / max(len(layers) - 1, 1)
    level = {scale: top - 21 - place * 38.0 / max(len(scales) - 1, 1) for place, scale in enumerate(scales)}
    for scale, y in level.items():
        axes.plot([14, 172], [y, y], color=style.RULE, linewidth=0.5, linestyle=(0, (2, 2)), zorder=0)
        axes.text(12, y, _scale_words(scale), ha="right", va="center", color=style.QUIET)
    widest = max(layer.channels for layer in layers)
    centres = [(17.0 + step * place, level[layer.scale]) for place, layer in enumerate(layers)]
    for place, (layer, (x, y)) in enumerate(zip(layers, centres, strict=True)):
        height = 3.0 + 9.0 * layer.channels / widest
        width = min(7.0, 0.62 * step)
        fill = style.BLUES[3] if "LSTM" in layer.kind else style.BLUES[1]
        axes.add_patch(style.rectangle(x - width / 2, y - height / 2, width, height, facecolor=fill))
        axes.text(x, y + height / 2 + 0.8, fixed(layer.channels, 0), ha="center", va="bottom", fontsize=6)
        words = layer.name.replace("_", "\n")
        axes.text(x, top - 66, words, ha="center", va="top", fontsize=5.6, linespacing=1.1, rotation=0)
        axes.plot([x, x], [y - height / 2 - 0.5, top - 65], color=style.RULE, linewidth=0.4, zorder=0)
        if place:
            before_x, before_y = centres[place - 1]
            style.arrow(axes, (before_x + width / 2, before_y), (x - width / 2, y))


def _scale_words(scale: float) -> str:
    return f"×{scale:g}" if scale >= 1 else f"1/{round(1 / scale)}"

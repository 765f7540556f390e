"""The methods text, written from the config that the run used (the words are in templates/methods.html)."""

from collections.abc import Mapping
from functools import reduce

from markupsafe import Markup

from calcohort.report.prose import text
from calcohort.report.templates import environment

NETWORKS = {
    "clstm-fast": "convolutional LSTM networks",
    "clstm-paper": "convolutional LSTM networks",
    "unet": "U-Nets",
}


def methods(config: Mapping, model: Mapping | None = None) -> Markup:
    """Paragraphs for a methods section; every value of the config is marked with its key.

    Parameters
    ----------
    config : mapping
        A complete config, as :func:`calcohort.config.complete` gives it.
    model : mapping, optional
        `heart` and `lesion`, each with the name of its `network`, as in a model's config.json.
    """
    kinds = {NETWORKS.get(part.get("network"), part.get("network")) for part in (model or {}).values()}
    networks = kinds.pop() if len(kinds) == 1 else "networks"

    def setting(key: str, words=None) -> Markup:
        value = reduce(lambda node, part: node[part], key.split("."), config) if words is None else words
        shown = f"{value:g}" if isinstance(value, float) else value
        return text('<span class="setting" title="config: {key}">{shown}</span>', key=key, shown=shown)

    return Markup(
        environment().get_template("methods.html").render(config=config, setting=setting, networks=networks)
    )

"""The methods text, written from the config that the run used (the words are in templates/methods.html)."""

from collections.abc import Mapping
from functools import reduce

from markupsafe import Markup

from calcohort.report.prose import text
from calcohort.report.templates import environment


def methods(config: Mapping) -> Markup:
    """Paragraphs for a methods section; every value of the config is marked with its key.

    Parameters
    ----------
    config : mapping
        A complete config, as :func:`calcohort.config.complete` gives it.
    """

    def setting(key: str, words=None) -> Markup:
        value = reduce(lambda node, part: node[part], key.split("."), config) if words is None else words
        shown = f"{value:g}" if isinstance(value, float) else value
        return text('<span class="setting" title="config: {key}">{shown}</span>', key=key, shown=shown)

    return Markup(environment().get_template("methods.html").render(config=config, setting=setting))

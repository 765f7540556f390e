"""The page's template, style and script."""

from functools import cache
from pathlib import Path

import jinja2

FOLDER = Path(__file__).parent


@cache
def environment() -> jinja2.Environment:
    """Templates of this folder; everything is escaped, and a name that is not there is an error."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def inlined(name: str) -> str:
    """Text of a file of this folder."""
    return (FOLDER / name).read_text(encoding="utf-8")

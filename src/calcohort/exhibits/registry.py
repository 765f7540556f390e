"""Every exhibit with its code, in the order of the study."""

from collections.abc import Mapping
from importlib import import_module

from calcohort.exhibits.catalogue import CATALOGUE, Entry
from calcohort.exhibits.exhibit import Exhibit


def _exhibit(entry: Entry) -> Exhibit:
    def build(inputs: Mapping, meta: Mapping, **size):
        # Only the module of the exhibit that is made gets imported.
        return getattr(import_module(f"calcohort.{entry.module}"), entry.builder)(inputs, meta, **size)

    return Exhibit(entry.kind, entry.title, entry.caption, entry.sources, build, entry.column_parts)


EXHIBITS: dict[str, Exhibit] = {name: _exhibit(entry) for name, entry in CATALOGUE.items()}

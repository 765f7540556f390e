"""Checks of a study's inputs that take no time: before any long work starts."""

from pathlib import Path

from calcohort.config import sources
from calcohort.errors import InputError


def check_files(config: dict) -> None:
    """Raise on the first file or folder of the config that is not there.

    Raises
    ------
    InputError
        With the key of the config, the path as it stands there, and the cure.
    """
    for key, path in _inputs(config):
        if not Path(path).exists():
            cure = "mend the path (it is relative to the working directory)"
            raise InputError(f"no such file or folder: {path}", where=key, cure=cure)


def _inputs(config: dict):
    for key in ("scores", "analysis"):
        if key in config:
            yield key, config[key]
    for name, entry in (("imaging", "dicom"), ("development", "scans")):
        if name in config:
            paths = config[name][entry]
            for path in paths if isinstance(paths, list) else [paths]:
                yield f"{name}.{entry}", path
    for name, _, source in sources(config):
        if "path" in source:
            yield f"registries.{name}.path", source["path"]
    if "imaging" in config or "development" in config:
        yield "segmentation.model", config["segmentation"]["model"]

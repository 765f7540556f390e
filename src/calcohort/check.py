"""Checks of a study's inputs: before any long work starts."""

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from calcohort import tables
from calcohort.config import DOORS, read_config, sources
from calcohort.errors import InputError

SCORES_COLUMNS = ("patient_id", "scan_date", "protocol", "agatston")
ANALYSIS_COLUMNS = ("patient_id", "cac_dl", "followup_days", "mace")


def check_files(config: dict) -> None:
    """Look whether every file and folder of the config is there; takes no time.

    Raises
    ------
    InputError
        With the key of the config, the path as it stands there, and the cure.
    """
    for key, path in _inputs(config):
        if not Path(path).exists():
            cure = "mend the path (it is relative to the working directory)"
            raise InputError(f"no such file or folder: {path}", where=key, cure=cure)


def model_plan(model_dir: str | Path) -> dict:
    """What a model's folder says about its networks and its training; empty where there is no model."""
    try:
        return json.loads((Path(model_dir) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def weights_simulated(plan: dict) -> bool:
    """Whether a model's weights were trained on simulated scans; yes where its plan does not say."""
    return bool(plan.get("meta", {}).get("simulated", True))


def check_study(path: str | Path) -> list[str]:
    """Validate a config and read all its tables, without running anything.

    Returns
    -------
    list of str
        A line for each input that was found right, and for what was repaired while reading.

    Raises
    ------
    InputError
        Whose message has one line for each problem.
    """
    from calcohort.imaging.protocol import check_rules

    config = read_config(path)
    if "simulate" in config:
        return [f"{path}: right; its inputs are simulated by the run"]
    check_files(config)
    if "imaging" in config:
        check_rules(config["imaging"]["protocols"])
    lines, problems = [f"{path}: right"], []
    for column_check in (_check_table(config), _check_registries(config)):
        for outcome in column_check:
            (problems if isinstance(outcome, InputError) else lines).append(str(outcome))
    if problems:
        # Each problem is one line, as everywhere; a study is mended faster when all are known.
        raise InputError("\n".join(problems))
    return lines


def require_columns(table, columns: tuple[str, ...], where: str) -> None:
    """Raise an :class:`InputError` unless `table` has all `columns`."""
    missing = [column for column in columns if column not in table]
    if missing:
        there = ", ".join(map(str, table.columns))
        raise InputError(
            f"no column {missing[0]}", where=where, cure=f"add it; the columns there are {there}"
        )


def _check_table(config: dict) -> Iterator[str | InputError]:
    for key, columns in (("scores", SCORES_COLUMNS), ("analysis", ANALYSIS_COLUMNS)):
        if key in config:
            try:
                table = tables.read_csv(config[key])
            except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError):
                yield InputError("is not a CSV table", where=config[key], cure="export it as CSV in UTF-8")
                continue
            try:
                require_columns(table, columns, config[key])
            except InputError as error:
                yield error
            else:
                yield f"{key}: {len(table)} rows"


def _check_registries(config: dict) -> Iterator[str | InputError]:
    # Reading tables needs pandera, which is slow to import; the check of files must not wait for it.
    from calcohort.registries.sources import check

    for name, source in config.get("registries", {}).items():
        table, errors = check(source, name)
        yield from errors
        if table is not None:
            yield f"registries.{name}: {len(table)} rows"
            for finding in table.attrs["findings"]:
                yield f"registries.{name}: {finding['rule']} ({finding['count']})"


def _inputs(config: dict) -> Iterator[tuple[str, str]]:
    for key in DOORS[1:]:
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

"""Checks of a study's inputs: before any long work starts."""

import difflib
import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from calcohort import tables
from calcohort.config import DOORS, default, read_config, sources
from calcohort.errors import InputError

_MODELS = ("segmentation.model", "development.training.start_from")
_FOLDERS = ("imaging.dicom", *_MODELS)
ANALYSIS_COLUMNS = ("patient_id", "cac_dl", "followup_days", "mace")


def check_files(config: dict) -> None:
    """Look whether every file and folder of the config is there; takes no time.

    Raises
    ------
    InputError
        With the key of the config, the path as it stands there (not in a private study), and the cure.
    """
    if Path(config.get("private_dir", ".")).is_file():
        raise InputError(
            "is a file", where="private_dir", cure="name a folder; it is made when there is none"
        )
    for key, path in _inputs(config):
        if not Path(path).exists():
            cure = "mend the path (it is relative to the working directory)"
            # Names of a private study's files stay out of what a run prints.
            shown = "" if "private_dir" in config else f": {path}"
            raise InputError(f"no such file or folder{shown}", where=key, cure=cure)
        if key not in _FOLDERS and Path(path).is_dir():
            raise InputError("is a folder", where=key, cure="name the file")
        if key in _MODELS and not model_plan(path):
            cure = "name a folder with config.json and weights, such as models/clstm-fast"
            raise InputError("holds no model", where=key, cure=cure)


def model_files(model_dir: str | Path) -> list[str]:
    """Paths of the files that make a model: its plan and its weights; none of no folder."""
    folder = Path(model_dir)
    found = [*folder.glob("config.json"), *folder.glob("*.safetensors")] if model_dir else []
    return sorted(map(str, found))


def model_card(model_dir: str | Path) -> list[str]:
    """Path of a model's card, where it has one."""
    return [str(path) for path in Path(model_dir).glob("README.md")]


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
    from calcohort.imaging.check import check_imaging

    config = read_config(path)
    if "simulate" not in config:
        check_files(config)
    seen = check_imaging(config["imaging"]) if "imaging" in config else []
    if "simulate" in config:
        return [f"{path}: right; its inputs are simulated by the run"]
    lines, problems = [f"{path}: right", *seen], []
    for column_check in (_check_tags(config), _check_table(config), _check_registries(config)):
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
    # Reading tables needs pandera, which is slow to import; the check of files must not wait for it.
    for key, read in (("scores", _read_scores), ("analysis", _read_analysis)):
        if key in config:
            try:
                yield f"{key}: {len(read(config))} rows"
            except InputError as error:
                yield error


def _read_scores(config: dict) -> pd.DataFrame:
    from calcohort.cohort.scores import exams_from_scores
    from calcohort.registries.scores import read_scores

    table = read_scores(config["scores"], hide_path="private_dir" in config)
    if "pet" not in config["registries"]:
        exams_from_scores(table)
    return table


def _read_analysis(config: dict) -> pd.DataFrame:
    from calcohort.statistics.populations import prepare

    path = config["analysis"]
    if Path(path).suffix.lower() in (".xlsx", ".xlsm", ".xls", ".ods"):
        cure = "save the sheet as CSV in UTF-8 and name that file"
        raise InputError("is a workbook, and the analysis table is CSV", where=path, cure=cure)
    with tables.refused_unless_csv(path):
        table = tables.read_csv(path)
    if not set(ANALYSIS_COLUMNS) & set(table):
        # Row 1 may be a patient's: a file without a header must not be quoted.
        cure = "write the names of the columns in row 1, with commas between them and decimal points"
        raise InputError("none of the columns is there", where=path, cure=cure)
    require_columns(table, ANALYSIS_COLUMNS, path)
    return prepare(table)


def _check_tags(config: dict) -> Iterator[InputError]:
    """Attributes that link scans to patients must be DICOM's: a misspelt one would link nobody."""
    from pydicom.datadict import DicomDictionary, tag_for_keyword

    keywords = [entry[4] for entry in DicomDictionary.values()]
    for key, keyword in config.get("imaging", {}).get("link", {}).items():
        if tag_for_keyword(keyword) is None:
            guess = difflib.get_close_matches(keyword, keywords, n=1)
            cure = f"did you mean {guess[0]}?" if guess else "give a keyword of the DICOM standard"
            yield InputError(f"{keyword} is no DICOM attribute", where=f"imaging.link.{key}", cure=cure)


def _check_registries(config: dict) -> Iterator[str | InputError]:
    from calcohort.registries.people import CROSSWALK
    from calcohort.registries.sources import check

    registries = config.get("registries", {})
    crosswalk = people = None
    for name in sorted(registries, key=lambda name: (name != CROSSWALK, name != "patients")):
        private = "private_dir" in config
        table, errors = check(registries[name], name, crosswalk=crosswalk, hide_paths=private)
        yield from errors
        if table is None:
            continue
        crosswalk = table if name == CROSSWALK else crosswalk
        people = table["patient_id"] if name == "patients" else people
        strangers = "" if people is None else _strangers(table["patient_id"], people)
        yield f"registries.{name}: {len(table)} rows{strangers}"
        for finding in table.attrs["findings"]:
            yield f"registries.{name}: {finding['rule']} ({finding['count']})"


def _strangers(ids: pd.Series, people: pd.Series) -> str:
    """How many rows belong to nobody: identifiers that two sources write in two ways link no one."""
    count = int((~ids.isin(people)).sum())
    return f", {count} of them of nobody in patients" if count else ""


def _inputs(config: dict) -> Iterator[tuple[str, str]]:
    for key in DOORS[1:]:
        if key in config:
            yield key, config[key]
    places = [("imaging", name) for name in ("dicom", "volumes", "overrides")] + [("development", "scans")]
    for name, entry in places:
        if entry in config.get(name, {}):
            paths = config[name][entry]
            for path in paths if isinstance(paths, list) else [paths]:
                yield f"{name}.{entry}", path
    for name, _, source in sources(config):
        if "path" in source:
            yield f"registries.{name}.path", source["path"]
    if config.get("reading_times"):
        yield "reading_times", config["reading_times"]
    for entry, path in config.get("claims", {}).items():
        if path and path != default("claims", entry):
            yield f"claims.{entry}", path
    if "imaging" in config or "development" in config:
        yield "segmentation.model", config["segmentation"]["model"]
    if previous := config.get("development", {}).get("split", {}).get("previous"):
        yield "development.split.previous", previous
    if start := config.get("development", {}).get("training", {}).get("start_from"):
        yield "development.training.start_from", start

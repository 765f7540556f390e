"""The config of a study: one schema says what is allowed, needed and default."""

import copy
import difflib
import json
import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from calcohort.digest import text_digest
from calcohort.errors import InputError
from calcohort.registries.codes import code_words
from calcohort.shipped import ROOT, shipped

if TYPE_CHECKING:
    import jsonschema

SCHEMA = ROOT / "config" / "schemas" / "config.schema.yaml"
# Keys whose defaults are files that come with the checkout.
SHIPPED = (("segmentation", "model"), ("claims", "file"), ("claims", "mapping"))
# Who logs into a database, as it stands in an SQLAlchemy URL.
PASSWORD = re.compile(r"://[^/]*@")
DOORS = ("imaging", "scores", "analysis")


@cache
def schema() -> dict:
    """The schema of a config, as in config/schemas/config.schema.yaml."""
    # Every job reads it for its defaults; the loader in C is ten times as fast.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(SCHEMA.read_text(encoding="utf-8"), Loader=loader)


def default(*keys: str):
    """Default of a key of the config, e.g. ``default("imaging", "shard_size")``."""
    rule = schema()
    for key in keys:
        rule = rule["properties"][key]
    return copy.deepcopy(rule["default"])


def read_config(path: str | Path) -> dict:
    """Read and validate a config file.

    Raises
    ------
    InputError
        If the file is not there, is not YAML, or does not follow the schema.
    """
    path = Path(path)
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            "no such file" if isinstance(error, FileNotFoundError) else "cannot be read",
            where=str(path),
            cure="give the path of a config file",
        ) from None
    except UnicodeDecodeError:
        raise InputError("is not UTF-8", where=str(path), cure="save it as UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        raise InputError(
            "is not valid YAML", where=f"{path}{line}", cure="mend the indentation or quoting"
        ) from None
    return complete(raw, where=str(path))


def complete(raw: dict, where: str = "config") -> dict:
    """Validate `raw` and return it with every default filled in; `raw` stays as it is.

    Raises
    ------
    InputError
        On the first rule that is broken, with the key and the cure.
    """
    if not isinstance(raw, dict):
        raise InputError("is empty or not a mapping", where=where, cure="start with `name: mystudy`")
    raw = _as_meant(raw)
    # Jobs that only ask for defaults need not wait for it.
    import jsonschema

    validator = jsonschema.Draft202012Validator(schema())
    errors = sorted(
        validator.iter_errors(raw), key=lambda error: (len(error.absolute_path), str(error.absolute_path))
    )
    if errors:
        raise _explain(errors[0], where)
    config = _with_defaults(raw, schema())
    for section, key in SHIPPED:
        if config[section][key] == default(section, key):
            config[section][key] = shipped(config[section][key])
    _check_doors(config, where)
    _check_cohort(config, where)
    _check_places(config, where)
    return config


def public(config: dict) -> dict:
    """The config as results may show it: no passwords, and no places of a private study."""
    shown = copy.deepcopy(config)
    private = "private_dir" in shown
    for _, _, source in sources(shown):
        if "url" in source:
            source["url"] = PASSWORD.sub("://", source["url"])
        for key in ("path", "url", "query", "sheet") if private else ():
            source.pop(key, None)
    if private:
        shown["private_dir"] = "(private)"
        for key in ("dicom", "volumes", "overrides"):
            shown.get("imaging", {}).pop(key, None)
        for key in ("scores", "development"):
            shown.pop(key, None)
    return shown


def sources_digest(config: dict) -> str:
    """Digest of the registry sources as the config describes them, passwords left out."""
    shown = [(name, place, source) for name, place, source in sources(copy.deepcopy(config))]
    for _, _, source in shown:
        if "url" in source:
            source["url"] = PASSWORD.sub("://", source["url"])
    return text_digest(json.dumps(shown, sort_keys=True, default=str))


def dicom_roots(config: dict) -> list[str]:
    """The folders of `imaging.dicom`, one or several."""
    folders = config["imaging"]["dicom"]
    return folders if isinstance(folders, list) else [folders]


def development_tables(config: dict) -> list[str]:
    """The tables of `development.scans`, one or several."""
    tables = config["development"]["scans"]
    return tables if isinstance(tables, list) else [tables]


def door(config: dict) -> str:
    """Which of the three doors the study enters by: imaging, scores or analysis."""
    return next(name for name in DOORS if name in config)


def sources(config: dict) -> Iterator[tuple[str, int, dict]]:
    """Every registry source as (registry, position, source)."""
    for name, entry in config.get("registries", {}).items():
        for position, source in enumerate(entry if isinstance(entry, list) else [entry]):
            yield name, position, source


def _as_meant(value):
    """YAML reads an unquoted 2020-12-31 as a date, and a config means the text, in a key also for 1 and yes;
    60.0 is 60.
    """
    if isinstance(value, dict):
        return {word: _as_meant(child) for key, child in value.items() for word in code_words(key)}
    if isinstance(value, list):
        return [_as_meant(child) for child in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value.isoformat() if isinstance(value, date) else value


def _check_cohort(config: dict, where: str) -> None:
    cohort = config["cohort"]
    days = {key: _day(cohort, key, where) for key in ("end_of_followup", "registry_date") if key in cohort}
    if days.get("registry_date", days["end_of_followup"]) < days["end_of_followup"]:
        cure = "nobody was followed longer than the registries tell: correct one of the two days"
        what = "the registries were exported before the end of follow-up"
        raise InputError(what, where=f"{where}: cohort.registry_date", cure=cure)
    needs_contacts = cohort["censoring"] == "last_contact" and "registries" in config
    if needs_contacts and "followup" not in config["registries"]:
        cure = "add `registries.followup`, or set cohort.censoring: registry_end"
        raise InputError("last_contact needs contacts", where=f"{where}: cohort.censoring", cure=cure)


def _day(cohort: dict, key: str, where: str) -> date:
    try:
        return date.fromisoformat(cohort[key])
    except ValueError:
        cure = "write a day of the calendar as YYYY-MM-DD"
        raise InputError("is no date", where=f"{where}: cohort.{key}", cure=cure) from None


def _check_places(config: dict, where: str) -> None:
    """Identifiers must not lie where the results are copied from, nor what a run writes among the scans."""
    results, private = Path("results").resolve(), config.get("private_dir")
    folder = Path(private).resolve() if private else None
    if folder and results in (folder, *folder.parents):
        cure = "name a folder outside results/"
        raise InputError("lies in the results", where=f"{where}: private_dir", cure=cure)
    for scans in dicom_roots(config) if "imaging" in config else ():
        for written in filter(None, (results, folder)):
            if Path(scans).resolve() in (written, *written.parents):
                cure = "name a folder that holds neither results/ nor private_dir"
                raise InputError("a run writes into it", where=f"{where}: imaging.dicom", cure=cure)


def _check_doors(config: dict, where: str) -> None:
    doors = [name for name in DOORS if name in config]
    if len(doors) != 1:
        raise InputError(
            f"has {'the doors ' + ' and '.join(doors) if doors else 'no door'}",
            where=where,
            cure="give exactly one of `imaging:`, `scores:` or `analysis:`",
        )
    if doors and doors[0] != "analysis" and "registries" not in config:
        raise InputError(
            f"`{doors[0]}:` needs outcome registries",
            where=where,
            cure="add `registries:` or use `analysis:`",
        )
    if "imaging" in config and "pet" not in config["registries"]:
        cure = "add `registries.pet` with patient_id and scan_date"
        raise InputError("scans are linked to patients by the day of the PET scan", where=where, cure=cure)
    for name, position, source in sources(config):
        key = f"{where}: registries.{name}" + (f"[{position}]" if position else "")
        if ("path" in source) == ("url" in source):
            raise InputError(
                "a source is a file or a database", where=key, cure="give either `path` or `url`"
            )
        if "url" in source and "query" not in source:
            raise InputError("a database needs a query", where=key, cure="add `query: SELECT ...`")


def _with_defaults(value, rule: dict):
    """`value` with the defaults of what it does not name, in the schema's order, however it was laid out."""
    if not isinstance(value, dict):
        return value
    laid_out = {}
    for key, child in rule.get("properties", {}).items():
        if key in value or "default" in child:
            named = value[key] if key in value else copy.deepcopy(child["default"])
            laid_out[key] = _with_defaults(named, child)
    return laid_out | {key: child for key, child in value.items() if key not in laid_out}


def _explain(error: "jsonschema.ValidationError", where: str) -> InputError:
    while error.validator == "anyOf":
        # Of the forms that a value may have, explain the one that is of its type.
        branches = [branch for branch in error.context if branch.validator != "type"] or error.context
        error = branches[0]
    key = ".".join(str(part) for part in error.absolute_path)
    place = f"{where}: {key}" if key else where
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = list(error.schema.get("properties", {}))
        unknown = next(name for name in error.instance if name not in known)
        guess = difflib.get_close_matches(str(unknown), known, n=1)
        hint = f"did you mean `{guess[0]}`?" if guess else f"known keys: {', '.join(known)}"
        return InputError(f"unknown key `{unknown}`", where=place, cure=hint)
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        return InputError(f"key `{missing}` is missing", where=place, cure=f"add `{missing}:`")
    if error.validator == "pattern" and "description" in error.schema:
        return InputError("is not written as it must be", where=place, cure=error.schema["description"])
    if error.validator == "type" and error.schema.get("title") == "source":
        cure = "write {path: FILE}, or {url: DATABASE, query: SQL}"
        return InputError("is no description of a source", where=place, cure=cure)
    if error.validator == "uniqueItems":
        return InputError("names something twice", where=place, cure="name each once")
    if error.validator == "minItems":
        cure = f"give {error.schema.get('description', 'more of them')}"
        return InputError(f"has fewer than {error.validator_value} entries", where=place, cure=cure)
    if error.validator == "enum":
        return InputError(
            f"`{error.instance}` is not allowed",
            where=place,
            cure=f"one of {', '.join(map(str, error.validator_value))}",
        )
    return InputError(error.message, where=place, cure="see config/study.template.yaml")

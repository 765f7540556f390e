# What every stage shares: the checked config, the places of a run, and what makes a result out of date.
import os
import sys
import time
from functools import cache
from pathlib import Path

# Jobs start Python anew, in an environment of their own or on another machine: they find the library here.
LIBRARY = str(Path(workflow.basedir) / "src")
sys.path.insert(0, LIBRARY)
os.environ.update(PYTHONPATH=LIBRARY)
# Bytes must not depend on the day of the run (matplotlib and docx write dates otherwise).
os.environ.setdefault("SOURCE_DATE_EPOCH", "0")

from calcohort.check import check_files, model_card, model_files, model_plan, weights_simulated
from calcohort.closing import closing
from calcohort.config import (
    complete,
    development_tables,
    dicom_roots,
    door,
    public,
    sources,
    sources_digest,
)
from calcohort.digest import (
    code_digest,
    file_digest,
    named_digest,
    source_digest,
    text_digest,
    yaml_digest,
)
from calcohort.errors import InputError
from calcohort.machine import has_gpu, memory_mb
from calcohort.onerun import claim, no_earlier_jobs, this_run

BEGUN = time.monotonic()
# A run that is killed takes its jobs with it.
os.environ.update(CALCOHORT_RUN=this_run())


def checked(function, *args, **options):
    """Call a check of the user's input; what it finds ends the run with one line."""
    try:
        return function(*args, **options)
    except InputError as error:
        sys.exit(f"calcohort: {error}")


CONFIG = checked(complete, config, where=str(workflow.configfiles[0]))
DOOR = door(CONFIG)
# What reports and records may show of it.
SHOWN = public(CONFIG)
if "simulate" not in CONFIG:
    checked(check_files, CONFIG)
if "imaging" in CONFIG and workflow.is_main_process:
    # Imported here: every job reads these files, and the readers of scans are slow to import.
    from calcohort.imaging.check import check_imaging

    checked(check_imaging, CONFIG["imaging"])

SIMULATED = "simulate" in CONFIG
MODEL = CONFIG["segmentation"]["model"]
MODEL_FILES = model_files(MODEL)
# What the networks are; empty in a study that uses none.
PLAN = model_plan(MODEL) if "imaging" in CONFIG or "development" in CONFIG else {}
# What was not seen in patients says so wherever it is shown.
WEIGHTS_SIMULATED = bool(PLAN) and weights_simulated(PLAN)
META = {
    "name": CONFIG["name"],
    "simulated": SIMULATED or WEIGHTS_SIMULATED,
    "simulated_note": "Simulated patients." if SIMULATED else "Scores by weights trained on simulated scans.",
    "weights_simulated": WEIGHTS_SIMULATED,
    "model": {network: PLAN[network] for network in ("heart", "lesion") if network in PLAN},
}

RESULTS = f"results/{CONFIG['name']}"
LOGS = f"{RESULTS}/logs"
TIMES = f"{RESULTS}/benchmarks"
# Whether jobs go to a scheduler's nodes.
CLUSTER = workflow.resource_settings.nodes is not None
# What a network's job asks for; on one machine those that take its GPU by themselves wait for each other too.
DEVICE = CONFIG["segmentation"]["device"]
GPUS = 1 if DEVICE == "cuda" or (DEVICE == "auto" and not CLUSTER and has_gpu()) else 0
# Identifiers and dates of the study; `private_dir` keeps them apart from the results.
PRIVATE = f"{CONFIG['private_dir']}/{CONFIG['name']}" if "private_dir" in CONFIG else f"{RESULTS}/private"
if "private_dir" in CONFIG:
    os.environ.update(CALCOHORT_PRIVATE_LOGS=f"{PRIVATE}/logs")
# Names of a private study's files must not stand in Snakemake's records, so it follows them by a digest.
HIDDEN = "private_dir" in CONFIG and not SIMULATED


wildcard_constraints:
    shard="[0-9a-z]+",
    batch="[0-9]+",
    site="[A-Z]",
    name="[A-Za-z0-9_]+",


def memory(mb):
    """Megabytes that a job may use: a job that ran out of memory asks for more when it is tried again."""
    return lambda wildcards, attempt: mb * attempt


# On one machine, jobs that together need more memory than it has wait for each other.
if workflow.is_main_process and not CLUSTER:
    if "mem_mb" not in workflow.global_resources:
        workflow.register_resource("mem_mb", memory_mb() or 8000)


def code(*modules):
    """Digest of the code behind a result, which is stale when its meaning changes."""
    return code_digest(*(f"calcohort.{module}" for module in ("tables", *modules)))


def beside_rules(path):
    """Path of a file that a rule names from where it stands."""
    return os.path.normpath(os.path.join(workflow.basedir, "rules", path))


def result(*parts):
    """Path of a result of this run."""
    return "/".join([RESULTS, *parts])


def batches():
    """Batches of the simulated patients, numbered from 0."""
    external = CONFIG["simulate"]["external"]
    return [str(n) for n in range(-(-external["patients"] // external["batch_size"]))]


def named(paths):
    """Files of the user as inputs of a rule, where Snakemake may name them."""
    return [] if HIDDEN else paths


def followed(paths):
    """Digest of the files that `named` leaves out."""
    return text_digest(*map(file_digest, paths)) if HIDDEN else ""


# Files that the registries are read from; databases have none.
REGISTRY_FILES = [source["path"] for _, _, source in sources(CONFIG) if "path" in source]


def dicom_folders(_):
    """Folders that this run simulates; a user's own are followed by their digest."""
    if "external" in CONFIG.get("simulate", {}):
        return expand(rules.scan_external.output.dicom, batch=batches())
    return []


def development_folders(_):
    """Annotated scans that this run simulates; a user's own are listed in the tables."""
    if "development" in CONFIG.get("simulate", {}):
        return expand(rules.scan_development.output.scans, site=SITES)
    return []


@cache
def dicom_tree():
    """Digest of the folders of scans, taken where `index` is planned: other jobs do not walk through them."""
    if "external" in CONFIG.get("simulate", {}):
        return ""
    from calcohort.imaging.contents import settled_digest

    return settled_digest(DICOM, f"{PRIVATE}/index")


@cache
def development_files():
    """Digest of the files that the tables name and that may be edited in place, where `annotate` is planned;
    what is simulated is an input."""
    if "development" in CONFIG.get("simulate", {}):
        return ""
    return named_digest(DEVELOPMENT_TABLES, ("image", "annotation", "heart"))


def after(paths):
    """Files that must be there first, while their times are no reason to run.

    By their names alone: `ancient` marks the very object that it is given, for all rules that name it.
    """
    return ancient(str(paths) if isinstance(paths, str) else list(map(str, paths)))


def annotated(_):
    """The annotated scans: Snakemake judges a job that names its checkpoint here, beside the file itself, only
    once the checkpoint is done, and so what follows from that job."""
    return after(checkpoints.annotate.get().output.scans)


def annotated_scans(_):
    """Digest of the annotated scans, whose column `content` stands for what their files hold."""
    return file_digest(checkpoints.annotate.get().output.scans)


@cache
def shard_digests(table):
    """Digest of each shard's rows in the table of scans (its first column names the shard)."""
    rows = {}
    for row in Path(table).read_text(encoding="utf-8").splitlines()[1:]:
        rows.setdefault(row.partition(",")[0], []).append(row)
    return {shard: text_digest(*sorted(members)) for shard, members in rows.items()}


def linked_scans(_):
    """Digest of the scans that the analysis uses."""
    return file_digest(checkpoints.link.get().output.scans)


def scans_of(wildcards):
    """Digest of a shard's rows: a new scan makes only its own shard stale."""
    return shard_digests(checkpoints.link.get().output.scans)[wildcards.shard]


def by_shard(pattern):
    """Input function: `pattern` for every shard of the scans that the analysis uses."""
    return lambda _: expand(pattern, shard=sorted(shard_digests(checkpoints.link.get().output.scans)))


def statistics_inputs(_):
    """The analysis table, with the sensitivity endpoints and the development scans where the study has them."""
    inputs = {"analysis": ANALYSIS}
    if DOOR != "analysis":
        inputs["endpoints"] = rules.cohort.output.endpoints
    if "development" in CONFIG:
        inputs["development"] = rules.internal_testing.output.scans
    return inputs


def sources_of(wildcards):
    """The files of this run that an exhibit is made from."""
    return [path for path in map(result, CATALOGUE[wildcards.name].sources) if path in MADE]

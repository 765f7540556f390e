# What every stage shares: the checked config, the places of a run, and what makes a result out of date.
import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, str(Path(workflow.basedir) / "src"))
# Jobs start Python anew, here or on another machine: they find the library the same way.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(Path(workflow.basedir) / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
)
# Bytes must not depend on the day of the run (matplotlib and docx write dates otherwise).
os.environ.setdefault("SOURCE_DATE_EPOCH", "0")

from calcohort.check import check_files
from calcohort.config import complete, door
from calcohort.digest import code_digest, tree_digest
from calcohort.errors import InputError


def checked(function, *args, **options):
    """Call a check of the user's input; what it finds ends the run with one line."""
    try:
        return function(*args, **options)
    except InputError as error:
        raise WorkflowError(str(error)) from None


CONFIG = checked(complete, config, where=str(workflow.configfiles[0]))
SIMULATED = "simulate" in CONFIG
DOOR = door(CONFIG)
if not SIMULATED:
    checked(check_files, CONFIG)

RESULTS = f"results/{CONFIG['name']}"
LOGS = f"{RESULTS}/logs"
TIMES = f"{RESULTS}/benchmarks"
# Identifiers and dates of the study; `private_dir` keeps them apart from the results.
PRIVATE = f"{CONFIG['private_dir']}/{CONFIG['name']}" if "private_dir" in CONFIG else f"{RESULTS}/private"


wildcard_constraints:
    shard="[0-9a-z]+",
    batch="[0-9]+",
    site="[A-Z]",
    name="[A-Za-z0-9_]+",


def code(*modules):
    """Digest of the library's code that a rule runs: a rule's results are stale when it changes."""
    return code_digest(*(f"calcohort.{module}" for module in modules))


def result(*parts):
    """Path of a result of this run."""
    return "/".join([RESULTS, *parts])

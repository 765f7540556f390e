"""One place pins versions: the environments of the rules and the project agree with the lock."""

import ast
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from calcohort.exhibits.catalogue import CATALOGUE
from calcohort.statistics.families import FILES

ENVS = Path(__file__).resolve().parents[2] / "envs"


def lock() -> dict[str, str]:
    lines = (ENVS / "requirements.txt").read_text().splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    assert all(len(pin) == 2 for pin in pins)
    return {name.lower(): version for name, version in pins}


@pytest.mark.parametrize("path", sorted(ENVS.glob("*.yaml")), ids=lambda path: path.stem)
def test_an_environment_has_the_versions_of_the_lock(path):
    pins = yaml.safe_load(path.read_text())["dependencies"][-1]["pip"]
    locked = lock()
    assert pins
    for pin in pins:
        name, version = pin.split("==")
        assert locked[name.lower()] == version


def test_the_lock_names_no_address():
    assert not re.search(r"https?:|//|--index|@", (ENVS / "requirements.txt").read_text())


def test_every_dependency_of_the_project_is_pinned():
    project = (ENVS.parent / "pyproject.toml").read_text()
    named = re.findall(r'^    "([A-Za-z0-9-]+)', project.split("dependencies = [")[1].split("]")[0], re.M)
    assert len(named) > 15
    assert {name.lower() for name in named} <= set(lock())


@pytest.mark.parametrize("recipe", ["Dockerfile", "calcohort.def"])
def test_an_image_has_the_python_of_the_environments_and_the_versions_of_the_lock(recipe):
    text = (ENVS / recipe).read_text()
    base = re.search(r"^from:? python:(\S+?)-slim", text, re.M | re.I).group(1)
    pythons = {yaml.safe_load(path.read_text())["dependencies"][0] for path in ENVS.glob("*.yaml")}
    assert pythons == {f"python={base}"}
    installs = re.findall(r"pip install (.*)", text)
    assert installs == ["--no-cache-dir --requirement /opt/requirements.txt"]
    assert re.search(r"envs/requirements\.txt /opt/requirements\.txt", text)
    assert "==" not in text


IMPORTS = """
import ast, inspect, sys
from importlib.metadata import packages_distributions
allowed, modules = set(sys.argv[1].split()), sys.argv[2].split()
ours = {name for name, owners in packages_distributions().items()
        if not allowed & {owner.lower().replace("_", "-") for owner in owners}} - {"calcohort"}
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ours:
            raise ModuleNotFoundError(f"no {name} in this environment", name=name)
sys.meta_path.insert(0, Absent())
seen = set()
def later(module):
    # What its functions import when they are called.
    for function in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(function, ast.FunctionDef) and function.name != "__getattr__":
            for node in ast.walk(function):
                if isinstance(node, ast.ImportFrom):
                    yield node.module
                elif isinstance(node, ast.Import):
                    yield from (alias.name for alias in node.names)
while modules:
    module = modules.pop()
    __import__(module)
    # Checks before a run, of all inputs there may be; rules use only their words.
    if module.startswith("calcohort.") and module != "calcohort.check":
        modules += set(later(sys.modules[module])) - set(sys.modules)
    modules += {name for name in sys.modules if name.startswith("calcohort.")} - seen
    seen |= set(sys.modules)
"""


def with_requirements(names: set[str]) -> set[str]:
    """Distributions with all that they require, as installed here."""
    found, waiting = set(), {name.lower().replace("_", "-") for name in names}
    while waiting:
        name = waiting.pop()
        found.add(name)
        try:
            needs = [Requirement(text) for text in requires(name) or ()]
        except PackageNotFoundError:
            continue
        needed = (need.name for need in needs if not need.marker or need.marker.evaluate({"extra": ""}))
        waiting |= {other.lower().replace("_", "-") for other in needed} - found
    return found


def imported_in(environment: str) -> set[str]:
    """Modules that the scripts of the rules of an environment import."""
    modules = set()
    for rules in (ENVS.parent / "rules").glob("*.smk"):
        for text in re.split(r"^\s*(?:rule|checkpoint)\b", rules.read_text(), flags=re.M):
            script = re.search(r'script:\s*"\.\./(workflow/scripts/\w+\.py)"', text)
            if script and f"envs/{environment}.yaml" in text:
                for node in ast.walk(ast.parse((ENVS.parent / script.group(1)).read_text())):
                    if isinstance(node, ast.ImportFrom):
                        modules.add(node.module)
                    elif isinstance(node, ast.Import):
                        modules |= {alias.name for alias in node.names}
    if environment == "report":
        modules |= {f"calcohort.{entry.module}" for entry in CATALOGUE.values()}
    if environment == "statistics":
        modules |= {f"calcohort.statistics.families.{family}" for family in FILES}
    return modules


@pytest.mark.slow
@pytest.mark.parametrize("environment", sorted(path.stem for path in ENVS.glob("*.yaml")))
def test_the_scripts_of_an_environment_import_nothing_that_it_lacks(environment):
    pins = yaml.safe_load((ENVS / f"{environment}.yaml").read_text())["dependencies"][-1]["pip"]
    allowed = with_requirements({pin.split("==")[0] for pin in pins})
    modules = sorted(imported_in(environment))
    assert len(modules) > 5
    run = subprocess.run(
        [sys.executable, "-c", IMPORTS, " ".join(allowed), " ".join(modules)], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr[-1500:]

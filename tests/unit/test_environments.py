"""One place pins versions: the environments of the rules and the project agree with the lock."""

import re
from pathlib import Path

import pytest
import yaml

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

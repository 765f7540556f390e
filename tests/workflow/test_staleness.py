"""What makes a result out of date, and what does not: planned on a study whose outputs are empty files."""

import ast
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from calcohort.digest import _closure
from calcohort.exhibits.catalogue import CATALOGUE
from calcohort.statistics.families import FILES
from tests.bench.scale import faked_study
from tests.workflow.conftest import CHECKOUT, environment

# Logs change no result, and what a config says is in the parameters of each rule.
NO_RESULT = {"calcohort.logs", "calcohort.config"}


@dataclass(frozen=True)
class Study:
    """A finished study with a copy of the code, to be changed."""

    folder: Path

    def snakemake(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "snakemake", *arguments, "--configfile", "study.yaml"]
        run = subprocess.run(command, cwd=self.folder, text=True, capture_output=True, env=environment())
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout + run.stderr

    def stale(self) -> set[str]:
        """Rules that would run."""
        words = self.snakemake("-n", "--quiet", "rules")
        if "Nothing to be done" in words:
            return set()
        table = words.split("Job stats:", 1)[1].split("total", 1)[0]
        return {line.split()[0] for line in table.splitlines()[3:] if line.strip()} - {"all"}

    def edit(self, path: str, old: str, new: str) -> None:
        source = self.folder / path
        text = source.read_text()
        assert text.count(old) == 1
        source.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Path:
    """Every output is there and recorded as made by the code that is there."""
    folder = tmp_path_factory.mktemp("stale") / "study"
    faked_study(folder, 20, 8)
    for part in ("src", "workflow", "envs"):
        (folder / part).unlink()
        shutil.copytree(CHECKOUT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    study = Study(folder)
    for line in study.snakemake("--summary").splitlines():
        path = folder / line.split("\t")[0]
        if line.startswith("results/") and not path.exists():
            # Outputs without a suffix are folders.
            (path.parent if path.suffix else path).mkdir(parents=True, exist_ok=True)
            if path.suffix:
                path.touch()
    study.snakemake("--touch", "--forceall", "--quiet", "all")
    return folder


@pytest.fixture
def study(done, tmp_path) -> Study:
    copy = shutil.copytree(done, tmp_path / "study", symlinks=True)
    return Study(copy)


SCORING = {"score", "scores", "cohort", "gallery", "statistics_km", "report", "audit"}
BEFORE_SCORING = {"registries", "index", "link", "convert", "segment"}


@pytest.mark.slow
def test_times_comments_and_docstrings_rerun_nothing(study):
    for path in ("workflow/scripts/score.py", "src/calcohort/statistics/cox.py", "pet.csv"):
        os.utime(study.folder / path)
    for path in ("src/calcohort/scoring/agatston.py", "workflow/scripts/segment.py"):
        source = study.folder / path
        source.write_text("# A comment.\n" + source.read_text())
    assert study.stale() == set()


@pytest.mark.slow
def test_a_formula_of_one_statistic_reruns_that_statistic_and_what_follows(study):
    source = study.folder / "src/calcohort/statistics/nri.py"
    source.write_text(source.read_text() + "\n\nFACTOR = 2\n")
    stale = study.stale()
    assert {name for name in stale if name.startswith("statistics_")} == {"statistics_nri"}
    assert stale >= {"report", "audit", "claims"}
    assert not stale & (BEFORE_SCORING | {"score", "scores", "cohort"})


@pytest.mark.slow
def test_a_threshold_of_scoring_reruns_scoring_and_what_follows(study):
    config = yaml.safe_load((study.folder / "study.yaml").read_text()) | {"scoring": {"minimum_voxels": 3}}
    (study.folder / "study.yaml").write_text(yaml.safe_dump(config))
    stale = study.stale()
    assert stale >= SCORING
    assert not stale & BEFORE_SCORING


@pytest.mark.slow
def test_a_script_of_its_own_and_new_versions_of_packages_rerun_their_rules(study):
    study.edit("envs/report.yaml", "great-tables==", "great-tables==9.")
    stale = study.stale()
    assert stale >= {"table", "figure", "report", "audit"}
    assert not stale & {"index", "segment", "score", "cohort", "statistics_km"}
    script = study.folder / "workflow/scripts/segment.py"
    script.write_text(script.read_text() + "\nprint('more')\n")
    assert "segment" in study.stale()
    assert "convert" in study.stale()  # Its volumes are temporary: segmenting again needs them again.
    assert not study.stale() & {"index", "link", "registries"}


def rules() -> dict[str, tuple[Path, set[str]]]:
    """Script and named modules of each rule."""
    found = {}
    for path in sorted((CHECKOUT / "rules").glob("*.smk")):
        for text in re.split(r"^\s*(?:rule|checkpoint)\b", path.read_text(), flags=re.M)[1:]:
            script = re.search(r'script:\s*"\.\./(workflow/scripts/\w+\.py)"', text)
            after = r"\),?\n\s*(?:script:|\w+=)"
            named = re.search(r"\bcode=(?:lambda wildcards: )?code\((.*?)" + after, text, re.S)
            if script:
                assert named, f"{path.name}: {text[:40]}"
                name = text.split(":")[0].strip() or path.stem
                found[name] = CHECKOUT / script.group(1), set(re.findall(r'"([\w.]+)"', named.group(1)))
    return found


@pytest.mark.parametrize("name", sorted(rules()))
def test_a_rule_follows_every_module_that_its_script_imports(name):
    script, modules = rules()[name]
    if name in ("table", "figure"):
        modules |= {entry.module for entry in CATALOGUE.values()}
    if script.stem == "statistics":
        modules |= {f"statistics.families.{family}" for family in FILES}
    closure = set(_closure(tuple(f"calcohort.{module}" for module in ("tables", *modules))))
    imported = set()
    for node in ast.walk(ast.parse(script.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("calcohort"):
            parts = {f"{node.module}.{alias.name}" for alias in node.names}
            modules_below = {part for part in parts if _is_module(part)}
            imported |= modules_below or {node.module}
    assert imported - NO_RESULT <= closure


def _is_module(name: str) -> bool:
    path = CHECKOUT / "src" / Path(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").exists()

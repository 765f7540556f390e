import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import made_run

from calcohort.audit import build
from calcohort.report.page import build_report

PAPER = Path(__file__).parents[3] / "config" / "paper"


@pytest.fixture
def full_run(tmp_path):
    return finish(made_run.write_run(tmp_path / "small"))


@pytest.fixture
def sparse_run(tmp_path):
    return finish(made_run.write_sparse_run(tmp_path / "sparse"))


def finish(root):
    """What the last rules of the workflow do."""
    config = made_run.complete_config()
    build.write_claims(root, config, PAPER / "targets.csv", PAPER / "claims.yaml")
    build.write_tallies(root)
    build.write_checklists(root, made_run.META)
    (root / "report.html").write_text(build_report(root, config, made_run.META), encoding="utf-8")
    build.write_checksums(root)
    return root

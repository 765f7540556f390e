import importlib.util
import sys
from pathlib import Path

import pytest

REPORT_TESTS = Path(__file__).parents[1] / "report"
PAPER = Path(__file__).parents[3] / "config" / "paper"
sys.path.insert(0, str(REPORT_TESTS))

_spec = importlib.util.spec_from_file_location("report_conftest", REPORT_TESTS / "conftest.py")
_finished = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_finished)


@pytest.fixture
def full_run(tmp_path):
    import made_run

    return _finished.finish(made_run.write_run(tmp_path / "small"))


@pytest.fixture
def paper():
    return PAPER

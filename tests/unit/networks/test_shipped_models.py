"""The weights of both networks are there, whole and small; their cards say first what they are not for."""

import pytest

from calcohort.networks.files import load_model
from calcohort.shipped import ROOT
from calcohort.training.card import SIMULATED

MODELS = ("clstm-fast", "clstm-paper")


@pytest.mark.parametrize("name", MODELS)
def test_a_shipped_model_loads_and_its_card_begins_with_the_warning(name):
    model = load_model(ROOT / "models" / name)
    assert {model.heart.name, model.lesion.name} == {name}
    assert (ROOT / "models" / name / "README.md").read_text(encoding="utf-8").startswith(SIMULATED)


def test_shipped_models_are_half_precision_and_take_at_most_30_mb():
    files = [path for name in MODELS for path in (ROOT / "models" / name).iterdir()]
    assert sum(path.stat().st_size for path in files) <= 30e6
    for path in files:
        if path.suffix == ".safetensors":
            assert b'"dtype":"F16"' in path.read_bytes()[:4096]

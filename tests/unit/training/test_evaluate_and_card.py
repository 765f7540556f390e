"""Agreement by hand-worked numbers, thresholds that agree best, models put together with an honest card."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from calcohort.networks.files import load_model, new_network
from calcohort.networks.inputs import default_inputs
from calcohort.segmentation.vote import Rules
from calcohort.training.__main__ import main
from calcohort.training.assemble import CARD_FILE, assemble, change_rules, write_card
from calcohort.training.checkpoint import save_network
from calcohort.training.evaluate import (
    agreement,
    choose_threshold,
    compare,
    intraclass_correlation,
    kappa_interval,
    linear_kappa,
)


def test_agreement_by_hand():
    found = agreement([0, 0, 50, 200, 900], [0, 7, 50, 90, 900])
    assert found["accuracy"] == pytest.approx(3 / 5)
    assert found["within_one"] == 1
    assert found["sensitivity"] == 1
    assert found["specificity"] == 0.5
    assert found["false_positive_agatston"] == 3.5
    assert found["bias"] == pytest.approx((7 - 110) / 5)
    # Reference 2,1,1,1 and estimate 1,3,0,1 of 5: observed cost 2/5, expected 30/25.
    assert found["kappa"] == pytest.approx(1 - (2 / 5) / (30 / 25))


def test_kappa_is_that_of_scikit_learn():
    from sklearn.metrics import cohen_kappa_score

    rng = np.random.default_rng(5)
    reference, estimate = rng.integers(0, 4, (2, 60))
    expected = cohen_kappa_score(reference, estimate, labels=range(4), weights="linear")
    assert linear_kappa(reference, estimate) == pytest.approx(expected)


def test_icc_by_hand():
    # Mean squares 2 between subjects, 1.5 between raters, 0 left: 2 / (2 + 2 * 1.5 / 3).
    assert intraclass_correlation(np.array([1.0, 2, 3]), np.array([2.0, 3, 4])) == pytest.approx(2 / 3)
    assert intraclass_correlation(np.array([1.0, 5, 9]), np.array([1.0, 5, 9])) == pytest.approx(1)
    assert np.isnan(intraclass_correlation(np.zeros(3), np.zeros(3)))


def test_limits_of_agreement_and_an_interval_of_kappa():
    found = agreement([0, 50, 200, 900], [10, 40, 210, 890])
    half = 1.96 * np.std([10, -10, 10, -10], ddof=1)
    assert (found["limit_low"], found["limit_high"]) == pytest.approx((-half, half))
    reference = np.array([0.0, 50, 200, 900] * 10)
    estimate = np.where(np.arange(40) < 8, 50.0, reference)
    low, high = kappa_interval(reference, estimate)
    assert low < agreement(reference, estimate)["kappa"] < high <= 1


def test_kappa_at_natural_prevalence_weighs_the_categories_back():
    truth, found = np.repeat([0, 1, 2, 3], 10), np.repeat([0, 1, 2, 3], 10)
    found[:5] = 1
    as_it_is = linear_kappa(truth, found)
    assert linear_kappa(truth, found, np.full(4, 0.25)) == pytest.approx(as_it_is)
    assert linear_kappa(truth, found, np.array([0.7, 0.1, 0.1, 0.1])) < as_it_is
    assert np.isnan(linear_kappa(truth[10:], found[10:], np.full(4, 0.25)))


def test_what_cannot_be_computed_is_missing_and_not_wrong():
    found = agreement([0, 0], [0, 0])
    assert np.isnan(found["kappa"]) and np.isnan(found["sensitivity"])
    assert found["specificity"] == 1
    assert np.isnan(agreement([], [])["accuracy"])


def test_groups_are_compared_by_type_and_site():
    scans = pd.DataFrame(
        {
            "site": ["a", "a", "b"],
            "scan_type": ["ctac", "gated", "ctac"],
            "agatston_expert": [0.0, 150.0, 500.0],
            "agatston_dl": [0.0, 50.0, 500.0],
        }
    )
    table = compare(scans).set_index("population")
    assert list(table.index) == [
        "internal",
        "internal_ctac",
        "internal_gated",
        "internal_site_a",
        "internal_site_b",
    ]
    assert table.loc["internal_gated", "accuracy"] == 0
    assert table.loc["internal_ctac", "accuracy"] == 1


def test_the_threshold_of_best_agreement_is_chosen():
    reference = np.array([0.0, 50.0, 250.0, 800.0])
    estimates = {0.3: reference + 30, 0.5: reference, 0.7: reference * 0.2}
    assert choose_threshold(reference, estimates) == 0.5


@pytest.fixture
def model_dir(tmp_path):
    torch.manual_seed(0)
    for task in ("heart", "lesion"):
        network = new_network(
            "clstm-fast", task, default_inputs("clstm-fast", task), {"width": 8, "hidden": 4}
        )
        save_network(tmp_path / task, network)
    return tmp_path


def test_two_trainings_become_a_model_with_a_card(model_dir):
    folder = model_dir / "tiny"
    assemble(model_dir / "heart", model_dir / "lesion", folder, meta={"seed": 3})
    change_rules(folder, Rules(coronary_threshold=0.65))
    model = load_model(folder)
    assert model.rules["coronary_threshold"] == 0.65
    assert model.meta == {"seed": 3}
    metrics = pd.DataFrame([{"population": "internal"} | agreement([0, 50], [0, 50])])
    write_card(folder, metrics, {"heart": "two phantoms"}, limits=["It has seen nothing."])
    text = (folder / CARD_FILE).read_text()
    assert "simulated data only: not for clinical use" in text.splitlines()[0].lower()
    assert "two phantoms" in text and "It has seen nothing." in text and "0.65" in text


def test_the_command_line_joins_networks_and_names_what_is_missing(model_dir, capsys):
    arguments = ["assemble", "--heart", str(model_dir / "heart"), "--out", str(model_dir / "m")]
    assert main([*arguments, "--lesion", str(model_dir / "lesion")]) == 0
    assert json.loads((model_dir / "m" / "config.json").read_text())["rules"]["threshold_hu"] == 130
    assert main([*arguments, "--lesion", str(model_dir / "nowhere")]) == 2
    assert "nowhere: no trained lesion network" in capsys.readouterr().err


@pytest.mark.slow
def test_phantom_samples_follow_from_their_seed_alone(tmp_path):
    from calcohort.training.generate import Order, generate

    order = Order("lesion", 7, 2, per_file=1, finest_mm=0.9)
    first = generate(order, tmp_path / "a")
    second = generate(Order("lesion", 8, 1, per_file=1, finest_mm=0.9), tmp_path / "b", workers=2)
    assert [path.name for path in first] == ["lesion-0000007.npz", "lesion-0000008.npz"]
    assert first[1].read_bytes() == second[0].read_bytes()

"""A test of a model names what went wrong, goes on where it was cut off, and mixes no two models."""

import numpy as np
import pandas as pd
import pytest

from calcohort.errors import InputError
from calcohort.phantom import Phantom
from calcohort.phantom.truth import METAL
from calcohort.segmentation import vote
from calcohort.segmentation.infer import Segmentation
from calcohort.training import testing
from calcohort.training.measure import measure
from calcohort.training.trial import MANY, Trial, calibrate
from calcohort.volume import Volume


def scan(seed: int) -> Phantom:
    """Coronary plaque, aortic calcium and a stent in a box of blood; even seeds have no plaque."""
    hu, labels = np.full((6, 40, 40), 40, np.int16), np.full((6, 40, 40), 3, np.uint8)
    places = {1: (slice(2, 4), slice(5, 8), slice(5, 8)), 2: (slice(2, 4), slice(20, 24), slice(20, 24))}
    for kind, place in places.items():
        if kind == 2 or seed % 2:
            hu[place], labels[place] = 500, kind
    hu[3, 30:32, 30:32], labels[3, 30:32, 30:32] = 3000, METAL
    volume = Volume(hu, (0.9, 0.9, 3.0))
    names = ("aortic_root", "stent", "valve") if seed % 3 == 0 else ("stent",)
    kind = "cac_gated" if seed % 4 > 1 else "ctac_rest"
    return Phantom(volume, labels, np.zeros_like(labels), 120, kind, names)


def answer(wrong_on: str):
    """A segmenter that is right but for one thing."""

    def segment(volume):
        labels = np.full(volume.hu.shape, 3, np.uint8)
        labels[2:4, 20:24, 20:24] = 1 if wrong_on == "other" else 2
        labels[2:4, 5:8, 5:8][volume.hu[2:4, 5:8, 5:8] > 130] = 0 if wrong_on == "missed" else 1
        if wrong_on == "metal":
            labels[3, 30:32, 30:32] = 1
        return Segmentation(labels, 600.0, (0, 6, 0, 40, 0, 40), ())

    return segment


@pytest.mark.parametrize(
    ("wrong_on", "seed", "cause"),
    [
        ("other", 2, "other calcification called coronary"),
        ("metal", 2, "metal called coronary"),
        ("missed", 1, "coronary called background"),
    ],
)
def test_a_failure_has_its_cause(wrong_on, seed, cause):
    row, _ = measure(answer(wrong_on), scan(seed))
    assert testing.failed(row)
    assert testing.cause(row) == cause


def test_lesions_are_counted_and_a_right_answer_is_no_failure():
    row, _ = measure(answer(""), scan(1))
    assert not testing.failed(row)
    assert (row["lesions"], row["lesions_found"], row["lesions_false"]) == (1, 1, 0)
    assert row["agatston_dl"] == row["agatston_expert"] > 0
    assert row["in_box"] == row["found"] == 1


@pytest.fixture
def trial(monkeypatch):
    monkeypatch.setattr(Trial, "_drawn", lambda self, seed, device: scan(seed))
    return Trial(count=25)


class Stub:
    """A segmenter that takes metal for calcium, and is cut off at its fifteenth scan."""

    device = "cpu"

    def __init__(self, seen: int = 0):
        self.seen = seen

    def __call__(self, volume):
        self.seen += 1
        if self.seen == 15:
            raise KeyboardInterrupt
        return answer("metal")(volume)


@pytest.mark.slow
def test_a_test_cut_off_goes_on_and_comes_to_the_same(trial, tmp_path):
    stub = Stub()
    with pytest.raises(KeyboardInterrupt):
        testing.test_model(stub, "m", trial, tmp_path / "parts")
    parts = testing.test_model(stub, "m", trial, tmp_path / "parts")
    # Ten scans were written before the cut.
    assert stub.seen == 15 + 15
    whole = testing.test_model(Stub(20), "m", trial, tmp_path / "whole")
    pd.testing.assert_frame_equal(parts.drop(columns="seconds"), whole.drop(columns="seconds"))
    table = testing.metrics(parts).set_index("population")
    assert table.loc["all", "n"] == 25
    assert table.loc["three_confounders", "n"] == sum(seed % 3 == 0 for seed in trial.seeds())
    assert set(testing.failures(parts)["cause"]) == {"metal called coronary"}
    assert (tmp_path / "whole" / "failures").exists()


@pytest.mark.slow
def test_two_models_are_not_mixed(trial, tmp_path):
    testing.test_model(Stub(20), "m", trial, tmp_path)
    with pytest.raises(InputError, match="another model"):
        testing.test_model(Stub(20), "n", trial, tmp_path)


def test_kept_phantoms_are_drawn_once_and_read_as_they_were(monkeypatch, tmp_path):
    drawn = []

    def draw(self, seed, device):
        drawn.append(seed)
        return scan(seed)

    monkeypatch.setattr(Trial, "_drawn", draw)
    first, again = (list(Trial(count=3).phantoms(keep=tmp_path)) for _ in range(2))
    assert drawn == [1, 2, 3]
    for (seed, one), (_, other) in zip(first, again, strict=True):
        for name in ("labels", "vessels"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        np.testing.assert_array_equal(one.volume.hu, other.volume.hu)
        assert one.volume.spacing_xyz_mm == other.volume.spacing_xyz_mm
        assert (one.kvp, one.protocol, one.confounders) == (other.kvp, other.protocol, other.confounders)
        assert one.agatston == other.agatston == scan(seed).agatston
    # Another cohort of the same seeds takes nothing from these.
    Trial(count=1, population="shifted").phantom(1, keep=tmp_path)
    assert drawn == [1, 2, 3, 1]


def test_calibration_takes_the_thresholds_that_agree_best(trial):
    class Evidence:
        """A plaque, of which the network is not so sure, and a hollow stent, of which it is."""

        def __init__(self, volume):
            found = answer("metal")(volume).labels
            plaque = (answer("")(volume).labels == vote.CORONARY) & (found == vote.CORONARY)
            stent = (found == vote.CORONARY) & ~plaque
            self.mask = plaque | stent
            self.numbers = np.where(stent[self.mask], 1, 0)

        def parts(self, volume, rules):
            coronary, hollow = np.array([0.7, 0.97]), np.array([0.02, 0.09])
            shares = np.stack([1 - coronary, coronary, np.zeros(2)])
            return vote.Parts(self.numbers, shares, np.array([200.0, 200.0]), np.full(2, 500.0), hollow)

        def labels(self, shape_zyx, classes):
            labels = np.zeros(shape_zyx, dtype=np.uint8)
            labels[self.mask] = classes
            return labels

    class Segmenter:
        device, rules = "cpu", vote.Rules(margin_mm=4.0)

        def gather(self, volume):
            return Evidence(volume)

    rules, table = calibrate(Segmenter(), [trial, trial])
    assert len(table) == 50
    # A loose share takes the stent for calcium, a strict threshold loses the plaque; of equals the loosest.
    assert (rules.hollow_share, rules.margin_mm) == (0.08, 4.0)
    assert rules.coronary_threshold <= 0.7
    name = f"at_{rules.coronary_threshold:g}_{rules.small_threshold:g}_0.08"
    np.testing.assert_array_equal(table[name], table["reference"])
    assert np.any(table[name.replace("0.08", "0.1")] > table["reference"])


@pytest.mark.slow
def test_every_second_pair_of_a_cohort_is_hard(monkeypatch):
    from calcohort.training import trial as module

    monkeypatch.setattr(module, "acquire", lambda anatomy, protocol, seed, device: anatomy)
    for seed in (4, 5, 8, 9):
        assert len(Trial(hard_half=True).phantom(seed).confounders) >= MANY

"""Patients in pictures are chosen by what their scans show; a wrong zero tells its apparent cause."""

from dataclasses import replace

import numpy as np
import pytest

from calcohort.exhibits import causes, examples, places
from calcohort.exhibits.registry import EXHIBITS
from tests.unit.exhibits.conftest import (
    AORTA,
    CASES,
    LM,
    META,
    MITRAL,
    RCA,
    STENT,
    crop_of,
    make_cases,
    make_crop,
    make_examples,
)


@pytest.fixture(scope="module")
def chosen():
    found = examples.choose(examples.patients(*make_cases()), crop_of)
    return {figure: [example for example in found if example.figure == figure] for figure in examples.FIGURES}


def patient(example):
    return example.left.series.split("-")[0] if example.left else None


def test_figure_6_shows_what_its_panels_say(chosen):
    assert [patient(example) for example in chosen["figure6"]] == ["left", "right", "small", "ring"]


def test_a_history_of_pci_with_a_higher_score_is_the_stent_taken_for_calcium(chosen):
    noisiest, metal, stent, apart = chosen["figureS3"]
    assert patient(metal) == "spared" and patient(stent) == "stented" and "stent" in stent.heading
    assert "15 HU" in noisiest.note
    # Nobody else's two scores above 0 differ in category: the place stays empty and says so.
    assert apart.left is None


def test_bright_things_that_were_not_scored_are_shown_bare_and_outlined(chosen):
    stent, ring = chosen["figureS4"][:2]
    assert patient(stent) == "spared" and "History of PCI" in stent.note
    assert not stent.left.outlined and stent.right.outlined and stent.left.series == stent.right.series
    assert patient(ring) in ("ring", "misnamed")


def test_causes_of_wrong_zeros(chosen):
    causes_of = {patient(example): example.note for example in chosen["figureS7"]}
    assert causes_of["missed"].startswith("Partial volume")
    assert causes_of["misnamed"] == "Taken for non-coronary calcification."
    assert causes_of["invented"] == "Non-coronary calcification scored as coronary."
    assert causes_of["noisy"] == "Noise scored as calcium."


def test_what_was_bright_and_not_marked_is_no_partial_volume():
    gated = make_crop(1, True, (LM,))
    assert (
        causes.cause_of_miss(gated, make_crop(1, False, ((3, *LM[1:]),))) == "Above 130 HU, but not marked."
    )
    bare = make_crop(2, True)
    assert "on the gated scan either" in causes.cause_of_miss(bare, make_crop(1, False))


def test_an_opacity_is_told_from_noise():
    ctac = make_crop(1, False, (LM,))
    assert causes.cause_of_false_positive(make_crop(2, True), ctac, 15.0).startswith("An opacity")
    assert "as well" in causes.cause_of_false_positive(make_crop(2, True, (LM,)), ctac, 15.0)
    assert causes.cause_of_false_positive(make_crop(2, True), ctac, float("nan")).startswith("An opacity")


@pytest.mark.parametrize(
    ("spot", "place"),
    [(LM, places.is_left_coronary), (RCA, places.is_right_coronary), (AORTA, places.is_aortic),
     (MITRAL, places.is_mitral)],
)  # fmt: skip
@pytest.mark.parametrize("gated", [True, False])
def test_places_do_not_overlap(spot, place, gated):
    (found,) = places.spots(make_crop(3, gated, (spot,)))
    every = (places.is_left_coronary, places.is_right_coronary, places.is_aortic, places.is_mitral)
    assert [rule for rule in every if rule(found)] == [place]


def test_noise_alone_is_no_bright_structure():
    assert places.spots(make_crop(4, False, noise=60.0)) == []
    (stent,) = places.spots(make_crop(4, False, (STENT,)))
    assert stent.label == places.HEART and stent.brightest == 900


def test_bone_that_touches_the_heart_is_no_stent():
    crop = make_crop(5, False, ((3, 0.5, 0.3, 0.5, 900),))
    labels = crop.labels.copy()
    (spot,) = places.spots(crop)
    voxels = np.argwhere(crop.hu >= 800)
    # The same piece, half of it outside the heart's mask.
    labels[tuple(voxels[: len(voxels) // 2].T)] = 0
    assert spot.label == places.HEART and places.spots(replace(crop, labels=labels)) == []


def test_both_pictures_show_the_same_height_of_the_heart():
    stored = make_examples()
    number = list(stored["heading"]).index("RCA calcium told from aortic")
    for side in ("left", "right"):
        labels = stored[f"{side}_labels_{number}"]
        assert (labels == places.CORONARY).any() or (labels == places.OTHER).any()


def test_the_same_patients_give_the_same_file(tmp_path):
    for name in ("one", "two"):
        examples.save(tmp_path / f"{name}.npz", make_examples())
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_a_study_without_gated_scans_says_so(tmp_path):
    analysis, scores = make_cases()
    ctac = scores[scores["protocol"] != "cac_gated"]
    table = examples.patients(analysis.drop(columns=["cac_standard"]), ctac)
    stored = examples.cut(examples.choose(table, crop_of), crop_of)
    examples.save(tmp_path / "examples.npz", stored)
    inputs = {"segmentation/examples.npz": tmp_path / "examples.npz"}
    for name in ("figure6", "figureS3", "figureS7"):
        with pytest.raises(Exception, match=r"\.$"):
            EXHIBITS[name].build(inputs, META)
    # What needs one scan alone is still shown.
    assert EXHIBITS["figureS4"].build(inputs, META).axes


def test_nobody_to_show_gives_no_example():
    analysis, scores = make_cases()
    assert examples.choose(examples.patients(analysis.head(0), scores), crop_of) == []
    assert examples.choose(examples.patients(analysis, scores.drop(columns=["series"])), crop_of) == []


def test_a_crop_that_is_not_there_leaves_its_place_empty():
    table = examples.patients(*make_cases())
    stored = examples.cut(examples.choose(table, crop_of), lambda series: None)
    assert not stored["shown"].any() and len(stored["figure"]) >= len(examples.FIGURES)
    assert np.isin(stored["figure"], examples.FIGURES).all() and len(CASES) == len(table)

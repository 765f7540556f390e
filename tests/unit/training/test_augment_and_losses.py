"""Augmentation moves image and truth together; the loss looks at what can reach a score."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from calcohort.errors import InputError
from calcohort.training.augment import augment, smooth
from calcohort.training.batches import coarsen, cut_window
from calcohort.training.losses import hardest, heart_loss, lesion_loss
from calcohort.training.settings import Augmentation, Loss, TrainingSettings

NONE = Augmentation(**{field.name: 0.0 for field in fields(Augmentation)})


def batch():
    labels = torch.zeros(3, 4, 48, 48)
    labels[:, 1:3, 20:26, 28:34] = 1
    hu = torch.where(labels > 0, 400.0, 40.0)
    return hu, labels, torch.full_like(hu, 10.0)


def run(kinds, seed=3):
    noise = torch.Generator().manual_seed(seed)
    return augment(*batch(), 0.9, kinds, np.random.default_rng(seed), noise)


def test_smoothing_is_the_binomial_filter_of_each_slice():
    stack = torch.randn(2, 3, 9, 11, generator=torch.Generator().manual_seed(1))
    row = torch.tensor([0.25, 0.5, 0.25])
    wide = torch.nn.functional.pad(stack.flatten(0, 1)[:, None], (1, 1, 1, 1), mode="replicate")
    expected = torch.nn.functional.conv2d(wide, torch.outer(row, row)[None, None])
    torch.testing.assert_close(smooth(stack), expected[:, 0].unflatten(0, (2, 3)))


def test_nothing_switched_on_changes_nothing():
    for before, after in zip(batch(), run(NONE), strict=True):
        torch.testing.assert_close(after, before)


@pytest.mark.parametrize(
    ("name", "amount"),
    [(field.name, field.default) for field in fields(Augmentation) if field.name not in ("drop",)],
)
def test_each_kind_works_by_itself_and_repeatably(name, amount):
    kinds = replace(NONE, **{name: max(amount, 1.0) if amount < 1 else amount})
    first, second = run(kinds), run(kinds)
    assert any(not torch.equal(a, b) for a, b in zip(first, batch(), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert all(bool(part.isfinite().all()) for part in first)


def test_truth_moves_with_the_image():
    hu, labels, _ = run(replace(NONE, rotation_deg=15, shift_mm=8, scale=0.1))
    assert set(labels.unique().tolist()) == {0.0, 1.0}
    assert hu[labels == 1].mean() > 330
    assert hu[labels == 0].max() < 400


def test_hearts_stay_on_their_side():
    _, labels, _ = run(Augmentation(shift_mm=0))
    columns = torch.arange(48.0)
    centre = (labels.sum(dim=(0, 1, 2)) * columns).sum() / labels.sum()
    assert centre > 24


def logits_for(labels, strength):
    odds = torch.zeros(*labels.shape[:2], 3, *labels.shape[2:])
    for kind in range(3):
        odds[:, :, kind] = strength * (labels == kind)
    return odds


def test_a_right_answer_costs_little_and_a_wrong_one_much():
    hu, labels, distance = batch()
    valid = torch.ones_like(hu)
    right = lesion_loss(logits_for(labels, 8.0), hu, labels, distance, valid, Loss())
    missed = lesion_loss(logits_for(torch.zeros_like(labels), 8.0), hu, labels, distance, valid, Loss())
    assert right < 0.05 < 1 < missed


def test_a_lesion_of_a_few_voxels_weighs_like_the_class_it_is():
    hu, labels, distance = batch()
    labels = torch.zeros_like(labels)
    labels[0, 1, 20, 20] = 1
    hu = torch.where(labels > 0, 400.0, 40.0)
    nothing = torch.zeros(*labels.shape[:2], 3, *labels.shape[2:])
    found = nothing.clone()
    found[0, 1, 1, 20, 20] = 6.0
    loss = Loss(dice=0.0)
    valid = torch.ones_like(hu)
    gain = lesion_loss(nothing, hu, labels, distance, valid, loss) - lesion_loss(
        found, hu, labels, distance, valid, loss
    )
    assert gain > 0.25


@pytest.mark.parametrize("kind", ["cross_entropy", "focal"])
def test_slices_that_are_not_there_teach_nothing(kind):
    hu, labels, distance = batch()
    valid = torch.ones_like(hu)
    valid[:, 1:3] = 0
    logits = logits_for(torch.zeros_like(labels), 4.0).requires_grad_()
    lesion_loss(logits, hu, labels, distance, valid, Loss(kind=kind)).backward()
    assert logits.grad[:, 1:3].abs().max() == 0
    assert logits.grad.isfinite().all()


def test_the_heart_loss_falls_with_overlap():
    labels = torch.zeros(1, 2, 16, 16)
    labels[:, :, 4:12, 4:12] = 1
    odds = torch.stack([-4 * (labels - 0.5), 4 * (labels - 0.5)], dim=2)
    valid = torch.ones_like(labels)
    assert heart_loss(2 * odds, labels, valid, Loss()) < 0.1 < heart_loss(-odds, labels, valid, Loss())


def test_settings_survive_json_and_name_what_is_unknown():
    settings = TrainingSettings(steps=7, loss=Loss(class_weights=(0.2, 0.4, 0.4)))
    assert TrainingSettings.from_dict(settings.to_dict()) == settings
    with pytest.raises(InputError, match="stepz"):
        TrainingSettings.from_dict({"stepz": 7})
    with pytest.raises(InputError, match="steps"):
        TrainingSettings(steps=0)


def test_only_the_hardest_negatives_are_learnt_from():
    entropy = torch.arange(10.0).reshape(1, 10)
    negative = torch.arange(10).reshape(1, 10) >= 4
    kept = hardest(entropy, negative, 0.5)[0]
    assert kept.tolist() == [1, 1, 1, 1, 0, 0, 0, 1, 1, 1]
    assert hardest(entropy, torch.zeros_like(negative), 0.5).min() == 1


def test_half_resolution_loses_no_lesion():
    hu, labels = torch.zeros(1, 2, 8, 8), torch.full((1, 2, 8, 8), 3.0)
    labels[0, 0, 3, 3], labels[0, 1, 6, 1], hu[0, 0, 3, 3] = 1, 2, 400
    labels[..., 6:] = 0
    small = coarsen(hu, labels, torch.ones_like(hu), 2)
    assert small[0].shape == (1, 2, 4, 4) and small[0][0, 0, 1, 1] == 100
    assert small[1][0, 0, 1, 1] == 1 and small[1][0, 1, 3, 0] == 2
    assert small[1][0, 0, 0].tolist() == [3, 3, 3, 0]


def test_a_window_is_the_same_part_of_image_labels_and_distance():
    hu = torch.arange(3 * 2 * 24 * 32, dtype=torch.float32).reshape(3, 2, 24, 32)
    image, labels = cut_window(hu, hu + 0.5, side=16, rng=np.random.default_rng(4))
    assert image.shape == (3, 2, 16, 16)
    torch.testing.assert_close(labels, image + 0.5)
    corners = (image[:, 0, 0, 0] - hu[:, 0, 0, 0]).long()
    assert len(set(corners.tolist())) == 3
    # A window as large as the image or larger is all of it.
    assert torch.equal(cut_window(hu, side=40, rng=np.random.default_rng(4))[0], hu)


def test_a_window_that_the_strides_do_not_divide_is_refused():
    with pytest.raises(InputError, match="window"):
        TrainingSettings(window=100)
    with pytest.raises(InputError, match="multiple of 16"):
        TrainingSettings(window=104, coarsen=2)

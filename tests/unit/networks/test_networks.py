"""The networks keep the shape they promise, use the whole stack, and survive half precision and fusing."""

import copy

import numpy as np
import pytest
import torch

from calcohort.errors import InputError
from calcohort.networks import CLASSES, NAMES, build
from calcohort.networks.blocks import fuse_batch_norms
from calcohort.networks.files import load_model, new_network, save_model
from calcohort.networks.inputs import Inputs, default_inputs
from calcohort.networks.precision import pick_device

SMALL = {"clstm-fast": {"width": 8, "hidden": 4}, "clstm-paper": {}, "unet": {"width": 4}}


@pytest.fixture(autouse=True)
def quiet_torch():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


def settled(module):
    """Statistics of normalisation away from their start, so that fusing has something to get wrong."""
    for layer in module.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.uniform_(-0.3, 0.3)
            layer.running_var.uniform_(0.5, 1.5)
    return module.eval()


@pytest.mark.parametrize("task", CLASSES)
@pytest.mark.parametrize("name", NAMES)
def test_every_network_gives_one_logit_per_class_and_pixel(name, task):
    module = build(name, task, channels=2, **SMALL[name])
    stacks = torch.rand(2, 3, 2, 32, 40)
    assert module(stacks).shape == (2, 3, len(CLASSES[task]), 32, 40)


def test_parameters_are_as_many_as_published_and_few_in_the_fast_one():
    count = {
        name: sum(p.numel() for p in build(name, "lesion", channels=1).parameters()) / 1e6 for name in NAMES
    }
    assert 5 < count["clstm-paper"] < 7
    assert 0.5 < count["clstm-fast"] <= 1.5
    assert 0.5 < count["unet"] <= 1.5


@pytest.mark.parametrize("context", [True, False])
def test_only_the_convlstm_carries_a_slice_to_its_neighbours(context):
    module = settled(build("clstm-fast", "lesion", channels=1, width=8, hidden=4, context=context))
    stack = torch.rand(1, 6, 1, 32, 32)
    changed = stack.clone()
    changed[:, 5] = 0
    with torch.no_grad():
        away = (module(stack) - module(changed))[0, 0].abs().max()
    assert bool(away > 0) is context


def test_the_published_network_sees_three_slices_and_no_more():
    module = settled(build("clstm-paper", "lesion", channels=1))
    stack = torch.rand(1, 5, 1, 32, 32)
    changed = stack.clone()
    changed[:, 4] = 0
    with torch.no_grad():
        away = (module(stack) - module(changed))[0].abs().amax(dim=(1, 2, 3))
    assert torch.equal(away > 0, torch.tensor([False, False, False, True, True]))


def test_the_u_net_sees_one_slice():
    module = settled(build("unet", "lesion", channels=1, width=4))
    stack = torch.rand(1, 3, 1, 32, 32)
    changed = stack.clone()
    changed[:, 2] = 0
    with torch.no_grad():
        assert torch.equal(module(stack)[:, :2], module(changed)[:, :2])


def test_stacks_of_a_batch_do_not_mix():
    module = settled(build("clstm-fast", "heart", channels=2, **SMALL["clstm-fast"]))
    stacks = torch.rand(2, 4, 2, 32, 32)
    with torch.no_grad():
        together, alone = module(stacks)[1], module(stacks[1:])[0]
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_fusing_changes_nothing(name):
    module = settled(build(name, "lesion", channels=1, **SMALL[name]))
    fused = fuse_batch_norms(copy.deepcopy(module))
    stacks = torch.rand(1, 3, 1, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(module(stacks), fused(stacks), rtol=1e-3, atol=1e-4)


def test_a_model_comes_back_from_its_folder_as_half_precision_left_it(tmp_path):
    networks = [
        new_network("clstm-fast", task, default_inputs("clstm-fast", task), SMALL["clstm-fast"])
        for task in ("heart", "lesion")
    ]
    for network in networks:
        settled(network.module)
    save_model(tmp_path, *networks, rules={"coronary_threshold": 0.6}, meta={"name": "tiny"})
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    model = load_model(tmp_path)
    for before, after in zip(networks, (model.heart, model.lesion), strict=True):
        weights = dict(after.module.named_parameters())
        for name, value in before.module.named_parameters():
            assert torch.equal(weights[name], value.half().float())
        assert (before.inputs, before.config, before.name) == (after.inputs, after.config, after.name)
    assert (model.rules, model.meta) == ({"coronary_threshold": 0.6}, {"name": "tiny"})
    save_model(tmp_path, model.heart, model.lesion, model.rules, model.meta)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first


def test_a_model_without_weights_says_what_is_missing(tmp_path):
    with pytest.raises(InputError, match="config.json"):
        load_model(tmp_path)


def test_a_damaged_model_is_one_clear_line(tmp_path):
    (tmp_path / "config.json").write_text('{"heart": {}}')
    with pytest.raises(InputError, match="cannot be read"):
        load_model(tmp_path)


@pytest.mark.parametrize(("name", "task"), [("resnet", "heart"), ("clstm-fast", "liver")])
def test_unknown_networks_and_tasks_are_named(name, task):
    with pytest.raises(InputError, match="unknown"):
        build(name, task, channels=1)


def test_air_is_nothing_and_the_surface_of_the_heart_is_in_the_middle():
    inputs = Inputs(0.9, ((-150.0, 350.0), (-1000.0, 1500.0)), distance=True)
    seen = inputs(torch.full((2, 4, 4), -1000.0), torch.zeros(2, 4, 4))
    assert seen.shape == (2, inputs.channels, 4, 4)
    np.testing.assert_allclose(seen[0, :, 0, 0], [0, 0, 0.5])


def test_a_gpu_that_is_not_there_is_one_line(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device("auto") == pick_device("cpu") == torch.device("cpu")
    with pytest.raises(InputError, match="PyTorch finds no GPU here; use device auto or cpu"):
        pick_device("cuda")

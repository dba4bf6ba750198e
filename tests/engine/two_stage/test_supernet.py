"""The supernet: told to be a sub-network it computes what that network computes, gradients too; nothing is remembered."""

from __future__ import annotations

import copy
import dataclasses
import importlib.util
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.subnets import Architecture, space_named
from engine.subnets.architecture import biggest, smallest
from engine.two_stage.supernet import DynamicSupernet

_spec = importlib.util.spec_from_file_location("sub_networks", Path(__file__).with_name("sub_networks.py"))
sub_networks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(sub_networks)
LAPTOP, SMALLEST, BIGGEST, RANDOM = (
    getattr(sub_networks, name) for name in ("LAPTOP", "SMALLEST", "BIGGEST", "RANDOM")
)


def with_parts(supernet, network):
    """Puts a network's weights at their places in a supernet of other values."""
    supernet.double()
    sub_networks.randomize(supernet, seed=5)
    wide = dict(supernet.named_parameters())
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            wide[name][sub_networks.place(wide[name], parameter)] = parameter


@pytest.mark.parametrize(("space", "parameters", "blocks"), [("attentive-nas", 23_934_704, 37), ("laptop", 144_322, 8)])
def test_size_is_that_of_the_original_code(space, parameters, blocks):
    supernet = DynamicSupernet(space_named(space))

    assert sum(parameter.numel() for parameter in supernet.parameters()) == parameters
    assert sum(len(stage) for stage in supernet.stages) == blocks
    assert not list(supernet.buffers())
    decayed = [parameter for parameter in supernet.parameters() if parameter.ndim > 1]
    if space == "attentive-nas":
        assert (len(decayed), len(list(supernet.parameters())) - len(decayed)) == (198, 271)


@pytest.mark.parametrize(("architecture", "side", "logits", "norm"), sub_networks.ORIGINAL_LOGITS)
def test_logits_are_those_of_the_original_code(architecture, side, logits, norm):
    supernet = DynamicSupernet(architecture.space)
    network = supernet.cut_out(architecture)
    sub_networks.fill(network)
    with_parts(supernet, network)

    with torch.no_grad():
        found = supernet(sub_networks.images(side), architecture)

    assert found[0, :4].tolist() == pytest.approx(logits, rel=1e-6)
    assert float(found.norm()) == pytest.approx(norm, rel=1e-6)


def check_equal_to_its_network(architecture, images):
    """Logits and every gradient of the supernet against those of the network cut out of it."""
    supernet = DynamicSupernet(architecture.space).double()
    sub_networks.randomize(supernet)
    network = supernet.cut_out(architecture)
    direction = torch.randn(len(images), architecture.space.classes, dtype=torch.float64)

    dynamic, static = supernet(images, architecture), network(images)[0]
    (dynamic * direction).sum().backward()
    (static * direction).sum().backward()

    torch.testing.assert_close(dynamic, static, rtol=1e-9, atol=1e-9)
    expected = dict(network.named_parameters())
    for name, parameter in supernet.named_parameters():
        if name not in expected:
            assert parameter.grad is None, name
            continue
        rest = parameter.grad.clone()
        part = sub_networks.place(rest, expected[name])
        torch.testing.assert_close(rest[part], expected[name].grad, rtol=1e-7, atol=1e-8, msg=name)
        rest[part] = 0
        assert not rest.any(), name


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_supernet_is_its_networks(data):
    space = data.draw(sub_networks.spaces() | st.sampled_from((LAPTOP, space_named("laptop-cifar"))))
    architecture = data.draw(sub_networks.architectures(space))
    torch.manual_seed(data.draw(st.integers(0, 9)))
    channels, side = data.draw(st.sampled_from((1, 3))), data.draw(st.sampled_from((8, architecture.resolution)))

    check_equal_to_its_network(architecture, torch.randn(3, channels, side, side, dtype=torch.float64))


@pytest.mark.parametrize("name", ["cifar", "bignas"])
def test_supernet_of_a_published_space_is_its_networks(name):
    space = dataclasses.replace(space_named(name), resolution=(64,))  # for seconds' sake
    values = [coordinate.choices[len(coordinate.choices) // 2] for coordinate in space.coordinates()]
    architecture = Architecture.from_values(space, values)

    check_equal_to_its_network(architecture, torch.randn(2, 3, 32, 32, dtype=torch.float64))


def test_nothing_is_remembered_from_pass_to_pass():
    supernet = DynamicSupernet(LAPTOP).double()
    sub_networks.randomize(supernet)
    images = torch.randn(4, 3, 32, 32, dtype=torch.float64)
    state = copy.deepcopy(supernet.state_dict())

    before = supernet(images, RANDOM)
    supernet(images, BIGGEST, dropout=0.5, drop_connect=0.9, drop_connect_stages="all")
    supernet(images, SMALLEST)

    assert torch.equal(supernet(images, RANDOM), before)
    assert all(torch.equal(tensor, state[name]) for name, tensor in supernet.state_dict().items())


def test_dropout_and_drop_connect_are_those_of_the_network():
    supernet = DynamicSupernet(LAPTOP).double()
    sub_networks.randomize(supernet)
    network = supernet.cut_out(RANDOM)
    rates = network.stages[2][1], network.stages[1][1], network.stages[1][2]
    images = torch.randn(16, 3, 24, 24, dtype=torch.float64)
    network.dropout = 0.3
    for block, rate in zip(rates, (0.6, 0.3, 0.4), strict=True):
        block.drop_connect = rate

    torch.manual_seed(3)
    found = supernet(images, RANDOM, dropout=0.3, drop_connect=0.8)
    torch.manual_seed(3)
    torch.testing.assert_close(found, network(images)[0])


def test_cut_out_network_is_a_copy_and_draws_nothing():
    supernet = DynamicSupernet(LAPTOP).double()
    sub_networks.randomize(supernet)
    before = copy.deepcopy(supernet.state_dict())
    random_state = torch.get_rng_state()

    network = supernet.cut_out(BIGGEST)
    for parameter in network.parameters():
        assert parameter.requires_grad
        assert parameter.dtype == torch.float64
        parameter.data.zero_()

    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(torch.equal(tensor, before[name]) for name, tensor in supernet.state_dict().items())
    statistics = dict(network.named_buffers())
    assert {name.rpartition(".")[2]: float(value.double().sum()) / value.numel() for name, value in statistics.items()} == {
        "running_mean": 0, "running_var": 1, "num_batches_tracked": 0,
    }  # fmt: skip


def test_eval_mode_and_other_spaces_are_refused():
    supernet = DynamicSupernet(LAPTOP.with_classes(7))
    images = torch.randn(2, 3, 32, 32)

    with pytest.raises(ValueError, match="10 classes"):
        supernet(images, BIGGEST)
    with pytest.raises(ValueError, match="10 classes"):
        supernet.cut_out(BIGGEST)
    with pytest.raises(RuntimeError, match="calibrate"):
        supernet.eval()(images, biggest(supernet.space))


def test_order_of_memory_changes_no_number():
    supernet = DynamicSupernet(LAPTOP).double()
    sub_networks.randomize(supernet)
    images = torch.randn(3, 1, 8, 8, dtype=torch.float64)
    results = []
    for channels_last in (False, True):
        supernet.order_memory(channels_last)
        supernet.zero_grad()
        for architecture in (SMALLEST, RANDOM, BIGGEST):
            supernet(images, architecture).square().sum().backward()
        results.append([parameter.grad.clone() for parameter in supernet.parameters() if parameter.grad is not None])

    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)


def test_every_weight_but_idle_shortcuts_learns_from_the_biggest_network():
    supernet = DynamicSupernet(LAPTOP)
    sub_networks.unit_scales(supernet)

    supernet(torch.randn(4, 3, 32, 32), BIGGEST).square().sum().backward()

    idle = {name for name, parameter in supernet.named_parameters() if parameter.grad is None}
    changing = {"stages.1.0", "stages.2.0"}  # 16 to 24 and 24 to 40 channels
    blocks = {f"stages.{stage}.{place}" for stage, depth in enumerate((2, 3, 3)) for place in range(depth)}
    assert idle == {f"{block}.shortcut.weight" for block in blocks - changing}


def test_smallest_network_is_the_first_block_of_each_stage():
    supernet = DynamicSupernet(LAPTOP)
    sub_networks.unit_scales(supernet)

    supernet(torch.randn(4, 3, 20, 20), smallest(LAPTOP)).square().sum().backward()

    learning = {name.rsplit(".", 2)[0] for name, parameter in supernet.named_parameters() if parameter.grad is not None}
    assert {".".join(name.split(".")[:3]) for name in learning if name.startswith("stages")} == {
        "stages.0.0", "stages.1.0", "stages.2.0",
    }  # fmt: skip

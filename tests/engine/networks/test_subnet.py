"""The network of one sub-network: numbers of the original code, sizes in closed form, drop connect, other forms of it."""

from __future__ import annotations

import importlib.util
import random
from collections import Counter
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from engine.cost.subnets import subnet_cost, subnet_macs
from engine.networks.mbconv import MBConv, block_shapes, drop_connect_rates, pool_shortcut
from engine.networks.subnet import SubnetNetwork
from engine.subnets import Architecture, space_named
from engine.subnets import sample as drawing
from engine.subnets.architecture import biggest, smallest

_spec = importlib.util.spec_from_file_location(
    "sub_networks", Path(__file__).parents[1] / "two_stage" / "sub_networks.py"
)
sub_networks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(sub_networks)
LAPTOP, SMALLEST, BIGGEST, RANDOM = (
    getattr(sub_networks, name) for name in ("LAPTOP", "SMALLEST", "BIGGEST", "RANDOM")
)
SMALL = space_named("laptop-cifar")


# -- what it computes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("architecture", "side", "logits", "norm"), sub_networks.ORIGINAL_LOGITS)
def test_logits_are_those_of_the_original_code(architecture, side, logits, norm):
    network = SubnetNetwork(architecture)
    sub_networks.fill(network)

    with torch.no_grad():
        found, auxiliary = network.train()(sub_networks.images(side))

    assert auxiliary is None
    assert found[0, :4].tolist() == pytest.approx(logits, rel=1e-6)
    assert float(found.norm()) == pytest.approx(norm, rel=1e-6)


def test_gray_images_are_repeated_and_one_image_is_enough_to_evaluate():
    network = SubnetNetwork(RANDOM).eval()
    gray = torch.randn(1, 1, 13, 13)

    logits, _ = network(gray)

    assert logits.shape == (1, 10)
    torch.testing.assert_close(logits, network(gray.repeat(1, 3, 1, 1))[0])


@given(side=st.integers(2, 23), other=st.integers(2, 23), stride=st.integers(1, 4))
def test_pooled_shortcut_fits_the_branch_and_averages(side, other, stride):
    x = torch.arange(1.0, side * other + 1).view(1, 1, side, other)

    found = pool_shortcut(x, stride)

    branch = nn.Conv2d(1, 1, 3, stride, padding=1)(x)
    assert found.shape == branch.shape
    if side % stride == other % stride == 0:  # tiles, each the mean of its pixels
        assert float(found.mean()) == pytest.approx(float(x.mean()))
    elif stride == 2 and side % 2 and other % 2:  # a border of zeros that count, cut at the far side
        assert float(found[0, 0, 0, 0]) == 0.25
        assert float(found[0, 0, -1, -1]) == pytest.approx(float(x[..., -2:, -2:].mean()))


# -- its size ---------------------------------------------------------------------------------------------------------


def counted(network, side):
    """Multiply-adds of one image as the layers see it."""
    macs = Counter()

    def see(layer, inputs, output):
        pixels = output.shape[2] * output.shape[3] if output.ndim == 4 else 1
        macs["all"] += layer.weight.numel() * pixels

    hooks = [
        layer.register_forward_hook(see) for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)
    ]
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, side, side))
    for hook in hooks:
        hook.remove()
    return macs["all"]


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_cost_is_that_of_the_layers(data):
    space = data.draw(sub_networks.spaces() | st.sampled_from((LAPTOP, SMALL)))
    architecture = data.draw(sub_networks.architectures(space))
    network = SubnetNetwork(architecture)

    cost = subnet_cost(architecture)

    assert sum(parameter.numel() for parameter in network.parameters()) == cost.parameters
    assert counted(network, architecture.resolution) == cost.macs == subnet_macs(architecture)


@pytest.mark.parametrize("name", ["attentive-nas", "bignas", "cifar"])
def test_cost_is_that_of_the_layers_at_the_papers_size(name):
    space, rng = space_named(name), random.Random(4)
    for architecture in (smallest(space), biggest(space), drawing.uniform(space, rng)):
        with torch.device("meta"):
            network = SubnetNetwork(architecture)
            sizes = [parameter.numel() for parameter in network.parameters()]
            assert sum(sizes) == subnet_cost(architecture).parameters


def test_no_layer_is_idle():
    network = SubnetNetwork(RANDOM)
    network(torch.randn(4, 3, 24, 24))[0].sum().backward()

    assert all(parameter.grad is not None for parameter in network.parameters())
    equal = [block for block in network.modules() if isinstance(block, MBConv) and block.shortcut is None]
    assert len(equal) == 6  # the first blocks of mb1 and mb2, from 16 to 16 channels, only pool
    assert not any(isinstance(module, nn.Identity) for module in network.modules())


# -- drop connect and dropout -----------------------------------------------------------------------------------------


def test_drop_connect_grows_over_the_blocks_of_the_biggest_network():
    space = space_named("attentive-nas")

    late, every = drop_connect_rates(space, 0.2, "last-two"), drop_connect_rates(space, 0.2, "all")

    assert len(every) == 37
    assert every == pytest.approx([0.2 * place / 37 for place in range(37)])
    assert late[:27] == [0] * 27
    assert late[27:] == every[27:]
    assert late[27] == pytest.approx(0.14595, abs=5e-6)
    assert late[36] == pytest.approx(0.19459, abs=5e-6)


def test_blocks_are_counted_as_in_the_biggest_network():
    space = space_named("attentive-nas")
    shapes = block_shapes(smallest(space))

    assert [stage[0].place for stage in shapes] == [0, 2, 7, 13, 19, 27, 35]
    network = SubnetNetwork(RANDOM, drop_connect=0.8, drop_connect_stages="last-two")
    rates = [[block.drop_connect for block in stage] for stage in network.stages]
    # Eight blocks: two in mb1, three in mb2 and mb3. The first of each stage changes the shape.
    assert rates == [[0, 0], [0, pytest.approx(0.3), pytest.approx(0.4)], [0, pytest.approx(0.6)]]


def test_drop_connect_takes_whole_branches_of_single_images_and_keeps_the_mean():
    shape = block_shapes(RANDOM)[1][1]
    block = MBConv(shape, drop_connect=0.4).double()
    sub_networks.randomize(block)
    x = torch.randn(4000, 16, 2, 2, dtype=torch.float64)

    with torch.no_grad():
        dropped = block.train()(x) - x
        block.drop_connect = 0.0
        branch = block(x) - x

    kept = dropped.flatten(1).norm(dim=1) > 0
    assert float(kept.double().mean()) == pytest.approx(0.6, abs=0.04)
    torch.testing.assert_close(dropped[kept], branch[kept] / 0.6)
    assert torch.equal(dropped[~kept], torch.zeros_like(dropped[~kept]))


def test_dropout_stands_before_the_classifier_and_only_in_training():
    network = SubnetNetwork(SMALLEST, dropout=0.5, drop_connect=0.9, drop_connect_stages="all")
    plain = SubnetNetwork(SMALLEST)
    plain.load_state_dict(network.state_dict())
    seen = []
    network.classifier.register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[0].detach()))
    images = torch.randn(64, 3, 20, 20)

    torch.testing.assert_close(network.eval()(images)[0], plain.eval()(images)[0])
    network.train()(images)

    assert float((seen[0] == 0).double().mean()) < 0.1
    assert float((seen[1] == 0).double().mean()) == pytest.approx(0.5, abs=0.05)


# -- how it begins ----------------------------------------------------------------------------------------------------


def test_he_fan_out_has_the_variance_of_its_fan_out():
    network = SubnetNetwork(biggest(space_named("cifar")), initialization="he-fan-out")
    standardized = []
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            deviation = (2 / (layer.kernel_size[0] ** 2 * layer.out_channels)) ** 0.5
            standardized.append(layer.weight.detach().flatten() / deviation)
            assert layer.bias is None or not layer.bias.any()
    largest = sorted(standardized, key=len)[-12:]

    assert all(float(weights.std()) == pytest.approx(1, abs=0.05) for weights in largest)
    assert all(float(weights.mean()) == pytest.approx(0, abs=0.05) for weights in largest)
    together = torch.cat(standardized)
    assert float(together.pow(4).mean()) == pytest.approx(3, abs=0.1)  # as of a normal distribution


def test_blocks_begin_as_their_shortcuts():
    torch.manual_seed(1)
    first, second = SubnetNetwork(BIGGEST), SubnetNetwork(BIGGEST, zero_gamma=False)
    x = torch.randn(3, 40, 4, 4)

    assert torch.equal(first.stages[2][1](x), x)
    assert not torch.allclose(second.stages[2][1](x), x)
    assert [bool(block.project.norm.weight.any()) for block in first.modules() if isinstance(block, MBConv)] == [
        False
    ] * 8


# -- other forms ------------------------------------------------------------------------------------------------------


def test_order_of_memory_changes_no_number():
    network = SubnetNetwork(RANDOM).double()
    sub_networks.randomize(network)
    images = torch.randn(3, 1, 8, 8, dtype=torch.float64)

    results = []
    for channels_last in (False, True):
        network.order_memory(channels_last)
        network.zero_grad()
        logits, _ = network(images)
        logits.square().sum().backward()
        results.append([logits.detach(), *(parameter.grad.clone() for parameter in network.parameters())])

    assert network.stem.convolution.weight.is_contiguous(memory_format=torch.channels_last)
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)


def test_exported_program_computes_the_same():
    network = SubnetNetwork(RANDOM).eval()
    images = torch.randn(2, 3, 32, 32)

    program = torch.export.export(
        network, (images,), dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1, max=64)}}
    )

    torch.testing.assert_close(program.module()(images)[0], network(images)[0])
    assert program.module()(images[:1])[0].shape == (1, 10)


def test_architecture_of_other_classes_has_that_many_logits():
    architecture = Architecture.from_values(LAPTOP.with_classes(7), RANDOM.values())

    assert SubnetNetwork(architecture).eval()(torch.zeros(2, 3, 24, 24))[0].shape == (2, 7)

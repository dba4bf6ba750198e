"""Operations against the original code's numbers, and the errors of those that cannot be built."""

import sys
import types

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from engine.errors import ConfigError, GenotypeError
from engine.genotype import primitives as declared
from engine.genotype.primitives import DARTS_PRIMITIVES, PrimitiveDeclaration
from engine.primitives import FactorizedReduce, ReLUConvBN, build_primitive

BUILT = (*DARTS_PRIMITIVES, "sep_conv_7x7", "conv_7x1_1x7")
POOLS = ("max_pool_3x3", "avg_pool_3x3")


@pytest.fixture
def register(monkeypatch):
    """Registers primitives for one test."""
    known = dict(declared._registry())
    monkeypatch.setattr(declared, "_registry", lambda: known)
    return declared.register


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", BUILT)
def test_primitive_equals_the_original(name, stride, goldens, golden_fill, golden_input, assert_golden):
    operation = build_primitive(name, 4, stride, affine=False, pool_norm=False)
    golden_fill(operation)

    found = operation(golden_input(2, 4, 8, 8))

    assert_golden(found, goldens["layers"][f"{name}/s{stride}"])


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", POOLS)
def test_pool_of_the_search_equals_the_original(name, stride, goldens, golden_fill, golden_input, assert_golden):
    operation = build_primitive(name, 4, stride, affine=False, pool_norm=True)
    golden_fill(operation)

    found = operation(golden_input(2, 4, 8, 8))

    assert_golden(found, goldens["layers"][f"{name}+bn/s{stride}"])


@pytest.mark.parametrize(
    ("layer", "golden"), [(ReLUConvBN, "relu_conv1x1_bn"), (FactorizedReduce, "factorized_reduce")]
)
def test_preprocess_equals_the_original(layer, golden, goldens, golden_fill, golden_input, assert_golden):
    operation = layer(4, 8, affine=False)
    golden_fill(operation)

    found = operation(golden_input(2, 4, 8, 8))

    assert_golden(found, goldens["layers"][f"preprocess {golden} 4->8"])


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", BUILT)
def test_batch_norms_are_affine_as_asked_and_convolutions_have_no_bias(name, stride, affine):
    operation = build_primitive(name, 4, stride, affine=affine, pool_norm=not affine)

    norms = [layer for layer in operation.modules() if isinstance(layer, nn.BatchNorm2d)]
    convolutions = [layer for layer in operation.modules() if isinstance(layer, nn.Conv2d)]
    assert all(norm.affine is affine for norm in norms)
    assert all(convolution.bias is None for convolution in convolutions)
    assert bool(norms) is (name not in ("none", "skip_connect", *POOLS) or (name == "skip_connect" and stride == 2)
                           or (name in POOLS and not affine))  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(BUILT),
    stride=st.sampled_from([1, 2]),
    half_channels=st.integers(1, 3),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
)
def test_any_size_keeps_channels_and_rounds_up(name, stride, half_channels, height, width):
    operation = build_primitive(name, 2 * half_channels, stride, affine=True, pool_norm=True).eval()
    x = torch.randn(2, 2 * half_channels, height, width)

    found = operation(x)

    assert found.shape == (2, 2 * half_channels, -(-height // stride), -(-width // stride))
    assert torch.isfinite(found).all()


def test_odd_factorized_reduce_reads_the_shifted_pixels_and_zeros_beyond_the_border():
    reduce = FactorizedReduce(1, 2, affine=False).eval()
    nn.init.ones_(reduce.conv1.weight)
    nn.init.ones_(reduce.conv2.weight)
    x = torch.arange(1.0, 16.0).view(1, 1, 3, 5)

    found = reduce(x)

    expected = torch.tensor([[[1.0, 3, 5], [11, 13, 15]], [[7.0, 9, 0], [0, 0, 0]]])
    torch.testing.assert_close(found[0], expected / (1 + 1e-5) ** 0.5)


def test_none_stops_what_is_not_finite():
    operation = build_primitive("none", 2, 2, affine=False, pool_norm=True)

    found = operation(torch.full((1, 2, 4, 4), float("nan")))

    assert torch.equal(found, torch.zeros(1, 2, 2, 2))


def test_odd_channels_of_a_factorized_reduce_are_refused():
    with pytest.raises(ConfigError, match=r"cannot give 3 channels.*even"):
        build_primitive("skip_connect", 3, 2, affine=True, pool_norm=False)


def test_unregistered_primitive_is_named_with_the_way_to_register_it():
    with pytest.raises(GenotypeError, match=r"«sep_conv_9x9».*Did you mean sep_conv.*nascope\.primitives"):
        build_primitive("sep_conv_9x9", 4, 1, affine=True, pool_norm=False)


def scaled(channels, stride, affine):
    return nn.Sequential(nn.AvgPool2d(stride), nn.BatchNorm2d(channels, affine=affine))


def no_module(channels, stride, affine):
    return None


def breaks(channels, stride, affine):
    raise RuntimeError("out of ideas")


def test_custom_primitive_is_built_by_its_own_function(register, monkeypatch):
    monkeypatch.setitem(sys.modules, "users_package", types.ModuleType("users_package"))
    sys.modules["users_package"].scaled = scaled
    register(PrimitiveDeclaration("scaled", "scaled", "other", "custom", builder="users_package:scaled"))

    operation = build_primitive("scaled", 4, 2, affine=True, pool_norm=False)

    assert operation(torch.ones(1, 4, 6, 6)).shape == (1, 4, 3, 3)
    assert operation[1].affine


@pytest.mark.parametrize(
    ("builder", "sentence"),
    [
        (None, "its builder is None"),
        ("users_package", "its builder is 'users_package'"),
        ("no_such_package:build", "cannot be imported .*no_such_package"),
        ("math:no_such_function", "cannot be imported .*no_such_function"),
        ("math:pi", "is no function"),
        ("users_package:no_module", "gave NoneType"),
        ("users_package:breaks", "stopped with RuntimeError: out of ideas"),
        ("math:sqrt", "stopped with TypeError"),
    ],
)
def test_bad_builder_is_named(builder, sentence, register, monkeypatch):
    module = types.ModuleType("users_package")
    module.no_module, module.breaks = no_module, breaks
    monkeypatch.setitem(sys.modules, "users_package", module)
    register(PrimitiveDeclaration("odd_one", "odd", "other", "custom", builder=builder))

    with pytest.raises(GenotypeError, match=f"primitive «odd_one»: .*{sentence}"):
        build_primitive("odd_one", 4, 1, affine=True, pool_norm=False)


def test_a_factorized_reduce_of_few_channels_survives_channels_last():
    """torch 2.14.1 corrupts its heap in the backward pass of such a 1×1 convolution of stride 2 on processors."""
    reduce = FactorizedReduce(8, 8, affine=True)

    for _ in range(8):
        images = torch.randn(16, 8, 64, 64).contiguous(memory_format=torch.channels_last).requires_grad_()
        reduce(images).sum().backward()

    assert images.grad.isfinite().all()

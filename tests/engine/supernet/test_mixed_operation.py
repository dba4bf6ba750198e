"""The mixed operation, on all channels and on a part of them."""

import pytest
import torch

from engine.errors import ConfigError, GenotypeError
from engine.genotype.primitives import DARTS_PRIMITIVES
from engine.supernet.partial import MixedOperation, shuffle_channels


def golden_weights():
    return torch.softmax(0.1 * torch.sin(0.5 * torch.arange(8, dtype=torch.float64)), dim=0)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(
    ("golden", "channels", "parts"),
    [("mixed_op_darts_C4", 4, 1), ("mixed_op_pc_K4_C16", 16, 4), ("mixed_op_pc_K2_C16", 16, 2)],
)
def test_mixed_operation_equals_the_original(
    golden, channels, parts, stride, goldens, golden_fill, golden_input, assert_golden
):
    mixed = MixedOperation(channels, stride, DARTS_PRIMITIVES, parts=parts)
    golden_fill(mixed)

    found = mixed(golden_input(2, channels, 8, 8), golden_weights())

    assert_golden(found, goldens[golden][f"mixed/s{stride}"])


@pytest.mark.parametrize(
    ("channels", "groups", "first"),
    [(8, 4, [0, 2, 4, 6, 1, 3, 5, 7]), (16, 4, [0, 4, 8, 12, 1, 5]), (16, 2, [0, 8, 1, 9, 2])],
)
def test_shuffle_deals_the_channels_as_the_original(channels, groups, first):
    x = torch.arange(float(channels)).view(1, channels, 1, 1)

    found = shuffle_channels(x, groups).flatten().tolist()

    assert found[: len(first)] == first
    assert sorted(found) == list(range(channels))


@pytest.mark.parametrize("stride", [1, 2])
def test_channels_that_pass_by_are_only_pooled(stride):
    mixed = MixedOperation(8, stride, ("none", "skip_connect", "max_pool_3x3"), parts=4)
    x = torch.randn(2, 8, 7, 5)

    found = mixed(x, torch.zeros(3))

    pooled = torch.nn.functional.max_pool2d(x, 2, 2, ceil_mode=True) if stride == 2 else x
    torch.testing.assert_close(found[:, 1::4], pooled[:, 2:4])  # part 1 of 4 comes second in each group
    assert not found[:, 0::4].any()  # the mixed part, with weights of zero


def test_none_takes_part_with_its_weight_and_nothing_else():
    x = torch.randn(2, 4, 6, 6)
    with_none = MixedOperation(4, 1, ("none", "skip_connect"))

    assert torch.equal(with_none(x, torch.tensor([0.75, 0.25])), 0.25 * x)
    assert torch.equal(MixedOperation(4, 2, ("none",))(x, torch.ones(1)), torch.zeros(2, 4, 3, 3))


def test_parts_that_do_not_divide_the_channels_are_refused():
    with pytest.raises(ConfigError, match=r"6 channels cannot be cut into 4 equal parts"):
        MixedOperation(6, 1, DARTS_PRIMITIVES, parts=4)


@pytest.mark.parametrize("name", ["forward", "conv1.5"])
def test_names_that_no_module_can_have_are_refused(name):
    with pytest.raises(GenotypeError, match=r"cannot name a part of a network"):
        MixedOperation(4, 1, (name,))

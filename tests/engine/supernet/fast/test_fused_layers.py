"""Each fused layer against its plain form: the edges one by one, as the textbook has them."""

import copy

import pytest
import torch
from torch import nn

from engine.genotype.primitives import DARTS_PRIMITIVES
from engine.primitives import FactorizedReduce
from engine.supernet.fast.layout import repeat_channels, sum_repeats
from engine.supernet.fast.maps import spread_maps
from engine.supernet.fast.normalization import EdgesNorm, normalize
from engine.supernet.fast.outgoing import Outgoing
from engine.supernet.fast.reduce import EdgesReduce
from engine.supernet.partial import MixedOperation

EQUAL = 1e-12
ORDERS = {"channels_last": torch.channels_last, "channels_first": torch.contiguous_format}
SIZES = [(8, 8), (7, 9), (4, 6), (5, 3)]
PRIMITIVES = {
    **{name: (name,) for name in (*DARTS_PRIMITIVES[1:], "sep_conv_7x7", "thin_conv", "thrice_conv", "tanh_conv")},
    "darts": DARTS_PRIMITIVES,
    "convolutions": ("sep_conv_5x5", "dil_conv_5x5", "thin_conv", "sep_conv_3x3"),
    "three_ways": ("tanh_conv", "none", "sep_conv_3x3", "skip_connect"),
}


def images(*shape, order="channels_last"):
    return torch.randn(*shape, dtype=torch.float64).contiguous(memory_format=ORDERS[order])


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("edges", [1, 3])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("primitives", PRIMITIVES)
def test_outgoing_equals_the_mixed_operations(primitives, stride, edges, order, assert_close):
    for seed, size in enumerate(SIZES):
        torch.manual_seed(seed)
        mixed = [MixedOperation(2, stride, PRIMITIVES[primitives]).double() for _ in range(edges)]
        outgoing = Outgoing(copy.deepcopy(mixed), together=2)  # with three edges a group of two and a single one
        x = images(3, 2, *size, order=order).requires_grad_()
        weights = torch.randn(edges, len(PRIMITIVES[primitives]), dtype=torch.float64, requires_grad=True)
        expected = [operation(x, row) for operation, row in zip(mixed, weights, strict=True)]
        along = [images(*part.shape, order=order) for part in expected]

        found = [sum(terms) for terms in outgoing(x, weights)]

        names = [f"edge {edge}" for edge in range(edges)]
        assert_close(dict(zip(names, found, strict=True)), dict(zip(names, expected, strict=True)), EQUAL)
        assert_close(
            gradients(found, along, x, weights, own_weights(outgoing, names)),
            gradients(expected, along, x, weights, {
                f"{name}.{key}": weight
                for name, operation in zip(names, mixed, strict=True)
                for key, weight in operation.named_parameters()
            }),
            10 * EQUAL,
        )  # fmt: skip


def test_edges_without_anything_give_zeros_of_the_right_size():
    for stride in (1, 2):
        mixed = [MixedOperation(2, stride, ("none",)) for _ in range(2)]
        x = torch.randn(1, 2, 5, 4)

        found = [sum(terms) for terms in Outgoing(mixed, together=2)(x, torch.ones(2, 1))]

        assert [part.tolist() for part in found] == [operation(x, torch.ones(1)).tolist() for operation in mixed]


def own_weights(outgoing, names):
    """Each parameter of a fused layer under the name of each edge that it serves."""
    return {name: place for name, place in outgoing.places(names) if isinstance(place.tensor, nn.Parameter)}


def gradients(outputs, along, x, weights, named):
    """By name; ``named``: parameters, or places in them."""
    tensors = {name: getattr(entry, "tensor", entry) for name, entry in named.items()}
    different = list({id(tensor): tensor for tensor in tensors.values()}.values())
    of_x, of_weights, *others = torch.autograd.grad(outputs, [x, weights, *different], along)
    by_id = {id(tensor): gradient for tensor, gradient in zip(different, others, strict=True)}
    found = {"x": of_x, "weights": of_weights}
    for name in sorted(named):
        gradient = by_id[id(tensors[name])]
        found[name] = named[name].rows_of(gradient) if hasattr(named[name], "rows_of") else gradient
    return found


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [(8, 8), (7, 8), (8, 7), (5, 3), (1, 1)])
@pytest.mark.parametrize("edges", [1, 3])
def test_factorized_reduces_side_by_side(edges, size, order, assert_close):
    torch.manual_seed(0)
    modules = [FactorizedReduce(4, 4, affine=False).double() for _ in range(edges)]
    fused = EdgesReduce(copy.deepcopy(modules)).double()
    x = images(3, 4, *size, order=order).requires_grad_()
    alphas = torch.randn(edges, dtype=torch.float64, requires_grad=True)
    expected = torch.cat([alpha * module(x) for alpha, module in zip(alphas, modules, strict=True)], dim=1)
    along = images(*expected.shape, order=order)

    found = fused(x.relu(), alphas)

    assert_close({"images": found}, {"images": expected}, EQUAL)
    names = ("x", "alphas", "conv1", "conv2")
    own = torch.autograd.grad(found, [x, alphas, fused.conv1, fused.conv2], along)
    of_x, of_alphas, *parts = torch.autograd.grad(
        expected, [x, alphas, *(m.conv1.weight for m in modules), *(m.conv2.weight for m in modules)], along
    )
    theirs = (of_x, of_alphas, torch.cat(parts[:edges]), torch.cat(parts[edges:]))
    assert_close(dict(zip(names, own, strict=True)), dict(zip(names, theirs, strict=True)), EQUAL)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 1, 4, 4), (2, 3, 1, 1), (1, 4, 1, 6)])
@pytest.mark.parametrize("edges", [1, 4])
@pytest.mark.parametrize("count", [1, 3])
def test_maps_are_spread_by_weights(count, edges, shape, order, assert_close):
    torch.manual_seed(0)
    # Of whatever memory order: the first is what all are brought to.
    maps = [images(*shape, order=order if number % 2 == 0 else "channels_first") for number in range(count)]
    maps = [image.requires_grad_() for image in maps]
    weights = torch.randn(edges, count, dtype=torch.float64, requires_grad=True)
    expected = torch.einsum("er,rnchw->enchw", weights, torch.stack(maps))
    along = torch.randn_like(expected)

    found = spread_maps(maps, weights)

    assert_close({"images": torch.stack(found)}, {"images": expected}, EQUAL)
    names = ["weights", *(f"map {number}" for number in range(count))]
    own = torch.autograd.grad(found, [weights, *maps], list(along))
    theirs = torch.autograd.grad(expected, [weights, *maps], along)
    assert_close(dict(zip(names, own, strict=True)), dict(zip(names, theirs, strict=True)), EQUAL)


def test_maps_of_part_of_an_image_are_read_where_they_lie():
    """A slice starts in the middle of its memory."""
    whole = images(2, 4, 3, 3, order="channels_first")
    part = whole[1:]
    assert part.storage_offset() > 0

    (found,) = spread_maps([part], torch.full((1, 1), 2.0, dtype=torch.float64))

    assert torch.equal(found, 2 * part)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("times", [1, 3])
def test_repeated_channels_and_their_sum(times, order):
    x = images(2, 3, 4, 5, order=order)

    wide = repeat_channels(x, times)

    assert torch.equal(wide, x.repeat(1, times, 1, 1))
    assert wide.is_contiguous(memory_format=ORDERS[order])
    torch.testing.assert_close(sum_repeats(wide, times), times * x)
    y = images(2, 3 * times, 4, 5, order=order)
    torch.testing.assert_close(sum_repeats(y, times), sum(y.split(3, dim=1)))


@pytest.mark.parametrize("mode", ["train", "still", "eval", "eval and still"])
@pytest.mark.parametrize("momentum", [0.1, 1.0, 0.0, None])
@pytest.mark.parametrize("order", ORDERS)
def test_batch_norms_side_by_side(order, momentum, mode, assert_close):
    torch.manual_seed(0)
    plain = [nn.BatchNorm2d(2, momentum=momentum, affine=False).double() for _ in range(3)]
    for norm in plain:
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    norm = EdgesNorm(plain).double()
    for module in (norm, *plain):
        module.train(mode in ("train", "still"))
        module.track_running_stats = mode in ("train", "eval")
    scale = torch.randn(6, dtype=torch.float64)
    for _ in range(3):
        x = 2 + 3 * images(4, 6, 3, 5, order=order)
        expected = torch.cat([module(part) for module, part in zip(plain, x.split(2, dim=1), strict=True)], dim=1)
        if mode == "train":
            norm.num_batches_tracked += 1  # the supernet's business

        found = normalize(x, norm, scale)[0]

        assert_close({"images": found}, {"images": expected * scale.view(1, -1, 1, 1)}, EQUAL)
        for name in ("running_mean", "running_var"):
            assert_close(
                {name: getattr(norm, name)}, {name: torch.cat([getattr(module, name) for module in plain])}, EQUAL
            )
        assert [int(module.num_batches_tracked) for module in plain] == 3 * [int(norm.num_batches_tracked)]

"""The fast supernet computes the numbers of the textbook's: logits, loss, gradients, running statistics."""

import copy

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from engine.genotype.discretize import edge_list
from engine.genotype.primitives import DARTS_PRIMITIVES
from engine.supernet import CellWeights

EQUAL = 1e-11
"""Relative error in float64. A fault is far above, rounding far below."""

OTHERS = ("sep_conv_7x7", "conv_7x1_1x7", "tanh_conv", "plain_average", "thin_conv", "thrice_conv", "max_pool_5x3")

FIXED = {
    "darts": {"primitives": DARTS_PRIMITIVES},
    "darts_edge_by_edge": {"primitives": DARTS_PRIMITIVES, "edges_together": [1, 1, 1]},
    "darts_two_edges": {"primitives": DARTS_PRIMITIVES, "edges_together": [2, 1, 3], "size": (9, 7)},
    "darts_channels_first": {"primitives": DARTS_PRIMITIVES, "channels_last": False},
    "pc_darts": {
        "primitives": DARTS_PRIMITIVES, "channels": 8, "partial_channels": 4, "edge_normalization": True,
    },
    "pc_darts_odd_channels_first": {
        "primitives": DARTS_PRIMITIVES, "channels": 4, "partial_channels": 2, "edge_normalization": True,
        "channels_last": False, "size": (7, 9),
    },
    "imagenet_stem": {"primitives": DARTS_PRIMITIVES, "network": "imagenet", "size": (64, 64), "nodes": 2},
    "imagenet_stem_pc_darts": {
        "primitives": DARTS_PRIMITIVES, "network": "imagenet", "channels": 8, "partial_channels": 2,
        "edge_normalization": True, "size": (72, 60), "channels_last": False,
    },
    "one_channel_mixed": {"primitives": DARTS_PRIMITIVES, "channels": 4, "partial_channels": 4, "nodes": 2},
    "every_other_way": {"primitives": OTHERS, "nodes": 3, "edges_together": [2, 2, 2]},
    "two_identities": {"primitives": ("second_skip", "sep_conv_3x3", "skip_connect"), "nodes": 2},
    "one_node": {"primitives": ("none", "sep_conv_5x5", "skip_connect", "tanh_conv"), "nodes": 1},
    "no_weights_at_all": {"primitives": ("none", "avg_pool_3x3", "max_pool_3x3"), "nodes": 3},
    "one_primitive": {"primitives": ("dil_conv_5x5",), "nodes": 2, "size": (10, 8)},
    "nothing_at_all": {"primitives": ("none",), "nodes": 2},
}  # fmt: skip


def same_in_both(setting, pair, measure, assert_close, statistics):
    both = pair(**setting)
    found, expected = (measure(supernet, both.images, both.labels) for supernet in (both.fast, both.reference))
    assert_close(found, expected, EQUAL)
    (running, counters), (expected_running, expected_counters) = statistics(both.fast), statistics(both.reference)
    assert_close(running, expected_running, EQUAL)
    assert counters == expected_counters


@pytest.mark.parametrize("name", FIXED)
def test_everything_equals_the_textbook(name, pair, measure, assert_close, statistics):
    same_in_both(FIXED[name], pair, measure, assert_close, statistics)


@settings(max_examples=20, deadline=None)
@given(
    primitives=st.lists(st.sampled_from((*DARTS_PRIMITIVES, *OTHERS)), min_size=2, max_size=6, unique=True).filter(
        # Alone, max pools make plateaus, and of equal values any may be called the largest.
        lambda names: not set(names) <= {"none", "max_pool_3x3", "max_pool_5x3"}
    ),
    parts=st.sampled_from([1, 2, 4]),
    multiple=st.integers(1, 3),
    layers=st.integers(1, 3),
    nodes=st.integers(1, 5),
    edge_normalization=st.booleans(),
    height=st.integers(8, 11),
    width=st.integers(8, 11),
    channels_last=st.booleans(),
    together=st.sampled_from([None, 1, 2]),
    image_channels=st.sampled_from([1, 3]),
    network=st.sampled_from(["cifar", "imagenet"]),
    seed=st.integers(0, 1000),
)
def test_any_supernet_equals_the_textbook(
    pair, measure, assert_close, statistics,
    primitives, parts, multiple, layers, nodes, edge_normalization, height, width, channels_last, together,
    image_channels, network, seed,
):  # fmt: skip
    assume(parts * multiple > 1)  # A factorized reduce of one channel is refused.
    setting = {
        "primitives": primitives, "channels": parts * multiple, "partial_channels": parts, "layers": layers,
        "nodes": nodes, "edge_normalization": edge_normalization, "network": network,
        "size": (8 * height, 8 * width) if network == "imagenet" else (height, width),
        "channels_last": channels_last, "edges_together": None if together is None else [together] * layers,
        "image_channels": image_channels, "seed": seed,
    }  # fmt: skip
    same_in_both(setting, pair, measure, assert_close, statistics)


def test_comparison_sees_a_small_fault(pair, measure, assert_close):
    """Of one weight in tens of thousands, by one part in a billion."""
    both = pair()
    expected = measure(both.reference, both.images, both.labels)
    with torch.no_grad():
        dict(both.fast.state_dict())["cells.0.edges.13.sep_conv_5x5.pw1.weight"][0, 0] *= 1 + 1e-9

    with pytest.raises(AssertionError):
        assert_close(measure(both.fast, both.images, both.labels), expected, EQUAL)


@pytest.mark.parametrize("partial_channels", [1, 2])
def test_weights_and_alphas_are_drawn_alike(partial_channels, pair):
    reference, fast = pair(partial_channels=partial_channels, edge_normalization=True)

    drawn = fast.state_dict() | fast.arch_state()
    expected = reference.state_dict() | reference.arch_state()

    assert list(drawn) == list(expected)
    assert all(torch.equal(drawn[name], expected[name]) for name in expected)


# -- running statistics -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("momentum", [0.1, 0.7, None])
def test_running_statistics_move_alike(momentum, pair, assert_close, statistics, batch_norms):
    """None: the cumulative mean, with which statistics are measured anew."""
    both = pair(primitives=(*DARTS_PRIMITIVES, "tanh_conv", "conv_7x1_1x7"), nodes=2)
    for supernet in both:
        for norm in batch_norms(supernet):
            norm.momentum = momentum
        for _ in range(3):
            supernet(torch.randn(4, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(5)))

    (running, counters), (expected, expected_counters) = statistics(both.fast), statistics(both.reference)
    assert_close(running, expected, EQUAL)
    assert counters == expected_counters == dict.fromkeys(counters, 3)


def test_statistics_stand_still_in_the_block_and_the_batch_normalizes(pair, measure, assert_close, statistics):
    both = pair(partial_channels=2, edge_normalization=True)
    expected = measure(both.reference, both.images, both.labels)
    before = statistics(both.fast)

    with both.fast.still_statistics():
        found = measure(both.fast, both.images, both.labels)

    after = statistics(both.fast)
    assert_close(found, expected, EQUAL)
    assert all(torch.equal(after[0][name], before[0][name]) for name in before[0])
    assert after[1] == before[1]
    both.fast(both.images)
    assert set(statistics(both.fast)[1].values()) == {1}


@pytest.mark.parametrize("still", [False, True])
def test_evaluation_equals_the_textbook(still, pair, measure, assert_close, statistics):
    both = pair(primitives=(*DARTS_PRIMITIVES, "tanh_conv"), nodes=3, partial_channels=2)
    found = []
    for supernet in both:
        for _ in range(3):
            supernet(both.images)
        before = statistics(supernet)
        supernet.eval()
        if still:
            with supernet.still_statistics():
                found.append(measure(supernet, both.images[:3], both.labels[:3]))
        else:
            found.append(measure(supernet, both.images[:3], both.labels[:3]))
        assert statistics(supernet)[1] == before[1]
        assert all(
            torch.equal(*pair) for pair in zip(statistics(supernet)[0].values(), before[0].values(), strict=True)
        )

    assert_close(found[1], found[0], EQUAL)


@pytest.mark.parametrize(
    "train_first",
    [
        True,
        False,
    ],
)
def test_change_of_mode_between_a_pass_and_its_gradient_changes_nothing(train_first, pair, assert_close):
    both = pair(nodes=2)
    found = []
    for supernet in both:
        supernet(both.images)
        supernet.train(train_first)
        loss = F.cross_entropy(supernet(both.images), both.labels)
        supernet.train(not train_first)
        gradient = torch.autograd.grad(loss, [*supernet.arch_tensors(), *supernet.parameters()])
        found.append(dict(zip(supernet.named_arch(), gradient, strict=False)) | supernet.split(gradient[2:]))

    assert_close(found[1], found[0], EQUAL)


# -- given weights, frozen parts, passes more than one ----------------------------------------------------------------


@pytest.mark.parametrize("edges", ["weighed", "not weighed"])
@pytest.mark.parametrize("partial_channels", [1, 2])
def test_discretized_cell_equals_the_textbook(partial_channels, edges, pair, measure, assert_close):
    both = pair(partial_channels=partial_channels, edge_normalization=True, nodes=3)
    count = len(edge_list(3))
    chosen = torch.randint(1, 8, (count,))
    one_hot = F.one_hot(chosen, 8).double() * (torch.arange(count) % 3 != 0).unsqueeze(1)
    weights = CellWeights(one_hot, one_hot.sum(dim=1) if edges == "weighed" else None)
    found = []
    for supernet in both:
        supernet(both.images)
        for training in (True, False):
            with supernet.train(training).operation_weights(weights, weights):
                found.append(measure(supernet, both.images, both.labels))

    assert_close(found[2], found[0], EQUAL)
    assert_close(found[3], found[1], EQUAL)
    assert not found[2]["normal_alphas"].any()


def test_gradient_of_given_weights_equals_the_textbook(pair, assert_close):
    both = pair(partial_channels=2, nodes=2)
    found = []
    for supernet in both:
        operations = torch.linspace(-1, 1, 40, dtype=torch.float64).view(5, 8).requires_grad_()
        edges = torch.linspace(2, -1, 5, dtype=torch.float64).requires_grad_()
        weights = CellWeights(operations, edges)
        with supernet.operation_weights(weights, weights):
            loss = F.cross_entropy(supernet(both.images), both.labels)
        found.append(dict(zip(("operations", "edges"), torch.autograd.grad(loss, [operations, edges]), strict=True)))

    assert_close(found[1], found[0], EQUAL)


def test_frozen_weights_change_no_gradient_of_alphas(pair, measure, assert_close):
    both = pair(primitives=(*DARTS_PRIMITIVES, "tanh_conv"), partial_channels=2, edge_normalization=True)
    expected = measure(both.reference, both.images, both.labels)
    both.fast.requires_grad_(False)

    arch = both.fast.named_arch()
    loss = F.cross_entropy(both.fast(both.images), both.labels)
    found = dict(zip(arch, torch.autograd.grad(loss, list(arch.values())), strict=True))

    assert_close(found, {name: expected[name] for name in arch}, EQUAL)


@pytest.mark.parametrize(
    "kept",
    [
        "dw",
        "pw",
        "conv",
        "alphas",
        "stem",
    ],
)
def test_gradient_of_a_part_is_that_part_of_the_gradient(kept, pair, measure, assert_close):
    both = pair(nodes=2)
    expected = measure(both.reference, both.images, both.labels)
    asked = {name: weight for name, weight in both.fast.named_parameters() if kept in name}
    for weight in both.fast.parameters():
        weight.requires_grad_(any(weight is part for part in asked.values()))
    for tensor in both.fast.arch_tensors():
        tensor.requires_grad_(kept == "alphas")

    F.cross_entropy(both.fast(both.images), both.labels).backward()

    unasked = torch.nan
    found = {name: tensor.grad for name, tensor in both.fast.named_arch().items() if tensor.grad is not None}
    found |= both.fast.split([
        torch.full_like(weight, unasked) if weight.grad is None else weight.grad for weight in both.fast.parameters()
    ])  # fmt: skip
    found = {name: gradient for name, gradient in found.items() if not gradient.isnan().any()}
    assert_close(found, {name: expected[name] for name in expected if kept in name}, EQUAL)


def test_gradient_of_the_images_equals_the_textbook(pair, assert_close):
    both = pair(partial_channels=2, size=(9, 10))
    found = []
    for supernet in both:
        images = both.images.clone().requires_grad_()
        loss = F.cross_entropy(supernet(images), both.labels)
        found.append({"images": torch.autograd.grad(loss, images)[0]})

    assert_close(found[1], found[0], EQUAL)


def test_two_passes_before_either_gradient_do_not_mix(pair, measure, assert_close):
    both = pair(nodes=2)
    expected = measure(both.reference, both.images, both.labels)
    weights = list(both.fast.parameters())

    loss = F.cross_entropy(both.fast(both.images), both.labels)
    both.fast(2 * both.images + 1).sum()
    first = torch.autograd.grad(loss, weights, retain_graph=True)
    again = torch.autograd.grad(loss, weights)

    assert all(torch.equal(*pair) for pair in zip(first, again, strict=True))
    found = both.fast.split(first)
    assert_close(found, {name: expected[name] for name in found}, EQUAL)


def test_copy_counts_its_own_batches(pair, statistics):
    fast = pair(nodes=2).fast
    images = torch.randn(2, 3, 8, 8, dtype=torch.float64)

    twin = copy.deepcopy(fast)
    expected, found = fast(images), twin(images)
    twin(images)

    assert torch.equal(found, expected)
    assert set(statistics(fast)[1].values()) == {1}
    assert set(statistics(twin)[1].values()) == {2}
    assert not any(one is other for one, other in zip(fast.arch_tensors(), twin.arch_tensors(), strict=True))


def test_single_pixel_of_a_single_image_is_refused_as_in_the_textbook(pair):
    """There is no variance to normalize with."""
    both = pair(layers=1, nodes=1, batch=1, size=(2, 2))

    for supernet in both:
        with pytest.raises(ValueError, match="more than 1 value per channel"):
            supernet(both.images)


@pytest.mark.parametrize("partial_channels", [1, 2])
def test_second_derivative_equals_the_textbook(partial_channels, pair, assert_close):
    """Of the alphas' gradient along the weights, exact: what the finite difference of second order stands for."""
    both = pair(partial_channels=partial_channels, edge_normalization=True, nodes=2, size=(7, 8))
    generator = torch.Generator().manual_seed(9)
    along = {
        name: torch.randn(weight.shape, dtype=torch.float64, generator=generator)
        for name, weight in both.reference.named_parameters()
    }
    found = []
    for supernet in both:
        with supernet.differentiable_twice():
            weights, arch = list(supernet.parameters()), supernet.named_arch()
            loss = F.cross_entropy(supernet(both.images), both.labels)
            gradient = torch.autograd.grad(loss, weights, create_graph=True)
            product = sum((part * step).sum() for part, step in zip(gradient, supernet.join(along), strict=True))
            second = torch.autograd.grad(product, [*arch.values(), *weights])
        found.append(dict(zip(arch, second, strict=False)) | supernet.split(second[len(arch) :]))

    assert_close(found[1], found[0], 10 * EQUAL)
    loss = F.cross_entropy(both.fast(both.images), both.labels)
    gradient = torch.autograd.grad(loss, weights, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):  # outside of the block it is refused, never wrong
        gradient[0].sum().backward()


# -- computing a cell once more instead of keeping it -----------------------------------------------------------------


@pytest.mark.parametrize("momentum", [0.1, None])
@pytest.mark.parametrize("frozen", [False, True])
def test_recomputed_cells_give_the_same_gradient_and_count_once(
    frozen, momentum, pair, measure, assert_close, statistics, batch_norms
):
    both = pair(primitives=(*DARTS_PRIMITIVES, "tanh_conv"), partial_channels=2, edge_normalization=True, nodes=3)
    assert both.fast.recomputes_cells is False
    both.fast.recomputes_cells = True
    for supernet in both:
        for norm in batch_norms(supernet):
            norm.momentum = momentum
    expected = measure(both.reference, both.images, both.labels)
    if frozen:
        both.fast.requires_grad_(False)
        arch = both.fast.named_arch()
        loss = F.cross_entropy(both.fast(both.images), both.labels)
        found = dict(zip(arch, torch.autograd.grad(loss, list(arch.values())), strict=True))
    else:
        found = measure(both.fast, both.images, both.labels)

    assert_close(found, {name: expected[name] for name in found}, EQUAL)
    (running, counters), (expected_running, expected_counters) = statistics(both.fast), statistics(both.reference)
    assert_close(running, expected_running, EQUAL)
    assert counters == expected_counters == dict.fromkeys(counters, 1)
    both.fast(both.images)
    assert set(statistics(both.fast)[1].values()) == {2}


def test_recomputed_cells_begin_where_a_users_own_module_began(pair, assert_close):
    """Its buffer has moved when the cell is computed again, and its random numbers have been drawn."""
    found = []
    for recomputes in (False, True):
        fast = pair(primitives=("moving", "sep_conv_3x3"), nodes=2).fast
        both = pair(primitives=("moving", "sep_conv_3x3"), nodes=2)
        fast.recomputes_cells = recomputes
        torch.manual_seed(3)
        loss = F.cross_entropy(fast(both.images), both.labels)
        gradients = torch.autograd.grad(loss, [*fast.arch_tensors(), *fast.parameters()])
        found.append([*gradients, *(tensor.clone() for tensor in fast.state_dict().values()), torch.get_rng_state()])

    assert all(torch.equal(*both) for both in zip(*found, strict=True))


def test_recomputed_cells_can_be_differentiated_twice(pair):
    found = []
    for recomputes in (False, True):
        both = pair(nodes=2)
        fast = both.fast
        fast.recomputes_cells = recomputes
        with fast.differentiable_twice(), fast.still_statistics():
            loss = F.cross_entropy(fast(both.images), both.labels)
            gradients = torch.autograd.grad(loss, list(fast.parameters()), create_graph=True)
            found.append(torch.autograd.grad(sum(part.square().sum() for part in gradients), fast.arch_tensors()))

    assert all(torch.equal(*both) for both in zip(*found, strict=True))

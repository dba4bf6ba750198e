"""The textbook supernet (and the fast one) against the original's numbers, and its promises about alphas."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from engine.genotype.discretize import edge_index, edge_list, edge_weights
from engine.networks import parameter_count
from engine.supernet import CellWeights, ReferenceSupernet
from engine.supernet.base import normalize_betas

KINDS = {
    "darts": {},
    "pc_darts": {"partial_channels": 4, "edge_normalization": True},
}


@pytest.mark.parametrize("variant", ["reference", "fast"])
@pytest.mark.parametrize("name", ["toy_darts", "toy_pc_darts"])
def test_toy_supernet_equals_the_original(name, variant, toy, goldens):
    built = toy(name, variant)
    golden = goldens[name]["net"]
    images, labels = built.train

    logits = built.supernet(images)
    loss = nn.functional.cross_entropy(logits, labels)
    gradient = torch.autograd.grad(loss, list(built.supernet.parameters()))

    assert built.filled == golden["weight_tensors"]
    assert parameter_count(built.supernet) == golden["params"]
    assert logits[0].tolist() == pytest.approx(golden["logits0"], abs=6e-9)
    assert logits[1].tolist() == pytest.approx(golden["logits1"], abs=6e-9)
    assert loss.item() == pytest.approx(golden["train_loss"], rel=1e-12)
    norm = float(torch.cat([part.flatten() for part in gradient]).norm())
    assert norm == pytest.approx(golden["train_grad_norm"], rel=1e-11)


@pytest.mark.parametrize("kind", KINDS)
def test_supernet_is_as_large_as_the_original(kind, goldens):
    golden = goldens["supernet_sizes"][kind]

    supernet = ReferenceSupernet(16, 10, 8, **KINDS[kind])

    assert parameter_count(supernet) == golden["parameters"]
    assert len(list(supernet.parameters())) == golden["weight_tensors"]
    assert sum(isinstance(module, nn.BatchNorm2d) for module in supernet.modules()) == golden["batch_norms"]
    assert sum(buffer.numel() for buffer in supernet.buffers()) == golden["buffer_elements"]
    # One more class costs 256 weights and a bias in the classifier: 4 nodes of 64 channels.
    assert golden["parameters_100_classes"] - golden["parameters"] == 90 * (supernet.classifier.in_features + 1)


def test_supernet_for_imagenet_is_as_large_as_the_original(goldens):
    golden = goldens["supernet_sizes"]["pc_darts_imagenet"]
    supernet = ReferenceSupernet(16, 1000, 8, partial_channels=2, edge_normalization=True, network="imagenet")
    macs = {}
    for name, layer in supernet.named_modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(
                lambda layer, _, out, name=name: macs.update({name: out.numel() * layer.weight[0].numel()})
            )

    assert parameter_count(supernet) == golden["parameters"]
    assert len(list(supernet.parameters())) == golden["weight_tensors"]
    assert sum(isinstance(module, nn.BatchNorm2d) for module in supernet.modules()) == golden["batch_norms"]
    assert sum(buffer.numel() for buffer in supernet.buffers()) == golden["buffer_elements"]
    assert [layer.weight.shape[:2] for layer in supernet.stem.modules() if isinstance(layer, nn.Conv2d)] == [
        (24, 3), (48, 24), (48, 48),
    ]  # fmt: skip
    supernet.to("meta").eval()(torch.empty(1, 3, 224, 224, device="meta"))
    # The original computes each mixed operation twice: once for the value, once to ask for its device.
    twice = sum(number for name, number in macs.items() if ".edges." in name)
    assert sum(macs.values()) + twice == goldens["supernet_macs"]["pc_darts_imagenet"]


def test_weights_are_named_by_cell_edge_and_primitive():
    names = set(ReferenceSupernet(4, 10, 5, **KINDS["pc_darts"]).state_dict())

    assert {"stem.conv.weight", "classifier.bias", "cells.2.preprocess0.conv2.weight"} <= names
    assert {"cells.3.edges.7.sep_conv_3x3.pw2.weight", "cells.1.edges.0.skip_connect.conv1.weight"} <= names
    assert {"cells.0.edges.13.avg_pool_3x3.bn.running_mean", "cells.0.preprocess1.bn.running_var"} <= names


def test_reductions_stand_at_one_and_two_thirds():
    supernet = ReferenceSupernet(2, 3, 8, primitives=("skip_connect", "avg_pool_3x3"))

    assert [place for place, cell in enumerate(supernet.cells) if cell.reduction] == [2, 5]
    strides = [edge.stride for edge in supernet.cells[2].edges]
    assert [stride == 2 for stride in strides] == [source < 2 for source, _ in edge_list(4)]
    assert {edge.stride for edge in supernet.cells[3].edges} == {1}


def test_alphas_are_leaves_but_no_parameters():
    supernet = ReferenceSupernet(4, 10, 3, **KINDS["pc_darts"])

    arch = supernet.arch_tensors()

    assert [tuple(tensor.shape) for tensor in arch] == [(14, 8), (14, 8), (14,), (14,)]
    assert arch[0] is supernet.normal_alphas
    assert arch[3] is supernet.reduction_betas
    assert all(tensor.is_leaf and tensor.requires_grad for tensor in arch)
    assert not any(tensor is parameter for tensor in arch for parameter in supernet.parameters())
    assert not any("alpha" in name or "beta" in name for name in supernet.state_dict())
    assert len(ReferenceSupernet(4, 10, 3).arch_tensors()) == 2


@pytest.mark.parametrize("move", [lambda net: net.double(), lambda net: net.to("cpu"), lambda net: net.to("meta")])
def test_alphas_follow_the_module_and_stay_the_same_leaves(move):
    supernet = ReferenceSupernet(2, 3, 3, primitives=("skip_connect", "avg_pool_3x3"), edge_normalization=True)
    before = supernet.arch_tensors()
    before[0].grad = torch.ones_like(before[0])

    move(supernet)

    after = supernet.arch_tensors()
    weight = supernet.classifier.weight
    assert all(tensor.is_leaf and tensor.requires_grad for tensor in after)
    assert {(tensor.dtype, tensor.device) for tensor in after} == {(weight.dtype, weight.device)}
    if weight.device.type != "meta":  # torch makes new parameters too where data cannot move in place
        assert all(old is new for old, new in zip(before, after, strict=True))
        assert after[0].grad.dtype == weight.dtype


def test_fresh_alphas_are_small_and_come_from_the_generator():
    first, again, other = (
        ReferenceSupernet(2, 3, 3, primitives=("skip_connect", "avg_pool_3x3"), nodes=8, edge_normalization=True,
                 generator=torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    )  # fmt: skip

    assert torch.equal(first.normal_alphas, again.normal_alphas)
    assert not torch.equal(first.normal_alphas, other.normal_alphas)
    drawn = torch.cat([tensor.detach().flatten() for tensor in first.arch_tensors()])
    assert 0.8e-3 < float(drawn.std()) < 1.2e-3


def test_arch_state_round_trip_keeps_the_objects():
    source = ReferenceSupernet(2, 3, 3, primitives=("skip_connect", "avg_pool_3x3"), edge_normalization=True)
    target = ReferenceSupernet(2, 3, 3, primitives=("skip_connect", "avg_pool_3x3"), edge_normalization=True)
    before = target.arch_tensors()

    target.load_arch_state(source.arch_state())

    assert all(new is old for new, old in zip(target.arch_tensors(), before, strict=True))
    assert all(torch.equal(*pair) for pair in zip(target.arch_tensors(), source.arch_tensors(), strict=True))


def test_arch_state_that_does_not_fit_is_refused_whole():
    supernet = ReferenceSupernet(2, 3, 3, primitives=("skip_connect", "avg_pool_3x3"))
    before = supernet.arch_state()
    wrong_shape = before | {"normal_alphas": torch.ones(14, 2), "reduction_alphas": torch.zeros(14, 8)}

    with pytest.raises(ValueError, match=r"reduction_alphas: expected shape \(14, 2\), found \(14, 8\)"):
        supernet.load_arch_state(wrong_shape)
    with pytest.raises(ValueError, match=r"expected normal_alphas, reduction_alphas; found normal_alphas"):
        supernet.load_arch_state({"normal_alphas": before["normal_alphas"]})

    assert torch.equal(supernet.normal_alphas, before["normal_alphas"])


def test_betas_are_normalized_over_the_edges_of_a_node():
    betas = torch.randn(14, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    found = normalize_betas(betas)

    torch.testing.assert_close(found, torch.from_numpy(edge_weights(betas.numpy())))


def test_given_weights_replace_alphas_and_betas_within_the_block_only():
    supernet = ReferenceSupernet(4, 3, 3, primitives=("skip_connect", "avg_pool_3x3"), edge_normalization=True).eval()
    images = torch.randn(2, 3, 8, 8)
    usual = supernet(images)
    same = {kind: supernet.cell_weights(kind) for kind in ("normal", "reduction")}
    nothing = CellWeights(torch.zeros(14, 2), torch.ones(14))

    with supernet.operation_weights(same["normal"], same["reduction"]):
        assert torch.equal(supernet(images), usual)
    with supernet.operation_weights(nothing, nothing):
        assert not torch.equal(supernet(images), usual)
    with pytest.raises(RuntimeError), supernet.operation_weights(nothing, nothing):
        supernet(torch.ones(1, 7, 8, 8))

    assert torch.equal(supernet(images), usual)


def test_edge_of_weight_zero_carries_nothing():
    supernet = ReferenceSupernet(4, 3, 3, primitives=("skip_connect", "sep_conv_3x3"), partial_channels=2).eval()
    images = torch.randn(2, 3, 8, 8)
    edges = torch.ones(14)
    edges[edge_index(0, 3)] = 0
    operations = torch.full((14, 2), 0.5)
    weights = CellWeights(operations, edges)

    with supernet.operation_weights(weights, weights):
        before = supernet(images)
        for cell in supernet.cells:
            cell.edges[edge_index(0, 3)].sep_conv_3x3.pw2.weight.data.mul_(-3)
        after = supernet(images)
        supernet.cells[2].edges[edge_index(1, 3)].sep_conv_3x3.pw2.weight.data.mul_(-3)

        assert torch.equal(before, after)
        assert not torch.equal(supernet(images), after)


def test_copy_has_alphas_of_its_own():
    supernet = ReferenceSupernet(2, 3, 3, primitives=("skip_connect", "avg_pool_3x3"))

    twin = copy.deepcopy(supernet)
    with torch.no_grad():
        twin.normal_alphas.add_(1)

    assert twin.normal_alphas.requires_grad
    assert not torch.equal(twin.normal_alphas, supernet.normal_alphas)


@settings(max_examples=25, deadline=None)
@given(
    nodes=st.integers(1, 5),
    layers=st.integers(1, 5),
    parts=st.sampled_from([1, 2]),
    edge_normalization=st.booleans(),
    image_channels=st.integers(1, 4),
    height=st.integers(4, 11),
    width=st.integers(4, 11),
    primitives=st.lists(
        st.sampled_from(["none", "skip_connect", "max_pool_3x3", "dil_conv_3x3"]), min_size=2, unique=True
    ),
)
def test_any_shape_gives_logits_and_a_gradient_for_every_weight(
    nodes, layers, parts, edge_normalization, image_channels, height, width, primitives
):
    supernet = ReferenceSupernet(
        2, 3, layers, image_channels=image_channels, nodes=nodes, primitives=primitives, partial_channels=parts,
        edge_normalization=edge_normalization,
    )  # fmt: skip

    logits = supernet(torch.randn(2, image_channels, height, width))
    logits.square().sum().backward()

    assert logits.shape == (2, 3)
    assert all(parameter.grad is not None for parameter in supernet.parameters())
    kinds = {"reduction"} | ({"normal"} if layers > 2 else set())
    used = [supernet.normal_alphas] * ("normal" in kinds) + [supernet.reduction_alphas]
    assert all(alphas.grad is not None for alphas in used)

"""The yardstick of the search's benchmark is the original's search step: its numbers, its sizes, its supernet."""

import json
import math
from pathlib import Path

import pytest
import textbook
import torch
import torch.nn.functional as F
from torch import nn

from engine.supernet import ReferenceSupernet

ROOT = Path(__file__).resolve().parents[2]
GOLDENS = json.loads((ROOT / "tests/engine/goldens.json").read_text(encoding="utf-8"))
TOYS = {"toy_darts": {"channels": 4, "parts": 1}, "toy_pc_darts": {"channels": 8, "parts": 4}}


@pytest.fixture(autouse=True)
def double():
    """Everything in float64, the network that the unrolled step builds included."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def batch(shift, labels):
    images = torch.cos(0.37 * torch.arange(4 * 3 * 16 * 16) + shift).view(4, 3, 16, 16)
    return images, torch.tensor(labels)


TRAIN, ALPHA = (0.0, [3, 7, 0, 5]), (1.0, [1, 8, 6, 2])


def toy(name):
    """The goldens' toy supernet: weights by their formula, which ``fill`` in the file tells."""
    network = textbook.Network(TOYS[name]["channels"], 10, 5, parts=TOYS[name]["parts"])
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    with torch.no_grad():
        for number, layer in enumerate(layers, 1):
            places = torch.arange(layer.weight.numel())
            filled = torch.sin(1.7 * number + 0.9 * places) / math.sqrt(layer.weight[0].numel())
            layer.weight.copy_(filled.view_as(layer.weight))
        network.classifier.bias.copy_(0.01 * torch.arange(10))
        steps, edges = torch.arange(112).view(14, 8), torch.arange(1, 15)
        waves = (
            0.1 * torch.sin(0.5 * steps),
            0.1 * torch.cos(0.5 * steps),
            0.2 * torch.sin(edges),
            0.2 * torch.cos(edges),
        )
        for own, wave in zip(network.arch, waves, strict=False):
            own.copy_(wave)
    return network


@pytest.mark.parametrize("warm", [0, 1])
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", TOYS)
def test_steps_equal_the_original(name, order, warm):
    golden = GOLDENS[name][f"step unrolled={order == 2} warm={warm}"]
    train, alpha = batch(*TRAIN), batch(*ALPHA)
    search = textbook.TextbookSearch(toy(name), order)
    for loss, _ in golden.get("w", []):
        assert search.weight_step(train).item() == pytest.approx(loss, rel=1e-12)

    alpha_loss = search.alpha_step(train, alpha)

    if order == 1:
        assert alpha_loss.item() == pytest.approx(golden["val_loss"], rel=1e-12)
    found = [tensor.grad for tensor in search.network.arch]
    # Order 2 differences over many kinks of ReLU and max pool: another order of sums may move a few digits.
    assert [part.norm().item() for part in found] == pytest.approx(
        golden["grad_norm"], rel=1e-9 if order == 1 else 1e-6
    )
    for part, first in zip(found, golden["grad_first"], strict=True):
        assert part.flatten()[:4].tolist() == pytest.approx(first, rel=1e-6)
    for tensor, first in zip(search.network.arch, golden["alpha_after_first"], strict=True):
        assert tensor.flatten()[:4].tolist() == pytest.approx(first, abs=2e-9)
    assert search.weight_step(train).item() == pytest.approx(golden["w_after"][0], rel=1e-9)
    assert F.cross_entropy(search.network(train[0]), train[1]).item() == pytest.approx(
        golden["train_loss_after"], rel=1e-9
    )


def test_both_come_in_turn_and_alphas_first():
    network = toy("toy_darts")
    train, alpha = batch(*TRAIN), batch(*ALPHA)

    alpha_loss, loss = textbook.TextbookSearch(network, 1).step(train, alpha)

    golden = GOLDENS["toy_darts"]["step unrolled=False warm=0"]
    assert alpha_loss.item() == pytest.approx(golden["val_loss"], rel=1e-12)
    assert loss.item() == pytest.approx(golden["w_after"][0], rel=1e-9)


@pytest.mark.parametrize(("kind", "parts"), [("darts", 1), ("pc_darts", 4)])
def test_supernet_is_as_large_as_the_original(kind, parts):
    golden = GOLDENS["supernet_sizes"][kind]

    network = textbook.Network(16, 10, 8, parts=parts)

    assert sum(weight.numel() for weight in network.parameters()) == golden["parameters"]
    assert len(list(network.parameters())) == golden["weight_tensors"]
    assert sum(isinstance(module, nn.BatchNorm2d) for module in network.modules()) == golden["batch_norms"]


@pytest.mark.parametrize(("channels", "layers", "parts"), [(4, 3, 1), (6, 4, 1), (8, 3, 4), (8, 3, 2)])
def test_logits_and_gradients_equal_the_reference(channels, layers, parts):
    torch.manual_seed(layers)
    reference = ReferenceSupernet(channels, 7, layers, partial_channels=parts, edge_normalization=parts > 1)
    reference.load_arch_state({name: 500 * tensor for name, tensor in reference.arch_state().items()})
    network = textbook.Network(channels, 7, layers, parts=parts)
    network.copy_in(reference.state_dict().values(), reference.arch_tensors())
    images, labels = torch.randn(4, 3, 12, 12), torch.tensor([0, 6, 2, 2])

    logits = [each(images) for each in (network, reference)]
    gradients = [
        torch.autograd.grad(F.cross_entropy(each, labels), [*arch, *own.parameters()])
        for each, own, arch in zip(logits, (network, reference), (network.arch, reference.arch_tensors()), strict=True)
    ]

    torch.testing.assert_close(*logits, rtol=1e-12, atol=1e-12)
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)
    for found, expected in zip(network.buffers(), reference.buffers(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_a_supernet_of_another_shape_is_refused():
    network, other = textbook.Network(4, 10, 3), textbook.Network(4, 11, 3)

    with pytest.raises(ValueError, match="does not fit"):
        network.copy_in(other.state_dict().values(), other.arch)
    with pytest.raises(ValueError, match="shorter"):
        network.copy_in(list(other.state_dict().values())[:-1], other.arch)

"""Whole search steps: weights, alphas and what both optimizers keep stay those of the textbook supernet."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from engine.genotype.primitives import DARTS_PRIMITIVES
from engine.search.architect import first_order_gradient, momentum_buffers, second_order_gradient

EQUAL = 1e-10
LEARNING_RATE, MOMENTUM, WEIGHT_DECAY, CLIP = 0.025, 0.9, 3e-4, 5.0
STEPS = 3

SETTINGS = {
    "darts": {"channels": 4, "nodes": 3, "edges_together": [4, 2, 1]},
    "pc_darts": {"channels": 8, "nodes": 2, "partial_channels": 4, "edge_normalization": True},
    "mixed_ways": {
        "channels": 4, "nodes": 2, "primitives": ("none", "skip_connect", "max_pool_3x3", "sep_conv_5x5", "tanh_conv"),
        "channels_last": False,
    },
}  # fmt: skip


class Search:
    """The steps of a search trainer, on fixed batches."""

    def __init__(self, supernet, order):
        self.supernet, self.order = supernet, order
        self.weights, self.arch = list(supernet.parameters()), supernet.arch_tensors()
        self.buffers = list(supernet.buffers())
        self.sgd = torch.optim.SGD(self.weights, lr=LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
        self.adam = torch.optim.Adam(self.arch, lr=6e-3, betas=(0.5, 0.999), weight_decay=1e-3)
        self.norms = []
        self.gradients = []

    def step(self, train, alpha):
        def loss_on(images, labels):
            return lambda: F.cross_entropy(self.supernet(images), labels)

        if self.order == 2:
            gradient = second_order_gradient(
                loss_on(*train), loss_on(*alpha), self.weights, self.arch, step_size=LEARNING_RATE, momentum=MOMENTUM,
                weight_decay=WEIGHT_DECAY, momentum_buffers=momentum_buffers(self.sgd, self.weights),
                buffers=self.buffers,
            )  # fmt: skip
        else:
            gradient = first_order_gradient(loss_on(*alpha), self.arch, weights=self.weights, buffers=self.buffers)
        self.gradients.append(torch.cat([part.flatten() for part in gradient]))
        for tensor, part in zip(self.arch, gradient, strict=True):
            tensor.grad = part
        self.adam.step()
        self.adam.zero_grad()
        self.sgd.zero_grad()
        loss_on(*train)().backward()
        self.norms.append(nn.utils.clip_grad_norm_(self.weights, CLIP))
        self.sgd.step()
        self.adam.zero_grad()

    def state(self):
        """Copies of everything that a step changes: of each sort the tensors by name."""
        supernet = self.supernet
        state = supernet.state_dict()
        found = {
            "weights": {name: tensor for name, tensor in state.items() if name.endswith((".weight", ".bias"))},
            "momenta": supernet.split(momentum_buffers(self.sgd, self.weights)),
            "arch": supernet.arch_state(),
            "clip norms": dict(enumerate(self.norms)),
            "alpha gradients": dict(enumerate(self.gradients)),
        }
        for kind in ("running_mean", "running_var", "num_batches_tracked"):
            found[kind] = {name: tensor for name, tensor in state.items() if name.endswith(kind)}
        for kind in ("step", "exp_avg", "exp_avg_sq"):
            found[f"Adam's {kind}"] = {
                name: self.adam.state[tensor][kind] for name, tensor in supernet.named_arch().items()
            }
        return copy.deepcopy(found)


def same(found, expected, assert_close):
    assert found.keys() == expected.keys()
    for sort in expected:
        assert_close(found[sort], expected[sort], 0.0 if sort in ("step", "num_batches_tracked") else EQUAL)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("order", [1, 2])
def test_steps_change_everything_alike(order, setting, pair, assert_close):
    both = pair(**{"primitives": DARTS_PRIMITIVES, **SETTINGS[setting]})
    train, alpha = (both.images, both.labels), (torch.randn_like(both.images), both.labels.flip(0))
    start = {name: tensor.clone() for name, tensor in both.reference.state_dict().items()}
    searches = [Search(supernet, order) for supernet in both]

    for search in searches:
        for _ in range(STEPS):
            search.step(train, alpha)

    expected, found = (search.state() for search in searches)
    same(found, expected, assert_close)
    # The architect's passes are not counted, and nothing stood still.
    assert {int(counter) for counter in found["num_batches_tracked"].values()} == {STEPS}
    assert all(not torch.equal(found["weights"][name], start[name]) for name in found["weights"])


@pytest.mark.parametrize("order", [1, 2])
def test_search_may_change_the_supernet_half_way(order, pair, assert_close):
    """A run begun with one supernet goes on with the other: weights, alphas and momenta pass through their names."""
    both = pair(nodes=2, partial_channels=2, edge_normalization=True)
    train, alpha = (both.images, both.labels), (torch.randn_like(both.images), both.labels.flip(0))
    straight = Search(both.reference, order)
    straight.step(train, alpha)
    begun, goes_on = straight.state(), Search(both.fast, order)
    both.fast.load_state_dict(both.reference.state_dict())
    both.fast.load_arch_state(both.reference.arch_state())
    momenta = both.fast.join(both.reference.split(momentum_buffers(straight.sgd, straight.weights)))
    for weight, momentum in zip(goes_on.weights, momenta, strict=True):
        goes_on.sgd.state[weight]["momentum_buffer"] = momentum
    goes_on.adam.load_state_dict(copy.deepcopy(straight.adam.state_dict()))
    goes_on.norms, goes_on.gradients = list(straight.norms), list(straight.gradients)
    changed = goes_on.state()
    assert all(torch.equal(changed[sort][name], begun[sort][name]) for sort in begun for name in begun[sort])

    straight.step(train, alpha)
    goes_on.step(train, alpha)

    same(goes_on.state(), straight.state(), assert_close)

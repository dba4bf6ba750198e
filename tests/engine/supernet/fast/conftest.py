"""Both supernets side by side, in float64 and with alphas far apart: near 0 they are equal, and faults cancel."""

from __future__ import annotations

import sys
import types
from dataclasses import dataclass

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from engine.genotype import primitives as declared
from engine.genotype.primitives import PrimitiveDeclaration
from engine.supernet import FastSupernet, ReferenceSupernet

SPREAD = 500
"""Fresh alphas have a standard deviation of 0.001."""


def tanh_conv(channels, stride, affine):
    """A primitive of a user's own: no ReLU, a bias, a batch norm whose scale and shift are trained in any case."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, (1, 3), stride, padding=(0, 1)), nn.BatchNorm2d(channels), nn.Tanh()
    )


def plain_average(channels, stride, affine):
    """One without any weight."""
    return nn.AvgPool2d(3, stride, padding=1)


class Moving(nn.Module):
    """What it gives depends on a buffer that it moves, by binding a new tensor, and on random numbers."""

    def __init__(self, channels, stride):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels, 1, 1))
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.stride = stride

    def forward(self, x):
        x = x[:, :, :: self.stride, :: self.stride]
        if self.training:
            self.mean = 0.5 * self.mean + 0.5 * x.detach().mean(dim=(0, 2, 3)).view(-1, 1, 1)
        return torch.tanh(F.dropout((x - self.mean) * self.weight, 0.3, self.training))


def moving(channels, stride, affine):
    return Moving(channels, stride)


OWN = (
    PrimitiveDeclaration("moving", "moving", "other", "custom", builder="users_package:moving"),
    PrimitiveDeclaration("second_skip", "skip", "skip", "identity"),
    PrimitiveDeclaration("tanh_conv", "tanh", "other", "custom", builder="users_package:tanh_conv"),
    PrimitiveDeclaration("plain_average", "plain", "other", "custom", builder="users_package:plain_average"),
    PrimitiveDeclaration("thin_conv", "thin", "separable", "relu_dw_pw_bn", (3, 5), dilation=3, repeats=2),
    PrimitiveDeclaration("thrice_conv", "thrice", "separable", "relu_dw_pw_bn", (5, 3), repeats=3),
    PrimitiveDeclaration("max_pool_5x3", "max", "pool", "pool", (5, 3), pooling="max"),
)


@pytest.fixture(scope="module", autouse=True)
def users_primitives():
    """Registers ``OWN`` while a file's tests run."""
    package = types.ModuleType("users_package")
    package.tanh_conv, package.plain_average, package.moving = tanh_conv, plain_average, moving
    known = dict(declared._registry())
    for primitive in OWN:
        declared.register(primitive, into=known)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "users_package", package)
        patch.setattr(declared, "_registry", lambda: known)
        yield


@dataclass
class Pair:
    """Two supernets with the same weights and alphas, and a batch for them."""

    reference: ReferenceSupernet
    fast: FastSupernet
    images: torch.Tensor
    labels: torch.Tensor

    def __iter__(self):
        return iter((self.reference, self.fast))


@pytest.fixture(scope="session")
def pair():
    def build(
        *, channels=4, layers=3, seed=0, size=(8, 8), batch=4, image_channels=3, edges_together=None,
        channels_last=True, dtype=torch.float64, **setting,
    ):  # fmt: skip
        """``setting``: as both supernets take it."""
        torch.manual_seed(seed)
        reference = ReferenceSupernet(channels, 5, layers, image_channels=image_channels, **setting)
        torch.manual_seed(seed)
        fast = FastSupernet(
            channels, 5, layers, image_channels=image_channels, channels_last=channels_last,
            edges_together=edges_together, **setting,
        )  # fmt: skip
        for supernet in (reference, fast):
            supernet.double()
            with torch.no_grad():
                for tensor in supernet.arch_tensors():
                    tensor.mul_(SPREAD)
            supernet.to(dtype)
        images = torch.randn(batch, image_channels, *size, dtype=torch.float64).to(dtype)
        return Pair(reference, fast, images, torch.randint(5, (batch,)))

    return build


@pytest.fixture(scope="session")
def measure():
    """Logits, loss and the gradient of everything, by name."""

    def found(supernet, images, labels):
        arch, weights = supernet.named_arch(), list(supernet.parameters())
        logits = supernet(images)
        loss = F.cross_entropy(logits, labels)
        gradient = torch.autograd.grad(loss, [*arch.values(), *weights], allow_unused=True, materialize_grads=True)
        named = {"logits": logits.detach(), "loss": loss.detach()}
        named |= dict(zip(arch, gradient, strict=False))
        return named | supernet.split(gradient[len(arch) :])

    return found


@pytest.fixture(scope="session")
def assert_close():
    """Compares tensors by name: each within ``tolerance`` of the largest number in it.

    But where the gradient of a weight is zero on paper (of a single channel that a batch norm follows, say), there is
    rounding only: no tensor is looked at more closely than if its largest number were ``floor`` times that of all.
    """

    @torch.no_grad()
    def check(found, expected, tolerance, floor=1e-3):
        assert list(found) == list(expected)
        largest = max(float(tensor.abs().max()) for tensor in expected.values())
        worst = {}
        for name, tensor in expected.items():
            assert found[name].shape == tensor.shape, name
            scale = max(float(tensor.abs().max()), floor * largest)
            worst[name] = float((found[name] - tensor).abs().max()) / scale if scale else float(found[name].abs().max())
        wrong = {name: error for name, error in worst.items() if not error <= tolerance}  # not, so that NaN is wrong
        assert not wrong, f"{len(wrong)} of {len(worst)}: {dict(list(wrong.items())[:5])}"

    return check


@pytest.fixture(scope="session")
def statistics():
    """Running means and variances by name, and apart from them the counters."""

    def read(supernet):
        state = {name: tensor.detach().clone() for name, tensor in supernet.state_dict().items()}
        running = {name: tensor for name, tensor in state.items() if name.endswith(("running_mean", "running_var"))}
        counters = {name: int(state[name]) for name in state if name.endswith("num_batches_tracked")}
        return running, counters

    return read


@pytest.fixture(scope="session")
def batch_norms():
    return lambda supernet: [module for module in supernet.modules() if isinstance(module, _BatchNorm)]

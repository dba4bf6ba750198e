"""Fixtures that tests of the engine share. torch is imported where it is needed only."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace

import pytest


@pytest.fixture(scope="session")
def goldens():
    """Numbers that the original code printed; ``source`` and ``fill`` in the file say how."""
    return json.loads((Path(__file__).parent / "goldens.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def golden_fill():
    """Writes the goldens' deterministic weights into a module in float64 and returns how many tensors it filled."""
    import torch

    def fill(module):
        module.double()
        filled = 0
        with torch.no_grad():
            # Construction order is semantic order: stem, per cell the inputs and the edges, classifier.
            for layer in module.modules():
                if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
                    weight = layer.weight
                    index = torch.arange(weight.numel(), dtype=torch.float64)
                    values = torch.sin(1.7 * (filled + 1) + 0.9 * index) / math.sqrt(weight[0].numel())
                    weight.copy_(values.view_as(weight))
                    filled += 1
                if isinstance(layer, torch.nn.Linear):
                    layer.bias.copy_(0.01 * torch.arange(len(layer.bias), dtype=torch.float64))
        return filled

    return fill


@pytest.fixture(scope="session")
def golden_input():
    import torch

    def make(*shape, shift=0.0):
        return torch.cos(0.37 * torch.arange(math.prod(shape), dtype=torch.float64) + shift).view(shape)

    return make


@pytest.fixture
def assert_golden():
    """Compares a tensor with ``{shape, S, first, last}``; the numbers are printed with 8 decimals."""
    import torch

    def check(found, golden):
        flat = found.detach().flatten()
        checksum = (flat * torch.cos(0.11 * torch.arange(len(flat), dtype=torch.float64))).sum()
        assert list(found.shape) == golden["shape"]
        assert float(checksum) == pytest.approx(golden["S"], abs=2e-8)
        assert float(flat[0]) == pytest.approx(golden["first"], abs=6e-9)
        assert float(flat[-1]) == pytest.approx(golden["last"], abs=6e-9)

    return check


@pytest.fixture
def toy(golden_fill, golden_input):
    """Builds the goldens' toy supernets, of either variant, with their alphas and both batches."""
    import torch

    from engine.supernet import FastSupernet, ReferenceSupernet

    def build(name, variant="reference"):
        sizes, setting = (4, 10, 5), {}
        if name == "toy_pc_darts":
            sizes, setting = (8, 10, 5), {"partial_channels": 4, "edge_normalization": True}
        supernet = ReferenceSupernet(*sizes, **setting)
        filled = golden_fill(supernet)
        if variant == "fast":  # It holds its weights in another order: they go in by their names.
            weights = supernet.state_dict()
            supernet = FastSupernet(*sizes, **setting).double()
            supernet.load_state_dict(weights)
        steps = torch.arange(112, dtype=torch.float64).view(14, 8)
        edges = torch.arange(1, 15, dtype=torch.float64)
        state = {"normal_alphas": 0.1 * torch.sin(0.5 * steps), "reduction_alphas": 0.1 * torch.cos(0.5 * steps)}
        if supernet.normal_betas is not None:
            state |= {"normal_betas": 0.2 * torch.sin(edges), "reduction_betas": 0.2 * torch.cos(edges)}
        supernet.load_arch_state(state)
        return SimpleNamespace(
            supernet=supernet,
            filled=filled,
            train=(golden_input(4, 3, 16, 16), torch.tensor([3, 7, 0, 5])),
            alpha=(golden_input(4, 3, 16, 16, shift=1.0), torch.tensor([1, 8, 6, 2])),
        )

    return build

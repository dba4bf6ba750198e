"""Names of weights in the original code's networks, for each of ours.

Source: DARTS cnn/model.py and operations.py; PC-DARTS has the same. Sequences there number their layers, ReLUs and
pools among them; edges stand in one list ``_ops``, in the order of the genotype, as ours do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torch import nn

from engine.networks import CifarNetwork, DiscreteNetwork
from engine.primitives import FactorizedReduce

_AUXILIARY = {"conv1": 2, "bn1": 3, "conv2": 5, "bn2": 6}
_IMAGENET_STEM = {"stem0.conv1": "stem0.0", "stem0.bn1": "stem0.1", "stem0.conv2": "stem0.3", "stem0.bn2": "stem0.4",
                  "stem1.conv": "stem1.1", "stem1.bn": "stem1.2"}  # fmt: skip
_REPEATED = re.compile(r"(dw|pw|bn)(\d+)")
_FACTORIZED_KERNEL = {"conv1": "1", "conv2": "2", "bn": "3"}
_RELU_CONV_BN = {"conv": "op.1", "bn": "op.2"}


def original_names(network: DiscreteNetwork) -> dict[str, str]:
    """Our name of each layer with weights, and the original's: ``cells.0.edges.1.dw1`` is ``cells.0._ops.1.op.1``."""
    return dict(_stem(network)) | dict(_cells(network)) | dict(_heads(network))


def _stem(network: DiscreteNetwork) -> Iterator[tuple[str, str]]:
    if isinstance(network, CifarNetwork):
        yield from (("stem.conv", "stem.0"), ("stem.bn", "stem.1"))
    else:
        yield from ((f"stem.{ours}", theirs) for ours, theirs in _IMAGENET_STEM.items())


def _cells(network: DiscreteNetwork) -> Iterator[tuple[str, str]]:
    for number, cell in enumerate(network.cells):
        assert isinstance(cell, nn.Module)
        for name in ("preprocess0", "preprocess1"):
            yield from _fitting(f"cells.{number}.{name}", f"cells.{number}.{name}", cell.get_submodule(name))
        edges = cell.get_submodule("edges")
        assert isinstance(edges, nn.ModuleList)
        for place, operation in enumerate(edges):
            yield from _operation(f"cells.{number}.edges.{place}", f"cells.{number}._ops.{place}", operation)


def _fitting(ours: str, theirs: str, module: nn.Module) -> Iterator[tuple[str, str]]:
    if isinstance(module, FactorizedReduce):
        yield from (
            (f"{ours}.{mine}", f"{theirs}.{other}")
            for mine, other in (("conv1", "conv_1"), ("conv2", "conv_2"), ("bn", "bn"))
        )
    else:
        yield from ((f"{ours}.{mine}", f"{theirs}.{other}") for mine, other in _RELU_CONV_BN.items())


def _operation(ours: str, theirs: str, module: nn.Module) -> Iterator[tuple[str, str]]:
    if isinstance(module, FactorizedReduce):
        yield from _fitting(ours, theirs, module)
        return
    for name, layer in module.named_children():
        if not any(True for _ in layer.parameters()):
            continue
        repeated = _REPEATED.fullmatch(name)
        if repeated is not None:
            # Four layers a time, ReLU first: depthwise, pointwise and batch norm are 1, 2, 3, then 5, 6, 7.
            place = 4 * (int(repeated.group(2)) - 1) + ("dw", "pw", "bn").index(repeated.group(1)) + 1
            yield f"{ours}.{name}", f"{theirs}.op.{place}"
        else:
            yield f"{ours}.{name}", f"{theirs}.{_FACTORIZED_KERNEL[name]}"


def _heads(network: DiscreteNetwork) -> Iterator[tuple[str, str]]:
    yield "classifier", "classifier"
    if network.auxiliary_head is None:
        return
    for name, layer in network.auxiliary_head.features.named_children():
        if any(True for _ in layer.parameters()):
            yield f"auxiliary_head.features.{name}", f"auxiliary_head.features.{_AUXILIARY[name]}"
    yield "auxiliary_head.classifier", "auxiliary_head.classifier"

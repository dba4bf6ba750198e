"""Primitives as declarations: what an operation on an edge is, without torch.

The list, its order and its layers are those of the DARTS code (genotypes.PRIMITIVES, operations.OPS). Builders
live in ``engine.primitives``; cost, editor and drawings read only what stands here.
"""

from __future__ import annotations

import difflib
import importlib.metadata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal

Family = Literal["separable", "dilated", "pool", "skip", "none", "other"]
Kind = Literal["none", "identity", "pool", "relu_dw_pw_bn", "relu_factorized_bn", "custom"]

ENTRY_POINT_GROUP = "nascope.primitives"
"""Users' packages name a ``PrimitiveDeclaration`` (or a list of them) under this entry-point group."""


@dataclass(frozen=True)
class PrimitiveDeclaration:
    """One candidate operation.

    Attributes:
        name: as genotypes spell it, for example ``sep_conv_3x3``.
        label: short form for pills and heatmaps, for example ``sep 3×3``.
        family: groups colours and diagnoses.
        kind: which layers it is made of; ``custom`` for users' own, which name a ``builder``.
        kernel: (height, width) in pixels; (0, 0) where there is none.
        dilation: step between the kernel's taps.
        repeats: how often ReLU, depthwise, pointwise, BN follow each other.
        pooling: ``max`` or ``avg`` for pools.
        summary: one sentence for hover texts.
        builder: for ``custom``: ``module:function`` called as ``function(channels, stride, affine)``.
    """

    name: str
    label: str
    family: Family
    kind: Kind
    kernel: tuple[int, int] = (0, 0)
    dilation: int = 1
    repeats: int = 1
    pooling: Literal["max", "avg"] | None = None
    summary: str = ""
    builder: str | None = None


_DECLARED = (
    PrimitiveDeclaration("none", "none", "none", "none", summary="Zero: the edge carries nothing. Competes in the softmax, never chosen."),
    PrimitiveDeclaration("max_pool_3x3", "max 3×3", "pool", "pool", (3, 3), pooling="max", summary="Largest value in 3×3; no weights."),
    PrimitiveDeclaration("avg_pool_3x3", "avg 3×3", "pool", "pool", (3, 3), pooling="avg", summary="Mean of 3×3, borders not counted; no weights."),
    PrimitiveDeclaration("skip_connect", "skip", "skip", "identity", summary="Identity; a factorized reduce where the resolution halves."),
    PrimitiveDeclaration("sep_conv_3x3", "sep 3×3", "separable", "relu_dw_pw_bn", (3, 3), repeats=2, summary="Depthwise 3×3 then 1×1 convolution, applied twice: cheap, local."),
    PrimitiveDeclaration("sep_conv_5x5", "sep 5×5", "separable", "relu_dw_pw_bn", (5, 5), repeats=2, summary="Depthwise 5×5 then 1×1 convolution, applied twice: sees wider."),
    PrimitiveDeclaration("dil_conv_3x3", "dil 3×3", "dilated", "relu_dw_pw_bn", (3, 3), dilation=2, summary="Depthwise 3×3 with gaps (sees 5×5) then 1×1, applied once."),
    PrimitiveDeclaration("dil_conv_5x5", "dil 5×5", "dilated", "relu_dw_pw_bn", (5, 5), dilation=2, summary="Depthwise 5×5 with gaps (sees 9×9) then 1×1, applied once."),
    PrimitiveDeclaration("sep_conv_7x7", "sep 7×7", "separable", "relu_dw_pw_bn", (7, 7), repeats=2, summary="Depthwise 7×7 then 1×1 convolution, applied twice (NASNet, AmoebaNet)."),
    PrimitiveDeclaration("conv_7x1_1x7", "7×1 1×7", "other", "relu_factorized_bn", (7, 7), summary="A full 1×7 then a full 7×1 convolution (AmoebaNet)."),
)  # fmt: skip

DARTS_PRIMITIVES: tuple[str, ...] = tuple(declared.name for declared in _DECLARED[:8])
"""The eight candidates of an edge, in the order of an alpha row (DARTS genotypes.PRIMITIVES)."""


@cache
def _registry() -> dict[str, PrimitiveDeclaration]:
    """Declared primitives by name, with those of installed packages behind our own."""
    found = {declared.name: declared for declared in _DECLARED}
    for entry in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        loaded = entry.load()
        for declared in [loaded] if isinstance(loaded, PrimitiveDeclaration) else list(loaded):
            register(declared, into=found)
    return found


def register(declared: PrimitiveDeclaration, *, into: dict[str, PrimitiveDeclaration] | None = None) -> None:
    """Make a primitive known for this process (tests, notebooks); packages use the entry point.

    Raises:
        ValueError: the name is taken by another declaration.
    """
    registry = _registry() if into is None else into
    known = registry.get(declared.name)
    if known is not None and known != declared:
        raise ValueError(f"«{declared.name}» is already declared as {known}. Choose another name.")
    registry[declared.name] = declared


def is_registered(name: str) -> bool:
    """Whether a network can be built with this primitive."""
    return name in _registry()


def registered_names() -> tuple[str, ...]:
    """Names of all known primitives, our own first."""
    return tuple(_registry())


def declaration(name: str) -> PrimitiveDeclaration:
    """The declaration of a primitive; one of family ``other`` with its bare name where it is not registered."""
    found = _registry().get(name)
    return found if found is not None else PrimitiveDeclaration(name, name.replace("_", " "), "other", "custom")


def suggestion(name: str, known: Iterable[str]) -> str:
    """« Did you mean x?», or nothing where no known name is close."""
    by_lower = {entry.lower(): entry for entry in known}
    close = difflib.get_close_matches(name.lower(), list(by_lower), n=1, cutoff=0.5)
    return f" Did you mean {by_lower[close[0]]}?" if close else ""

"""What one operation of an edge costs, from its declaration alone."""

from __future__ import annotations

from collections.abc import Callable

from engine.cost.layers import FREE, Cost, batch_norm, convolution, factorized_reduce, relu, strided
from engine.errors import GenotypeError
from engine.genotype.primitives import (
    ENTRY_POINT_GROUP,
    PrimitiveDeclaration,
    declaration,
    is_registered,
    registered_names,
    suggestion,
)

CustomCounter = Callable[[str, int, int, int, bool], Cost]
"""Counts a primitive of a user's own: called with its name, channels, side of the input in pixels, stride, affine."""


def primitive_cost(
    name: str,
    channels: int,
    side: int,
    stride: int,
    *,
    affine: bool,
    pool_norm: bool,
    custom: CustomCounter | None = None,
) -> Cost:
    """Of the module that ``engine.primitives.build_primitive`` makes, for one image.

    Args:
        side: of the input in pixels.
        stride: 1 or 2.
        affine, pool_norm: as ``build_primitive`` has them: True, False in a discrete network; False, True in a supernet.
        custom: counts users' own primitives, which have no closed form.

    Raises:
        GenotypeError: a primitive that is not registered, or a user's own without ``custom``.
        ConfigError: an odd number of channels for a skip connection of stride 2.
    """
    if not is_registered(name):
        raise GenotypeError(
            f"primitive «{name}» is not registered, so its cost is not known.{suggestion(name, registered_names())}",
            mend=f"Declare it in an installed package under the entry point «{ENTRY_POINT_GROUP}».",
        )
    declared = declaration(name)
    if declared.kind != "custom":
        return _closed_form(declared, channels, side, stride, affine, pool_norm)
    if custom is None:
        raise GenotypeError(
            f"primitive «{name}» is a user's own, so its cost has no closed form.",
            mend="(nascope cost counts it by building it.)",
        )
    return custom(name, channels, side, stride, affine)


def needs_building(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the registered primitives that have no closed form."""
    return tuple(name for name in names if is_registered(name) and declaration(name).kind == "custom")


def _closed_form(
    declared: PrimitiveDeclaration, channels: int, side: int, stride: int, affine: bool, pool_norm: bool
) -> Cost:
    side_out = strided(side, stride)
    pixels = side_out**2
    match declared.kind:
        case "identity":
            return FREE if stride == 1 else factorized_reduce(channels, channels, side, affine=affine)
        case "pool":
            return batch_norm(channels, pixels, affine=affine) if pool_norm else FREE
        case "relu_dw_pw_bn":
            layers = convolution(channels, channels, declared.kernel, pixels, groups=channels)
            layers += convolution(channels, channels, (1, 1), pixels, affine=affine)
            # Only the first ReLU reads the image before the stride.
            return layers * declared.repeats + relu(channels, side**2) + relu(channels, pixels) * (declared.repeats - 1)
        case "relu_factorized_bn":
            height, width = declared.kernel
            along_rows = convolution(channels, channels, (1, width), side * side_out)
            along_columns = convolution(channels, channels, (height, 1), pixels, affine=affine)
            return relu(channels, side**2) + along_rows + along_columns
        case _:
            return FREE

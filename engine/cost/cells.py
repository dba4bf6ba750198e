"""What one cell costs in its place in the stack: a discrete one, and one of a supernet."""

from __future__ import annotations

from collections.abc import Sequence

from engine.cost.layers import FREE, Cost, factorized_reduce, relu_conv_bn, total
from engine.cost.primitives import CustomCounter, primitive_cost
from engine.cost.settings import CellPlace
from engine.errors import ConfigError, Fault
from engine.genotype.discretize import edge_list
from engine.genotype.genotype import Cell


def edge_cost(place: CellPlace, primitive: str, source: int, custom: CustomCounter | None = None) -> Cost:
    """An operation on a state of a discrete cell.

    Raises:
        GenotypeError: as ``primitive_cost``.
    """
    return primitive_cost(
        primitive,
        place.channels,
        place.side_of(source),
        place.stride(source),
        affine=True,
        pool_norm=False,
        custom=custom,
    )


def edge_costs(place: CellPlace, cell: Cell, custom: CustomCounter | None = None) -> tuple[Cost, ...]:
    """Every operation of a discrete cell, in the order of ``cell.edges()``.

    Raises:
        GenotypeError: as ``primitive_cost``.
    """
    return tuple(edge_cost(place, edge.primitive, edge.source, custom) for _, _, edge in cell.edges())


def inputs_cost(place: CellPlace, *, affine: bool = True) -> Cost:
    """What fits the two inputs to the cell's channels: a factorized reduce for input 0 behind a reduction, else 1×1.

    Raises:
        ConfigError: a factorized reduce cannot give an odd number of channels.
    """
    fit = factorized_reduce if place.reduced_before else relu_conv_bn
    first = fit(place.channels_before_last, place.channels, place.side_before_last, affine=affine)
    return first + relu_conv_bn(place.channels_last, place.channels, place.side_last, affine=affine)


def cell_cost(place: CellPlace, cell: Cell, custom: CustomCounter | None = None) -> Cost:
    """A discrete cell with what fits its inputs.

    Raises:
        GenotypeError: as ``primitive_cost``.
        ConfigError: as ``inputs_cost``.
    """
    return inputs_cost(place) + total(edge_costs(place, cell, custom))


def supernet_cell_cost(
    place: CellPlace, nodes: int, primitives: Sequence[str], parts: int, custom: CustomCounter | None = None
) -> Cost:
    """A cell of a supernet: all primitives on every edge, each on one of ``parts`` parts of the channels.

    Raises:
        GenotypeError: as ``primitive_cost``.
        ConfigError: as ``inputs_cost``; channels that cannot be cut into equal parts.
    """
    if place.channels % parts:
        fault = f"{place.channels} channels cannot be cut into {parts} equal parts."
        raise ConfigError([Fault("channels", fault, "Use a multiple of partial_channels.")])

    def mixed(source: int) -> Cost:
        return total(
            primitive_cost(
                name, place.channels // parts, place.side_of(source), place.stride(source),
                affine=False, pool_norm=True, custom=custom,
            )
            for name in primitives
        )  # fmt: skip

    edges = total(mixed(source) for source, _ in edge_list(nodes)) if primitives else FREE
    return inputs_cost(place, affine=False) + edges

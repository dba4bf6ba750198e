"""What a whole network costs, part by part: the discrete one of a genotype, and the supernet of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from engine.cost.cells import cell_cost, edge_cost, inputs_cost, supernet_cell_cost
from engine.cost.layers import Cost, total
from engine.cost.primitives import CustomCounter, needs_building
from engine.cost.settings import CellPlace, NetworkSettings, cell_places
from engine.cost.stems import auxiliary_cost, classifier_cost, stem_channels, stem_cost
from engine.errors import GenotypeError
from engine.genotype.discretize import edge_list
from engine.genotype.genotype import CELL_KINDS, INPUT_STATES, CellKind, Genotype
from engine.genotype.primitives import DARTS_PRIMITIVES
from engine.genotype.stack import auxiliary_place

CONVENTION = (
    "one image, eval mode; convolution: output elements x kernel height x kernel width x input channels / groups; linear: "
    "inputs x outputs; batch norm, ReLU, pooling, bias and sums: 0. parameters without the auxiliary head."
)

PartKind = Literal["stem", "normal", "reduction", "classifier"]


@dataclass(frozen=True)
class Part:
    """A piece of a network.

    Attributes:
        layer: of a cell, from 0; None for stem and classifier.
        channels: of its output, for a cell in each of its nodes.
        side: of its output, in pixels.
    """

    kind: PartKind
    layer: int | None
    channels: int
    side: int
    cost: Cost


@dataclass(frozen=True)
class NetworkCost:
    """A network's cost, whole and by part.

    Attributes:
        parts: stem, cells, classifier.
        auxiliary: the head that a training may add; None where it was not asked for.
        arch_parameters: alphas and betas of a supernet; they are no parameters. 0 in a discrete network.
        built: names of users' own primitives, which were counted by building them.
    """

    settings: NetworkSettings
    parts: tuple[Part, ...]
    auxiliary: Cost | None = None
    arch_parameters: int = 0
    built: tuple[str, ...] = ()

    @property
    def cost(self) -> Cost:
        """All parts; the auxiliary head, which a test does without, is none of them."""
        return total(part.cost for part in self.parts)

    @property
    def parameters(self) -> int:
        """Without the auxiliary head."""
        return self.cost.parameters

    @property
    def macs(self) -> int:
        """Multiply-adds for one image."""
        return self.cost.macs

    @property
    def auxiliary_parameters(self) -> int:
        """Of the head; 0 without one."""
        return 0 if self.auxiliary is None else self.auxiliary.parameters

    @property
    def macs_with_elementwise(self) -> int | None:
        """By the convention that counts batch norms and ReLUs; None where a built primitive hides its own."""
        return None if self.built else self.cost.macs_with_elementwise

    def of_cells(self, kind: CellKind) -> Cost:
        """All cells of a kind together."""
        return total(part.cost for part in self.parts if part.kind == kind)

    def as_json(self) -> dict[str, Any]:
        """The document of ``nascope cost --json``."""
        settings = self.settings
        return {
            "parameters": self.parameters, "auxiliary_parameters": self.auxiliary_parameters, "macs": self.macs,
            "macs_with_elementwise": self.macs_with_elementwise,
            "input": [settings.image_channels, settings.image_size, settings.image_size],
            "network": settings.network, "channels": settings.channels, "layers": settings.layers,
            "classes": settings.classes, "arch_parameters": self.arch_parameters,
            "parts": [
                {"part": part.kind, "layer": part.layer, "channels": part.channels, "side": part.side,
                 "parameters": part.cost.parameters, "macs": part.cost.macs}
                for part in self.parts
            ],
            "counted_by_building": list(self.built), "convention": CONVENTION,
        }  # fmt: skip


def network_cost(
    genotype: Genotype, settings: NetworkSettings, *, auxiliary: bool = False, custom: CustomCounter | None = None
) -> NetworkCost:
    """The cost of a genotype's network.

    Args:
        custom: counts users' own primitives; without it they are refused.

    Raises:
        GenotypeError: a primitive without a closed form, or a reduction cell whose concat holds one of its inputs.
        ConfigError: channels or an image size that no such network has.
    """
    _refuse_unequal_concat(genotype)
    places = cell_places(settings, _widths(genotype), stem_channels(settings))
    cells = [cell_cost(place, genotype.cell(place.kind), custom) for place in places]
    head = None
    if auxiliary:
        place = places[auxiliary_place(settings.layers)]
        head = auxiliary_cost(settings, _width(genotype, place), place.side)
    built = needs_building(genotype.used_primitives())
    return NetworkCost(
        settings, _parts(settings, places, cells, _width(genotype, places[-1]), search=False), head, built=built
    )


def supernet_cost(
    settings: NetworkSettings,
    *,
    nodes: int = 4,
    primitives: Sequence[str] = DARTS_PRIMITIVES,
    partial_channels: int = 1,
    edge_normalization: bool = False,
    custom: CustomCounter | None = None,
) -> NetworkCost:
    """The cost of the network that a search trains, with every primitive on every edge computed once.

    Args:
        others: as ``engine.supernet.ReferenceSupernet`` has them.

    Raises:
        GenotypeError: as ``network_cost``.
        ConfigError: as ``network_cost``; channels that cannot be cut into ``partial_channels`` parts.
    """
    places = cell_places(settings, {"normal": nodes, "reduction": nodes}, stem_channels(settings, search=True))
    cells = [supernet_cell_cost(place, nodes, primitives, partial_channels, custom) for place in places]
    edges = len(edge_list(nodes))
    arch = 2 * edges * (len(primitives) + (1 if edge_normalization else 0))
    parts = _parts(settings, places, cells, nodes * places[-1].channels, search=True)
    return NetworkCost(settings, parts, arch_parameters=arch, built=needs_building(tuple(primitives)))


def operation_cost(
    settings: NetworkSettings, kind: CellKind, primitive: str, source: int, custom: CustomCounter | None = None
) -> Cost:
    """What an operation on a state costs in all cells of a kind together, whatever else the cells hold.

    Raises:
        GenotypeError: as ``network_cost``.
    """
    places = cell_places(settings, {"normal": 1, "reduction": 1}, stem_channels(settings))
    return total(edge_cost(place, primitive, source, custom) for place in places if place.kind == kind)


def fixed_cost(settings: NetworkSettings, nodes: int) -> Cost:
    """What a network costs whose cells concatenate all their nodes, before any operation: stem, inputs, classifier.

    Raises:
        ConfigError: as ``network_cost``.
    """
    places = cell_places(settings, {"normal": nodes, "reduction": nodes}, stem_channels(settings))
    head = classifier_cost(nodes * places[-1].channels, settings.classes)
    return stem_cost(settings) + total(inputs_cost(place) for place in places) + head


def _parts(
    settings: NetworkSettings, places: Sequence[CellPlace], cells: Sequence[Cost], channels_out: int, *, search: bool
) -> tuple[Part, ...]:
    first = places[0]
    return (
        Part("stem", None, first.channels_last, first.side_last, stem_cost(settings, search=search)),
        *(
            Part(place.kind, place.layer, place.channels, place.side, cost)
            for place, cost in zip(places, cells, strict=True)
        ),
        Part("classifier", None, settings.classes, 1, classifier_cost(channels_out, settings.classes)),
    )


def _widths(genotype: Genotype) -> Mapping[CellKind, int]:
    return {kind: len(genotype.cell(kind).concat) for kind in CELL_KINDS}


def _width(genotype: Genotype, place: CellPlace) -> int:
    """Channels of a cell's output."""
    return len(genotype.cell(place.kind).concat) * place.channels


def _refuse_unequal_concat(genotype: Genotype) -> None:
    first = min(genotype.reduction.concat)
    if first < INPUT_STATES:
        raise GenotypeError(
            f"reduction, concat: state {first} is an input of the cell, twice as large as its nodes.",
            mend=f"Name states of {INPUT_STATES} and up.",
        )

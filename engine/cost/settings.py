"""The sizes of a network, and how its cells stand behind each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.config.network import NetworkKind
from engine.cost.layers import halved
from engine.errors import ConfigError, Fault
from engine.genotype.genotype import CellKind
from engine.genotype.stack import reduction_places


@dataclass(frozen=True)
class NetworkSettings:
    """What decides a network's cost besides its cells.

    Attributes:
        network: the stem: ``cifar`` keeps the image's size, ``imagenet`` halves it three times.
        channels: C of the first cell; each reduction doubles them.
        layers: number of cells.
        classes: number of classes.
        image_size: side of the images in pixels.
        image_channels: colour channels of the images.

    Raises:
        ConfigError: sizes that no network has.
    """

    network: NetworkKind
    channels: int
    layers: int
    classes: int
    image_size: int
    image_channels: int = 3

    def __post_init__(self) -> None:
        faults = [
            Fault(name, f"{getattr(self, name)} is too few.", f"Use {least} or more.")
            for name, least in (
                ("channels", 2),
                ("layers", 1),
                ("classes", 1),
                ("image_size", 1),
                ("image_channels", 1),
            )
            if getattr(self, name) < least
        ]
        if faults:
            raise ConfigError(faults)


PAPER_CIFAR = NetworkSettings("cifar", 36, 20, 10, 32)
"""The network of the papers' CIFAR-10 tables (DARTS section 3.2)."""

PAPER_IMAGENET = NetworkSettings("imagenet", 48, 14, 1000, 224)
"""The network of the papers' ImageNet tables (DARTS section 3.3)."""

PAPER_SETTINGS: Mapping[NetworkKind, NetworkSettings] = {"cifar": PAPER_CIFAR, "imagenet": PAPER_IMAGENET}


@dataclass(frozen=True)
class CellPlace:
    """One cell in the stack.

    Attributes:
        layer: from 0.
        channels: C of this cell.
        channels_before_last, channels_last: of the outputs of the two cells before.
        side_before_last, side_last: of these outputs, in pixels.
        side: of this cell's output, in pixels.
        reduced_before: whether the cell before halved the resolution (so does the ImageNet stem), so that input 0 is
            twice as large.
    """

    layer: int
    kind: CellKind
    channels: int
    channels_before_last: int
    channels_last: int
    side_before_last: int
    side_last: int
    side: int
    reduced_before: bool

    def stride(self, source: int) -> int:
        """Of an edge from this state: in a reduction cell 2 from its two inputs; nodes are of the halved size already."""
        return 2 if self.kind == "reduction" and source < 2 else 1

    def side_of(self, source: int) -> int:
        """Side of a state in pixels; both inputs have that of the last cell's output once they are fitted."""
        return self.side_last if source < 2 else self.side


def cell_places(
    settings: NetworkSettings, widths: Mapping[CellKind, int], stem_channels: tuple[int, int]
) -> tuple[CellPlace, ...]:
    """All cells from the first to the last.

    Args:
        widths: how many states a cell of each kind concatenates.
        stem_channels: of the two images that the stem gives to the first cell.
    """
    before_last, last = stem_channels
    side_before_last, side_last = stem_sides(settings)
    channels, reduced_before = settings.channels, settings.network == "imagenet"
    places = []
    for layer in range(settings.layers):
        kind: CellKind = "reduction" if layer in reduction_places(settings.layers) else "normal"
        if kind == "reduction":
            channels *= 2
        side = halved(side_last) if kind == "reduction" else side_last
        places.append(
            CellPlace(layer, kind, channels, before_last, last, side_before_last, side_last, side, reduced_before)
        )
        before_last, last = last, widths[kind] * channels
        side_before_last, side_last = side_last, side
        reduced_before = kind == "reduction"
    return tuple(places)


def stem_sides(settings: NetworkSettings) -> tuple[int, int]:
    """Sides in pixels of the two images that the stem gives to the first cell."""
    if settings.network == "cifar":
        return settings.image_size, settings.image_size
    first = halved(halved(settings.image_size))
    return first, halved(first)

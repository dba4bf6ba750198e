"""Search spaces of two-stage methods as data: stages of MBConv blocks and what may be chosen in each.

A space is a JSON object; shipped ones lie in ``resources/spaces``. Choices hold for a whole stage, as in the public
code of AttentiveNAS.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from engine.errors import NascopeError
from engine.genotype.primitives import suggestion

SCHEMA = 1
FIELDS = ("resolution", "width", "depth", "kernel_size", "expand_ratio")
"""Names of an architecture's choices, in the order of records and of coordinates."""

_LIMITS = {"resolution": 1024, "width": 8192, "depth": 64, "kernel_size": 15, "expand_ratio": 16}
_PARTS = ("image", "stem", "head", "classifier")
"""Parts of every network that are no stages."""
_MAX_STAGES = 32
_MAX_CHOICES = 64
_LAST_SIDE = 2
"""Pixels that the last feature map must have a side: of one pixel batch norm sees nothing but the batch."""


class SpaceFileError(NascopeError):
    """A space that cannot be read; ``where`` names the place in it."""


class SubnetError(NascopeError):
    """A record that describes no sub-network of its space, or a space that nobody knows."""


@dataclass(frozen=True)
class Coordinate:
    """One choice of an architecture.

    Attributes:
        field: one of ``FIELDS``.
        index: place in the record's list, None for the resolution.
        choices: allowed values, ascending.
        part: whose choice it is: ``image``, ``stem``, a stage's name or ``head``.
    """

    field: str
    index: int | None
    choices: tuple[int, ...]
    part: str

    @property
    def place(self) -> str:
        """As messages name it: ``resolution``, ``width[0] (stem)``."""
        return self.field if self.index is None else f"{self.field}[{self.index}] ({self.part})"


@dataclass(frozen=True)
class Stage:
    """A stage of MBConv blocks; one choice of width, depth, kernel and expansion holds for all its blocks.

    Attributes:
        name: for example ``mb1``.
        width, depth, kernel_size, expand_ratio: choices, ascending.
        stride: of the first block.
        squeeze_excite: whether its blocks have squeeze-and-excitation.
    """

    name: str
    width: tuple[int, ...]
    depth: tuple[int, ...]
    kernel_size: tuple[int, ...]
    expand_ratio: tuple[int, ...]
    stride: int = 1
    squeeze_excite: bool = False


@dataclass(frozen=True)
class Space:
    """Everything that a sub-network may be.

    Attributes:
        name: as ``--set space`` takes it.
        classes: number of logits.
        resolution: choices of the side that images are resized to inside the network, pixels.
        first_width: channels of the stem, a 3x3 convolution of stride ``first_stride``.
        last_width: features before the classifier.
        head: ``v3``: 1x1 convolution to ``head_expansion`` times the last stage's width, pool, 1x1 convolution to the last
            width without batch norm, classifier; ``v1``: 1x1 convolution to the last width, pool, classifier.
    """

    name: str
    title: str
    summary: str
    source: str
    classes: int
    resolution: tuple[int, ...]
    first_width: tuple[int, ...]
    first_stride: int
    stages: tuple[Stage, ...]
    last_width: tuple[int, ...]
    head: Literal["v3", "v1"]
    head_expansion: int = 6

    image_channels: int = 3
    """Colour channels of the stem; grey images are repeated."""

    def coordinates(self) -> tuple[Coordinate, ...]:
        """Every choice in the order of a record: resolution, widths (stem, stages, head), depths, kernels, expansions."""
        return self._coordinates

    @cached_property
    def _coordinates(self) -> tuple[Coordinate, ...]:
        # Kept: every architecture is checked against them, and tens of thousands are drawn to learn a space's costs.
        stages = self.stages
        widths = [
            ("stem", self.first_width),
            *((stage.name, stage.width) for stage in stages),
            ("head", self.last_width),
        ]
        found = [Coordinate("resolution", None, self.resolution, "image")]
        found += [Coordinate("width", place, choices, part) for place, (part, choices) in enumerate(widths)]
        for field in FIELDS[2:]:
            found += [Coordinate(field, place, getattr(stage, field), stage.name) for place, stage in enumerate(stages)]
        return tuple(found)

    @property
    def size(self) -> int:
        """Number of architectures."""
        return math.prod(len(coordinate.choices) for coordinate in self.coordinates())

    @property
    def stride(self) -> int:
        """How much smaller the last feature map is than the image, in pixels a side."""
        return self.first_stride * math.prod(stage.stride for stage in self.stages)

    def with_classes(self, classes: int) -> Space:
        """The same space for another number of classes."""
        return replace(self, classes=classes)

    def as_json(self) -> dict[str, Any]:
        """The object that ``space_from_json`` reads."""
        return {
            "schema": SCHEMA, "name": self.name, "title": self.title, "summary": self.summary, "source": self.source,
            "classes": self.classes, "resolution": list(self.resolution),
            "first": {"width": list(self.first_width), "stride": self.first_stride},
            "stages": [
                {
                    "name": stage.name, "width": list(stage.width), "depth": list(stage.depth), "kernel_size": list(stage.kernel_size),
                    "expand_ratio": list(stage.expand_ratio), "stride": stage.stride, "squeeze_excite": stage.squeeze_excite,
                }
                for stage in self.stages
            ],
            "last": {"width": list(self.last_width), "head": self.head, "expansion": self.head_expansion},
        }  # fmt: skip


def space_from_json(document: Any) -> Space:
    """Read and check a space.

    Raises:
        SpaceFileError: anything that is missing, of a wrong type or impossible; ``where`` is the place in the object.
    """
    entry = _Object(document, "space")
    schema = entry.number("schema", 1, 1_000_000, default=SCHEMA)
    if schema > SCHEMA:
        raise SpaceFileError(
            f"schema {schema} is newer than this nascope reads ({SCHEMA}).", where="schema", mend="Update nascope."
        )
    first, last = entry.object("first"), entry.object("last")
    stages_found = entry.get("stages")
    if not isinstance(stages_found, list) or not 1 <= len(stages_found) <= _MAX_STAGES:
        raise SpaceFileError(
            f"must be a list of 1 to {_MAX_STAGES} stages; found {_shown(stages_found)}.", where="stages"
        )
    stages = tuple(_stage(_Object(stage, f"stages[{place}]"), place) for place, stage in enumerate(stages_found))
    names = [stage.name for stage in stages]
    twice = next((name for name in names if names.count(name) > 1 or name in _PARTS), None)
    if twice is not None:
        raise SpaceFileError(
            f"«{twice}» is taken already.",
            where=f"stages[{names.index(twice)}].name",
            mend="Give each stage a name of its own.",
        )
    head = last.text("head", default="v3")
    if head not in ("v3", "v1"):
        raise SpaceFileError(f"must be v3 or v1; found {_shown(head)}.", where="last.head")
    space = Space(
        name=entry.text("name"), title=entry.text("title", default=entry.text("name")), summary=entry.text("summary", default=""),
        source=entry.text("source", default=""), classes=entry.number("classes", 2, 1_000_000, default=10),
        resolution=entry.choices("resolution"), first_width=first.choices("width"), first_stride=first.number("stride", 1, 4, default=1),
        stages=stages, last_width=last.choices("width"), head="v3" if head == "v3" else "v1",
        head_expansion=last.number("expansion", 1, 64, default=6),
    )  # fmt: skip
    for part in (entry, first, last):
        part.refuse_unknown()
    _refuse_small_resolution(space)
    return space


def last_side(space: Space, resolution: int) -> int:
    """Side in pixels of the last feature map: the stem and each strided stage round up, as padded convolutions do."""
    side = resolution
    for stride in (space.first_stride, *(stage.stride for stage in space.stages)):
        side = -(-side // stride)
    return side


def _refuse_small_resolution(space: Space) -> None:
    smallest = space.resolution[0]
    if last_side(space, smallest) >= _LAST_SIDE:
        return
    enough = next(side for side in range(smallest, 10_000) if last_side(space, side) >= _LAST_SIDE)
    raise SpaceFileError(
        f"{smallest} pixels are too few for strides of {space.stride} together: the last feature map would have a side of "
        f"{last_side(space, smallest)}.",
        where="resolution", mend=f"Use {enough} or more, or fewer strides.",
    )  # fmt: skip


def _stage(entry: _Object, place: int) -> Stage:
    stage = Stage(
        entry.text("name", default=f"mb{place + 1}"), entry.choices("width"), entry.choices("depth"), entry.choices("kernel_size"),
        entry.choices("expand_ratio"), entry.number("stride", 1, 4, default=1), entry.flag("squeeze_excite"),
    )  # fmt: skip
    entry.refuse_unknown()
    even = [kernel for kernel in stage.kernel_size if kernel % 2 == 0]
    if even:
        raise SpaceFileError(
            f"{even[0]} is even; kernels need a centre.", where=f"{entry.where}.kernel_size", mend=f"Use {even[0] - 1} or {even[0] + 1}."
        )  # fmt: skip
    if 1 in stage.expand_ratio and len(stage.expand_ratio) > 1:
        raise SpaceFileError(
            "1 stands beside other values: a block without expansion has no layer that the others could share.",
            where=f"{entry.where}.expand_ratio", mend="Use 1 alone, or leave it out.",
        )  # fmt: skip
    return stage


class _Object:
    """A JSON object that is read key by key; what is left over is a fault."""

    def __init__(self, document: Any, where: str) -> None:
        if not isinstance(document, Mapping):
            raise SpaceFileError(f"must be an object; found {_shown(document)}.", where=where)
        self._values = dict(document)
        self.where = where
        self._asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self._asked.add(name)
        return self._values.get(name, default)

    def place(self, name: str) -> str:
        return name if self.where == "space" else f"{self.where}.{name}"

    def object(self, name: str) -> _Object:
        return _Object(self.get(name), self.place(name))

    def text(self, name: str, default: str | None = None) -> str:
        value = self.get(name, default)
        if not isinstance(value, str) or len(value) > 2000 or (default is None and not value.strip()):
            raise SpaceFileError(f"must be a text; found {_shown(value)}.", where=self.place(name))
        return value

    def flag(self, name: str) -> bool:
        value = self.get(name, False)
        if not isinstance(value, bool):
            raise SpaceFileError(f"must be true or false; found {_shown(value)}.", where=self.place(name))
        return value

    def number(self, name: str, least: int, most: int, default: int | None = None) -> int:
        value = self.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise SpaceFileError(
                f"must be a whole number from {least} to {most}; found {_shown(value)}.", where=self.place(name)
            )
        return value

    def choices(self, name: str) -> tuple[int, ...]:
        """A list of different whole numbers, sorted; one number alone is a list of one."""
        value = self.get(name)
        values = [value] if isinstance(value, int) and not isinstance(value, bool) else value
        most = _LIMITS[name]
        is_list = isinstance(values, list) and 1 <= len(values) <= _MAX_CHOICES
        if not is_list or not all(
            isinstance(entry, int) and not isinstance(entry, bool) and 1 <= entry <= most for entry in values
        ):
            raise SpaceFileError(
                f"must be a list of whole numbers from 1 to {most}; found {_shown(value)}.", where=self.place(name)
            )
        if len(set(values)) < len(values):
            raise SpaceFileError(
                f"names a value twice: {_shown(value)}.", where=self.place(name), mend="Name each once."
            )
        return tuple(sorted(values))

    def refuse_unknown(self) -> None:
        """Raises the error of keys that nobody asked for."""
        unknown = sorted(map(str, self._values.keys() - self._asked))
        if unknown:
            near = suggestion(unknown[0], self._asked)
            raise SpaceFileError(
                f"is nothing that a space has.{near}", where=self.place(unknown[0]),
                mend="Correct the name, or remove it." if near else "Remove it.",
            )  # fmt: skip


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= 100 else text[:100] + "…"

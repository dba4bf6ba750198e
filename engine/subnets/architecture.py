"""An architecture: one sub-network of a space, as an immutable record."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.genotype.primitives import suggestion
from engine.subnets.shipped import is_shipped, space_named, space_names, spaces
from engine.subnets.space import FIELDS, SCHEMA, Coordinate, Space, SpaceFileError, SubnetError, space_from_json

_OPTIONAL = ("schema", "classes", "name", "source")


@dataclass(frozen=True)
class Architecture:
    """One sub-network.

    Attributes:
        space: what it was chosen from.
        resolution: side that images are resized to, pixels.
        width: channels of the stem, of each stage, and features before the classifier.
        depth, kernel_size, expand_ratio: one a stage.

    Raises:
        SubnetError: a value that the space does not have, or a list of the wrong length.
    """

    space: Space
    resolution: int
    width: tuple[int, ...]
    depth: tuple[int, ...]
    kernel_size: tuple[int, ...]
    expand_ratio: tuple[int, ...]

    def __post_init__(self) -> None:
        stages = len(self.space.stages)
        for field, length in (
            ("width", stages + 2),
            ("depth", stages),
            ("kernel_size", stages),
            ("expand_ratio", stages),
        ):
            found = getattr(self, field)
            if len(found) != length:
                raise SubnetError(
                    f"has {len(found)} values; the space {self.space.name} has {length}.", where=field,
                    mend=f"Give {length}: {'first, ' if field == 'width' else ''}one a stage{', last' if field == 'width' else ''}.",
                )  # fmt: skip
        for coordinate, value in zip(self.space.coordinates(), self.values(), strict=True):
            if value not in coordinate.choices:
                nearest = min(coordinate.choices, key=lambda choice: (abs(choice - value), choice))
                raise SubnetError(
                    f"{value} is no choice of the space {self.space.name}.", where=coordinate.place,
                    mend=f"Use {_listed(coordinate)}; {nearest} is the nearest.",
                )  # fmt: skip

    @classmethod
    def from_values(cls, space: Space, values: Sequence[int]) -> Architecture:
        """From one value a coordinate, in the order of ``space.coordinates()``."""
        stages = len(space.stages)
        cuts = (1, stages + 3, 2 * stages + 3, 3 * stages + 3, 4 * stages + 3)
        if len(values) != cuts[-1]:
            raise ValueError(f"{len(values)} values for {cuts[-1]} coordinates")
        parts = [tuple(values[start:stop]) for start, stop in itertools.pairwise(cuts)]
        return cls(space, values[0], *parts)

    def values(self) -> tuple[int, ...]:
        """One value a coordinate, in the order of ``space.coordinates()``."""
        return (self.resolution, *self.width, *self.depth, *self.kernel_size, *self.expand_ratio)

    @property
    def key(self) -> str:
        """Eight hexadecimal digits that tell it from the others of its space; for names of files."""
        text = f"{self.space.name}/{','.join(map(str, self.values()))}"
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    def as_json(self) -> dict[str, Any]:
        """The record that ``architecture_from_json`` reads. A space that does not ship is written into it."""
        space, is_known = self.space, is_shipped(self.space)
        record: dict[str, Any] = {
            "schema": SCHEMA, "space": space.name if is_known else space.as_json(), "resolution": self.resolution,
            **{field: list(getattr(self, field)) for field in FIELDS[1:]},
        }  # fmt: skip
        if is_known and space.classes != spaces()[space.name].classes:
            record["classes"] = space.classes
        return record


def architecture_from_json(document: Any, *, space: Space | None = None) -> Architecture:
    """Read and check a record.

    Args:
        space: that of a run, which the record must be of; None takes the one that the record names or holds.

    Raises:
        SubnetError: a missing or wrong field, with its place, and the nearest possible value.
        SpaceFileError: the space that the record holds is wrong.
    """
    if not isinstance(document, Mapping):
        raise SubnetError(
            "must be a JSON object.", where="record", mend='Write {"space": "laptop", "resolution": 32, ...}.'
        )
    unknown = sorted(map(str, set(document) - {*FIELDS, *_OPTIONAL, "space"}))
    if unknown:
        raise SubnetError(
            f"is no field of a sub-network.{suggestion(unknown[0], [*FIELDS, 'space'])}",
            where=unknown[0],
            mend="Remove it.",
        )
    schema = document.get("schema", SCHEMA)
    if not isinstance(schema, int) or schema > SCHEMA:
        raise SubnetError(
            f"{schema} is newer than this nascope reads ({SCHEMA}).", where="schema", mend="Update nascope."
        )
    own = _space_of(document)
    if space is not None and own is not None and own.with_classes(space.classes) != space:
        raise SubnetError(
            f"is of the space {own.name}, the run is of {space.name}.",
            where="space",
            mend=f"Name a sub-network of {space.name}.",
        )
    found = space or own
    if found is None:
        raise SubnetError(
            "is missing.", where="space", mend=f"Use {', '.join(space_names())}, or write the space itself."
        )
    numbers = {field: _numbers(document, field) for field in FIELDS}
    if len(numbers["resolution"]) != 1:
        raise SubnetError("must be one whole number.", where="resolution")
    return Architecture(found, numbers["resolution"][0], *(numbers[field] for field in FIELDS[1:]))


def smallest(space: Space) -> Architecture:
    """The sub-network of the least of every choice."""
    return Architecture.from_values(space, [coordinate.choices[0] for coordinate in space.coordinates()])


def biggest(space: Space) -> Architecture:
    """The sub-network of the most of every choice."""
    return Architecture.from_values(space, [coordinate.choices[-1] for coordinate in space.coordinates()])


def _space_of(document: Mapping[str, Any]) -> Space | None:
    named = document.get("space")
    if named is None:
        return None
    space = space_named(named) if isinstance(named, str) else _own_space(named)
    classes = document.get("classes")
    if classes is None:
        return space
    if not isinstance(classes, int) or isinstance(classes, bool) or not 2 <= classes <= 1_000_000:
        raise SubnetError(f"must be a whole number from 2 to 1000000; found {classes!r:.100}.", where="classes")
    return space.with_classes(classes)


def _own_space(document: Any) -> Space:
    try:
        return space_from_json(document)
    except SpaceFileError as error:
        place = "space" if error.where in (None, "space") else f"space.{error.where}"
        raise SpaceFileError(error.what, where=place, mend=error.mend) from None


def _numbers(document: Mapping[str, Any], field: str) -> tuple[int, ...]:
    value: Any = document.get(field)
    values = [value] if field == "resolution" else value
    if not isinstance(values, list) or len(values) > 100 or not all(_is_whole(entry) for entry in values):
        wanted = "a whole number" if field == "resolution" else "a list of whole numbers"
        found = "nothing" if value is None else f"{value!r:.100}"
        raise SubnetError(f"must be {wanted}; found {found}.", where=field)
    return tuple(values)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _listed(coordinate: Coordinate) -> str:
    return ", ".join(map(str, coordinate.choices))

"""The declarations of settings as plain values, for forms, command-line help and the table in the docs."""

from __future__ import annotations

import types
import typing
from dataclasses import dataclass
from typing import Any, Literal

import annotated_types

from engine.config.kinds import CONFIG_CLASSES

FieldType = Literal["int", "float", "bool", "text", "choice"]

NOT_SAID = frozenset(
    {"kind", "genotype", "search_run", "split_fingerprint", "space_definition", "architecture", "supernet_run"}
)
"""Fields that no person sets: they come from what a run is made of."""


@dataclass(frozen=True)
class FieldDescription:
    """One setting, as a form needs it.

    Attributes:
        optional: whether it may be left empty (None).
        minimum, maximum: bounds, None where there is none; exclusive where the flag says so.
        choices: allowed values of a ``choice``.
        source: paper that the default comes from, or None.
    """

    name: str
    type: FieldType
    group: str
    help: str
    default: Any
    optional: bool = False
    minimum: float | None = None
    maximum: float | None = None
    minimum_excluded: bool = False
    maximum_excluded: bool = False
    choices: tuple[Any, ...] = ()
    source: str | None = None

    @property
    def range_text(self) -> str:
        """The allowed range in words, empty where everything is allowed."""
        if self.choices:
            return ", ".join(map(str, self.choices))
        low = None if self.minimum is None else f"{'above' if self.minimum_excluded else 'at least'} {self.minimum:g}"
        high = None if self.maximum is None else f"{'below' if self.maximum_excluded else 'at most'} {self.maximum:g}"
        return ", ".join(part for part in (low, high) if part)


def describe(kind: str) -> tuple[FieldDescription, ...]:
    """Every setting of a kind of run that a person may set, in the order of declaration."""
    found = []
    for name, field in CONFIG_CLASSES[kind].model_fields.items():
        if name in NOT_SAID:
            continue
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        base, optional = _without_none(field.annotation)
        choices = tuple(typing.get_args(base)) if typing.get_origin(base) is Literal else ()
        minimum, minimum_excluded, maximum, maximum_excluded = _bounds(field.metadata)
        found.append(
            FieldDescription(
                name=name, type=_type(base, choices), group=str(extra.get("group", "Other")), help=field.description or "",
                default=field.default, optional=optional, minimum=minimum, maximum=maximum, minimum_excluded=minimum_excluded,
                maximum_excluded=maximum_excluded, choices=choices, source=str(extra["source"]) if extra.get("source") else None,
            )
        )  # fmt: skip
    return tuple(found)


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        rest = [part for part in typing.get_args(annotation) if part is not type(None)]
        return rest[0], len(rest) < len(typing.get_args(annotation))
    return annotation, False


def _type(base: Any, choices: tuple[Any, ...]) -> FieldType:
    if choices:
        return "choice"
    names: dict[Any, FieldType] = {bool: "bool", int: "int", float: "float"}
    return names.get(base, "text")


def _bounds(metadata: list[Any]) -> tuple[float | None, bool, float | None, bool]:
    minimum, minimum_excluded, maximum, maximum_excluded = None, False, None, False
    for entry in metadata:
        if isinstance(entry, annotated_types.Ge):
            minimum = typing.cast(float, entry.ge)
        elif isinstance(entry, annotated_types.Gt):
            minimum, minimum_excluded = typing.cast(float, entry.gt), True
        elif isinstance(entry, annotated_types.Le):
            maximum = typing.cast(float, entry.le)
        elif isinstance(entry, annotated_types.Lt):
            maximum, maximum_excluded = typing.cast(float, entry.lt), True
    return minimum, minimum_excluded, maximum, maximum_excluded

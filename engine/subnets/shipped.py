"""Spaces that ship with nascope."""

from __future__ import annotations

import importlib.resources
import json
from functools import cache

from engine.genotype.primitives import suggestion
from engine.subnets.space import Space, SubnetError, space_from_json

_ORDER = ("laptop", "laptop-cifar", "cifar", "attentive-nas", "bignas")


@cache
def spaces() -> dict[str, Space]:
    """The shipped spaces by name, small ones first."""
    found = {}
    for file in (importlib.resources.files("resources") / "spaces").iterdir():
        if file.name.endswith(".json"):
            space = space_from_json(json.loads(file.read_text(encoding="utf-8")))
            found[space.name] = space
    return {name: found[name] for name in [*_ORDER, *sorted(found.keys() - set(_ORDER))] if name in found}


def space_names() -> tuple[str, ...]:
    """Names that ``space_named`` knows."""
    return tuple(spaces())


def space_named(name: str) -> Space:
    """The shipped space.

    Raises:
        SubnetError: no such name; the message lists all.
    """
    found = spaces().get(name)
    if found is None:
        raise SubnetError(
            f"«{name[:100]}» is no space.{suggestion(name[:100], spaces())}", where="space", mend=f"Use {', '.join(spaces())}, or a JSON file of one."
        )  # fmt: skip
    return found


def is_shipped(space: Space) -> bool:
    """Whether a space ships under its name, whatever its number of classes; another of the same name does not."""
    shipped = spaces().get(space.name)
    return shipped is not None and shipped.with_classes(space.classes) == space

"""Spaces and published sub-networks that ship with nascope."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from engine.genotype.primitives import suggestion
from engine.subnets.architecture import Architecture, SubnetError, architecture_from_json
from engine.subnets.space import Space, space_from_json

_ORDER = ("laptop", "laptop-cifar", "cifar", "attentive-nas", "bignas")


@dataclass(frozen=True)
class NamedSubnet:
    """A published sub-network with its passport.

    Attributes:
        passport: ``summary``, ``paper``, ``repository``, and published numbers such as ``imagenet_top1_accuracy_percent``.
    """

    name: str
    architecture: Architecture
    passport: Mapping[str, Any]


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


def shipped_space(name: str) -> Space | None:
    """The shipped space of this name, None where there is none."""
    return spaces().get(name)


def space_named(name: str) -> Space:
    """The shipped space.

    Raises:
        SubnetError: no such name; the message lists all.
    """
    found = shipped_space(name)
    if found is None:
        raise SubnetError(
            f"«{name[:100]}» is no space.{suggestion(name[:100], spaces())}", where="space", mend=f"Use {', '.join(spaces())}, or a JSON file of one."
        )  # fmt: skip
    return found


@cache
def named_subnets() -> dict[str, NamedSubnet]:
    """The published sub-networks by name."""
    text = (importlib.resources.files("resources") / "subnets" / "published.json").read_text(encoding="utf-8")
    return {
        entry["name"]: NamedSubnet(entry["name"], architecture_from_json(entry["architecture"]), entry["passport"])
        for entry in json.loads(text)
    }


def name_of(architecture: Architecture) -> str:
    """The published name of a sub-network, whatever its number of classes; else its key."""
    for name, entry in named_subnets().items():
        published = entry.architecture
        if published.space.name == architecture.space.name and published.values() == architecture.values():
            return name
    return architecture.key

"""Published sub-networks that ship with nascope."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from engine.subnets.architecture import Architecture, architecture_from_json


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

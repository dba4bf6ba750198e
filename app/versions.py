"""Versions of what a result or a fault may depend on; read from the packages, never by importing them."""

from __future__ import annotations

import importlib.metadata
import platform

import engine


def version_of(package: str) -> str:
    """A package's version."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def versions() -> dict[str, str]:
    """Versions that can change a result."""
    return {"nascope": engine.__version__, "python": platform.python_version(), "torch": version_of("torch")}

"""What ``config.json`` and the ``started`` event tell of the surroundings of a run."""

from __future__ import annotations

import platform
from typing import Any

import torch

import engine


def versions() -> dict[str, str]:
    """Versions that can change a result."""
    found = {"nascope": engine.__version__, "torch": torch.__version__, "python": platform.python_version()}
    if torch.version.cuda:
        found["cuda"] = torch.version.cuda
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
    return found


def run_facts(command: str, preset: str | None = None) -> dict[str, Any]:
    """Facts for ``RunFolder.create``: versions, the command that started the run, the preset that was named."""
    return {"versions": versions(), "command": command, **({"preset": preset} if preset else {})}

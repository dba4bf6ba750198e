"""What a process that measures for another prints: one JSON object, found numbers or an error in words."""

from __future__ import annotations

import json
from typing import Any


def read_answer(text: str) -> dict[str, Any] | None:
    """The object, or None where the text is none or its ``error`` is not ``{what, where, mend}``."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    if "error" in found and not (isinstance(found["error"], dict) and set(found["error"]) == {"what", "where", "mend"}):
        return None
    return found

"""Writing a file so that a reader sees the old one or the new one, never half of one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def write_atomically(path: Path, text: str, *, durable: bool = False) -> None:
    """Replace ``path`` by ``text`` in one rename; ``durable`` also waits for the disk.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def write_json(path: Path, document: Any, *, durable: bool = False, in_place: bool = False) -> None:
    """Replace ``path`` by this document, indented; ``in_place`` writes over the old file, where its space is all there is."""
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    if not in_place:
        write_atomically(path, text, durable=durable)
        return
    with path.open("r+", encoding="utf-8") as file:
        file.write(text)
        file.truncate()


def read_json(path: Path) -> Any | None:
    """The document in ``path``; None where there is none or it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None

"""From what a person names to a sub-network: a published name, or a JSON record in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.errors import NascopeError
from engine.subnets.architecture import Architecture, architecture_from_json
from engine.subnets.named import named_subnets
from engine.subnets.space import Space, SpaceFileError, SubnetError, space_from_json

_MAX_FILE_BYTES = 4 * 2**20


def is_subnet(text: str) -> bool:
    """Whether this names a sub-network rather than cells: a published name, or a JSON file with a record in it.

    Files that cannot be read, and everything else, are left to whoever reads genotypes.
    """
    if text in named_subnets():
        return True
    path = Path(text).expanduser()
    try:
        return path.is_file() and _is_record(_document(path))
    except (NascopeError, OSError):
        return False


def read_subnet(text: str, *, space: Space | None = None) -> Architecture:
    """The sub-network of a published name or of a file.

    The file may hold the record itself, or an object with it under ``architecture``: a row of ``nascope select``.

    Args:
        space: that of a run, which it must be from.

    Raises:
        SubnetError, SpaceFileError: it cannot be read, or describes no sub-network; ``where`` begins with the file.
    """
    if text in named_subnets():
        found = named_subnets()[text].architecture
        return found if space is None else architecture_from_json(found.as_json(), space=space)
    path = Path(text).expanduser()
    if not path.is_file():
        raise SubnetError(
            "there is no such sub-network or file.",
            where=text[:300],
            mend=f"Name a JSON file, or one of {', '.join(named_subnets())}.",
        )
    try:
        document = _document(path)
        return architecture_from_json(
            document.get("architecture", document) if isinstance(document, dict) else document, space=space
        )
    except NascopeError as error:
        kind = SpaceFileError if isinstance(error, SpaceFileError) else SubnetError
        raise kind(error.what, where=f"{text}, {error.where}" if error.where else text, mend=error.mend) from None


def read_space(path: Path) -> Space:
    """The space that a JSON file holds.

    Raises:
        SpaceFileError: it cannot be read; ``where`` is the file and the place in it.
    """
    try:
        return space_from_json(_document(path))
    except NascopeError as error:
        raise SpaceFileError(
            error.what, where=f"{path}, {error.where}" if error.where else str(path), mend=error.mend
        ) from None


def _document(path: Path) -> Any:
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise SubnetError("the file is too large.", mend="Give a JSON record.")
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SubnetError(f"cannot be read ({error.strerror}).", mend="Check the path.") from None
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise SubnetError(f"is not valid JSON ({str(error)[:100]}).", mend="Mend the file.") from None


def _is_record(document: Any) -> bool:
    if isinstance(document, dict) and isinstance(document.get("architecture"), dict):
        document = document["architecture"]
    # «space» alone is no sign: a search's configuration has one too.
    signs = {"depth", "kernel_size", "expand_ratio"}
    return isinstance(document, dict) and "normal" not in document and bool(signs & set(document))

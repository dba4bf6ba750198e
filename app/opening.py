"""What a path that was dropped or opened is: a run, a genotype, a sub-network, a configuration, data, a log of the original code."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from engine.config import read_config_file
from engine.errors import GenotypeError
from engine.genotype import Genotype
from engine.genotype.named import is_named, named
from engine.genotype.read import read_genotype
from engine.genotype.text import parse_text
from engine.runs import find_runs
from engine.runs.folder import CONFIG
from engine.study.folder import STUDY, is_study
from engine.subnets import Architecture, named_subnets
from engine.subnets.read import is_subnet, read_subnet

_MAX_BYTES = 4 * 2**20
_EPOCH_LINE = re.compile(r"^.{0,40}\bepoch:? +\d+ +lr +\d", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Opened:
    """What was found.

    Attributes:
        several: further genotypes in the same file, by name; the person chooses.
        values: settings of a configuration file.
        data: what ``--data`` would say of it.
    """

    kind: Literal["run", "runs", "study", "study file", "genotype", "subnet", "config", "data", "log"]
    path: Path
    genotype: Genotype | None = None
    several: dict[str, Genotype] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    data: str = ""
    architecture: Architecture | None = None


def recognize(text: str) -> Opened:
    """What a path (or the name of a genotype or a sub-network, or ``FILE:NAME``) is.

    Raises:
        NascopeError: nothing of the kind is there, or it cannot be read; the message names it.
    """
    if is_named(text):
        return Opened("genotype", Path(text), named(text))
    if text in named_subnets():
        return Opened("subnet", Path(text), architecture=read_subnet(text))
    path = Path(text).expanduser().absolute()
    if path.is_dir():
        return _folder(path)
    if not path.is_file():
        return Opened("genotype", path, read_genotype(text))
    if path.name == STUDY and is_study(path.parent):
        return Opened("study", path.parent)
    if path.name == CONFIG and (path.parent / "status.json").is_file():
        return Opened("run", path.parent)
    if path.suffix == ".npz":
        return Opened("data", path, data=f"npz:{path}")
    if path.suffix == ".json" and _holds_study(path):
        return Opened("study file", path)
    if path.suffix == ".json" and _holds_subnet(path):
        return Opened("subnet", path, architecture=read_subnet(str(path)))
    if path.suffix == ".json" and not _holds_cells(path):
        return Opened("config", path, values=read_config_file(path))
    if path.suffix != ".json" and looks_like_log(path):
        return Opened("log", path)
    return _genotype_file(path)


def looks_like_log(path: Path) -> bool:
    """Whether a file has the lines that the original code writes at the head of an epoch."""
    return _EPOCH_LINE.search(_text(path)) is not None


def _folder(path: Path) -> Opened:
    if (path / CONFIG).is_file():
        return Opened("run", path)
    if is_study(path):
        return Opened("study", path)
    if find_runs(path):
        return Opened("runs", path)
    if (path / "log.txt").is_file() and looks_like_log(path / "log.txt"):
        return Opened("log", path)
    return Opened("data", path, data=f"image-folder:{path}")


def _genotype_file(path: Path) -> Opened:
    try:
        return Opened("genotype", path, read_genotype(str(path)))
    except GenotypeError:
        several = _definitions(path)
        if len(several) < 2:
            raise
        return Opened("genotype", path, several=several)


def _definitions(path: Path) -> dict[str, Genotype]:
    try:
        return dict(parse_text(_text(path)))
    except GenotypeError:
        return {}


def _holds_cells(path: Path) -> bool:
    try:
        document = json.loads(_text(path))
    except (ValueError, RecursionError):
        return False
    if isinstance(document, list):
        return True
    return isinstance(document, dict) and ("normal" in document or not _looks_like_settings(document))


def _holds_subnet(path: Path) -> bool:
    """A record; a configuration may name a space or hold a record too, but says more beside it."""
    if not is_subnet(str(path)):
        return False
    document = json.loads(_text(path))
    return isinstance(document, dict) and not _looks_like_settings(document)


def _holds_study(path: Path) -> bool:
    try:
        document = json.loads(_text(path))
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and "methods" in document and "normal" not in document


def _looks_like_settings(document: dict[str, Any]) -> bool:
    return bool({"kind", "method", "data", "epochs", "preset", "batch_size", "channels"} & document.keys())


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES).decode("utf-8", errors="replace")
    except OSError as error:
        raise GenotypeError(f"cannot be read ({error.strerror}).", where=str(path), mend="Check the path.") from None

"""Orders to a running engine, given through its folder."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from engine.runs.files import read_json, write_json

Order = Literal["run", "pause", "stop", "checkpoint", "detach"]
ORDERS: tuple[str, ...] = get_args(Order)


@dataclass(frozen=True)
class Control:
    """The latest order; a new ``id`` makes it new, also where the order is the same word."""

    id: str
    order: Order


def give_order(folder: Path, order: Order) -> Control:
    """Write ``control.json``; the engine obeys at its next step and echoes the id in ``status.json``.

    Raises:
        OSError: the folder cannot be written.
    """
    control = Control(uuid.uuid4().hex, order)
    write_json(folder / "control.json", {"id": control.id, "order": control.order})
    return control


def read_control(folder: Path) -> Control | None:
    """The latest order; None where there is none or the file is broken."""
    document = read_json(folder / "control.json")
    if not isinstance(document, dict) or document.get("order") not in ORDERS or not isinstance(document.get("id"), str):
        return None
    return Control(document["id"], document["order"])


class ControlWatch:
    """Notices a new order by one ``stat`` a look.

    Args:
        obeyed_id: an order that was obeyed already, in an earlier sitting.
    """

    def __init__(self, folder: Path, obeyed_id: str | None = None) -> None:
        self._folder = folder
        self._path = folder / "control.json"
        self._seen: tuple[int, int] | None = None
        self._last_id = obeyed_id

    def new_order(self, *among: Order) -> Control | None:
        """The order if it is new since the last look.

        Args:
            among: take these only, and leave another for a later look.
        """
        try:
            stat = self._path.stat()
        except OSError:
            return None
        stamp = (stat.st_mtime_ns, stat.st_ino)
        if stamp == self._seen:
            return None
        control = read_control(self._folder)
        if control is None or (among and control.order not in among):
            return None
        self._seen = stamp
        if control.id == self._last_id:
            return None
        self._last_id = control.id
        return control

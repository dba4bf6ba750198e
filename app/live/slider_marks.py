"""What happened in a run, as marks on the line of its epochs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QCoreApplication

from app.live.cell_changes import CellChange
from engine.genotype import CELL_KINDS
from engine.runs import Event

MarkKind = Literal["change", "warning", "severe", "last_checkpoint", "best_checkpoint"]


@dataclass(frozen=True)
class Mark:
    """One thing that happened in an epoch.

    Attributes:
        text: one line for people.
        weight: how many nodes changed; 1 for everything else.
    """

    epoch: int
    kind: MarkKind
    text: str
    weight: int = 1


def change_marks(changes: Iterable[CellChange]) -> list[Mark]:
    """A mark for each epoch in which the cells changed."""
    return [Mark(change.epoch, "change", _change_text(change), len(change.nodes)) for change in changes]


def event_marks(notable: Iterable[Event]) -> list[Mark]:
    """Marks for diagnoses, and for the two checkpoints that a run folder keeps: the newest and the best."""
    found: list[Mark] = []
    newest: Event | None = None
    best: Event | None = None
    for event in notable:
        if event.type == "diagnosis" and event.data.get("severity") in ("warning", "severe"):
            kind: MarkKind = "severe" if event.data["severity"] == "severe" else "warning"
            found.append(Mark(event.epoch, kind, str(event.data.get("message") or event.data.get("code") or "")))
        elif event.type == "checkpoint":
            newest = event
            best = event if event.data.get("best") else best
    if best is not None:
        found.append(Mark(best.epoch, "best_checkpoint", QCoreApplication.translate("EpochSlider", "best checkpoint")))
    if newest is not None:
        found.append(
            Mark(newest.epoch, "last_checkpoint", QCoreApplication.translate("EpochSlider", "newest checkpoint"))
        )
    return found


def _change_text(change: CellChange) -> str:
    parts = []
    for kind in CELL_KINDS:
        nodes = [str(node) for of, node in change.nodes if of == kind]
        if not nodes:
            continue
        text = (
            QCoreApplication.translate("EpochSlider", "normal cell changed at node {nodes}")
            if kind == "normal"
            else QCoreApplication.translate("EpochSlider", "reduction cell changed at node {nodes}")
        )
        parts.append(text.format(nodes=", ".join(nodes)))
    return "; ".join(parts)

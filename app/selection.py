"""What is selected and which epoch is shown: one of each, shared by plots, heatmaps, cells and inspector."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from engine.genotype import CellKind


@dataclass(frozen=True)
class Operation:
    """An operation on the way from a state to a node of one kind of cell.

    Attributes:
        source: state index (0 is c_{k-2}, 1 is c_{k-1}, 2 and up are nodes).
        node: counts from 0.
        primitive: its name.
    """

    kind: CellKind
    source: int
    node: int
    primitive: str


class Selection(QObject):
    """The shared selection. Setting what is set already emits nothing, so both ways of a binding end."""

    operation_changed = Signal(object)
    """Operation | None: clicked."""
    hover_changed = Signal(object)
    """Operation | None: under the mouse."""
    epoch_changed = Signal(object)
    """int | None: the epoch shown, from 0; None is live, the newest."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._operation: Operation | None = None
        self._hover: Operation | None = None
        self._epoch: int | None = None

    @property
    def operation(self) -> Operation | None:
        """The selected operation."""
        return self._operation

    def select(self, operation: Operation | None) -> None:
        """Select an operation everywhere."""
        if operation != self._operation:
            self._operation = operation
            self.operation_changed.emit(operation)

    @property
    def hover(self) -> Operation | None:
        """The operation under the mouse."""
        return self._hover

    def set_hover(self, operation: Operation | None) -> None:
        """Highlight an operation everywhere while the mouse is over it."""
        if operation != self._hover:
            self._hover = operation
            self.hover_changed.emit(operation)

    @property
    def epoch(self) -> int | None:
        """The epoch shown; None is live."""
        return self._epoch

    def show_epoch(self, epoch: int | None) -> None:
        """Show an epoch everywhere; None goes back to live."""
        if epoch != self._epoch:
            self._epoch = epoch
            self.epoch_changed.emit(epoch)

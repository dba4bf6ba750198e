"""One cell of a run or genotype as a picture to point at: hover, select, walk, find, zoom."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QHelpEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolTip, QWidget

from app.cells.explained import Explained
from app.cells.find import CellSearch
from app.cells.items import PillItem
from app.cells.motion import motion_allowed
from app.cells.places import places
from app.cells.rings import Rings
from app.cells.scene import CellScene, EdgeKey, edge_key
from app.cells.walk import ARROWS, step
from app.cells.words import label, passport_fact, tooltip, way
from app.cells.zoom_view import ZoomView
from app.labels import SMALL, Label, scaled_font
from app.run_model import RunModel
from app.selection import Operation, Selection
from app.theme import manager
from engine.draw.layout import Layout
from engine.genotype import Cell, CellKind, Genotype

FOLLOW_SECONDS = 0.1
"""A live cell is drawn no more often: a long log arrives in many pieces."""
OPERATIONS_LIMIT = 200
"""Larger cells would hold the window up: their layout takes longer than half a second."""
LIVE_STATES = ("created", "running", "paused")


class CellView(ZoomView):
    """The normal or the reduction cell, at the selection's epoch or live.

    Positions are frozen while a search goes on or an epoch of it is looked up: only pills change. A search that has
    ended, a retraining and a named genotype get the full layout.
    """

    fact_changed = Signal(str)
    export_wanted = Signal()
    """The person asked for the export dialog in the context menu."""

    def __init__(self, kind: CellKind, selection: Selection, parent: QWidget | None = None) -> None:
        self._scene = CellScene(scaled_font(SMALL))
        super().__init__(self._scene, parent)
        self._scene.setParent(self)
        self.kind: CellKind = kind
        self._selection = selection
        self._model: RunModel | None = None
        self._explained: Explained | None = None
        self._genotype: Genotype | None = None
        self._shown: Cell | None = None
        self._dirty = False
        self._fact = ""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self.viewport().setMouseTracking(True)
        em = self.fontMetrics().height()
        self.setMinimumSize(em * 11, em * 6)
        self.setAccessibleName(self.tr("Normal cell") if kind == "normal" else self.tr("Reduction cell"))

        self._empty = Label("", tone="dim", parent=self).wrapped()
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._search = CellSearch(self._scene, self)
        self._search.found.connect(self._show_found)
        self._search.closed.connect(self.setFocus)
        self._followed = 0.0
        self._follow_timer = QTimer(self)
        self._follow_timer.setSingleShot(True)
        self._follow_timer.setInterval(round(FOLLOW_SECONDS * 1000))
        self._follow_timer.timeout.connect(self._follow)
        self._rings = Rings(self)
        self._rings.changed.connect(self._mark_changes)

        selection.epoch_changed.connect(self._on_epoch)
        selection.operation_changed.connect(self._mark)
        selection.hover_changed.connect(self._mark)
        manager().changed.connect(self._repaint)
        self._refresh()

    # What is shown

    def set_model(self, model: RunModel | None) -> None:
        """Show the cells of a run; None shows nothing."""
        if self._model is not None:
            self._model.events_arrived.disconnect(self._on_events)
            self._model.status_changed.disconnect(self._refresh)
        self._model = model
        self._explained = Explained(model) if model is not None else None
        self._genotype = None
        if model is not None:
            model.events_arrived.connect(self._on_events)
            model.status_changed.connect(self._refresh)
        self._start_over()

    def set_genotype(self, genotype: Genotype | None) -> None:
        """Show the cell of a genotype that belongs to no run; None shows nothing."""
        if self._model is not None:
            self.set_model(None)
        self._genotype = genotype
        self._start_over()

    @property
    def genotype(self) -> Genotype | None:
        """The genotype shown, for export."""
        if self._model is None:
            return self._genotype
        return self._model.genotype(self._selection.epoch)

    @property
    def is_frozen(self) -> bool:
        """Whether places are kept from cell to cell."""
        model = self._model
        if model is None or model.kind != "search":
            return False
        return model.status.state in LIVE_STATES or self._selection.epoch is not None

    @property
    def fact(self) -> str:
        """The quiet line about what is shown."""
        return self._fact

    def cell_scene(self) -> CellScene:
        """The scene, for pictures and tests."""
        return self._scene

    def _start_over(self) -> None:
        self._shown = None
        self._zoomed = False
        self._follow_timer.stop()
        self._rings.forget()
        self._refresh()

    def _on_events(self, types: set[str]) -> None:
        if types & {"alphas", "genotype", "started", "resumed"}:
            if not self.isVisible():
                self._dirty = True
            elif time.monotonic() - self._followed > FOLLOW_SECONDS:
                self._follow()
            elif not self._follow_timer.isActive():
                self._follow_timer.start()

    def _follow(self) -> None:
        self._followed = time.monotonic()
        self._refresh()

    def _on_epoch(self, epoch: int | None) -> None:
        # Looking back and forth shows each epoch's own changes.
        self._rings.forget()
        self._refresh()

    def _refresh(self) -> None:
        self._dirty = False
        genotype = self.genotype
        cell = None if genotype is None else genotype.cell(self.kind)
        operations = 0 if cell is None else sum(len(edges) for edges in cell.nodes)
        if operations > OPERATIONS_LIMIT:
            text = self.tr("{count} operations are too many to draw here. Export the cell as DOT instead.")
            self._empty.setText(text.format(count=operations))
            cell = None
        else:
            self._empty.setText("" if cell is not None else self._empty_text())
        self._empty.setVisible(cell is None)
        before = self._shown
        self._shown = cell
        layout = None if cell is None else self._layout(cell)
        if layout is None:
            self._scene.show_layout(None)
        elif layout != self._scene.layout_shown:
            same_run = before is not None
            old_size = self._scene.sceneRect().size()
            self._scene.show_layout(layout, fade=same_run and self.is_frozen and motion_allowed(self))
            if not self.is_zoomed or old_size != self._scene.sceneRect().size():
                self.fit()
        self._mark_weights()
        self._notice_changes(before, cell)
        self._mark()
        self._say_fact(genotype)
        self.setAccessibleDescription("; ".join(f"{label(key[2])} {way(self._operation(key))}" for key in self._keys()))

    def _layout(self, cell: Cell) -> Layout:
        genotype = self.genotype
        known = self._model.primitives if self._model is not None else genotype.used_primitives() if genotype else ()
        return places(cell, known, scaled_font(SMALL), self.viewport().size(), is_frozen=self.is_frozen)

    def _lay_out_again(self) -> None:
        """Another size of the view may ask for the other layout."""
        if self._shown is None:
            return
        layout = self._layout(self._shown)
        if layout != self._scene.layout_shown:
            self._scene.show_layout(layout)
            self._mark_weights()
            self._mark()

    def _empty_text(self) -> str:
        if self._model is None:
            return self.tr("Choose a run or a named cell.")
        if self._model.kind == "search" and self._model.has_ended:
            return self.tr("It ended before there was a cell.")
        if self._model.kind == "search":
            return self.tr("The cell appears with the first alphas.")
        return self.tr("This run names no cell.")

    def _keys(self) -> list[EdgeKey]:
        return [edge_key(pill) for pill in self._scene.pills()]

    def _operation(self, key: EdgeKey) -> Operation:
        return Operation(self.kind, key[0], key[1], key[2])

    def _mark_weights(self) -> None:
        has_weights = self._explained is not None and self._shown is not None
        self._scene.set_weights(
            self._explained.weights(self.kind, self._selection.epoch) if has_weights and self._explained else {}
        )

    # What changed

    def _notice_changes(self, before: Cell | None, now: Cell | None) -> None:
        if now is None or self._explained is None or not self.is_frozen:
            self._rings.forget()
        else:
            last = self._explained.before(self._selection.epoch)
            self._rings.compare(
                now,
                epoch_before=None if last is None else last.cell(self.kind),
                moment_before=before if self._selection.epoch is None else None,
            )
        self._mark_changes()

    def _mark_changes(self) -> None:
        ringed = self._rings.keys()
        self._scene.set_changed(lambda key: key in ringed)

    def _say_fact(self, genotype: Genotype | None) -> None:
        text = ""
        if genotype is not None and self._explained is not None:
            record = self._explained.record(self._selection.epoch)
            if record is not None:
                text = self.tr("epoch {epoch}").format(epoch=record.epoch + 1)
                changes = len(self._rings.this_epoch)
                if changes == 1:
                    text += " · " + self.tr("1 change")
                elif changes:
                    text += " · " + self.tr("{changes} changes").format(changes=changes)
        elif genotype is not None and self.kind == "normal":
            text = passport_fact(genotype)
        if text != self._fact:
            self._fact = text
            self.fact_changed.emit(text)

    # Marks shared with the other views

    def _mark(self, _: object = None) -> None:
        self._scene.set_marks(self._key(self._selection.hover), self._key(self._selection.operation))

    def _key(self, operation: Operation | None) -> EdgeKey | None:
        if operation is None or operation.kind != self.kind:
            return None
        return operation.source, operation.node, operation.primitive

    def _repaint(self) -> None:
        self._scene.update()
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit again unless the person zoomed."""
        super().resizeEvent(event)
        if not self.is_zoomed:
            self._lay_out_again()
            self.fit()
        margin = self.fontMetrics().height()
        self._empty.setGeometry(self.rect().adjusted(margin, 0, -margin, 0))
        hint = self._search.bar.sizeHint()
        width = min(self.width() - 8, max(hint.width(), self.fontMetrics().averageCharWidth() * 34))
        self._search.bar.setGeometry(self.width() - width - 4, 4, width, hint.height())

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what came while hidden."""
        super().showEvent(event)
        if self._dirty:
            self._refresh()
        if not self.is_zoomed:
            self.fit()

    def changeEvent(self, event: QEvent) -> None:
        """Measure again with another font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.ApplicationFontChange) and hasattr(self, "_search"):
            self._scene.set_font(scaled_font(SMALL))
            self._refresh()

    # Mouse

    def _pill_at(self, position: QPoint) -> PillItem | None:
        item = self.itemAt(position)
        return item if isinstance(item, PillItem) else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Hover, or pan while pressed."""
        if self.pushed(event):
            return
        pill = self._pill_at(event.position().toPoint())
        self._selection.set_hover(None if pill is None else self._operation(edge_key(pill)))
        self.viewport().setCursor(Qt.CursorShape.ArrowCursor if pill is None else Qt.CursorShape.PointingHandCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Select what was clicked; a click beside everything selects nothing."""
        is_click = self.clicked(event)
        pill = self._pill_at(event.position().toPoint())
        self.viewport().setCursor(Qt.CursorShape.ArrowCursor if pill is None else Qt.CursorShape.PointingHandCursor)
        if is_click:
            self._selection.select(None if pill is None else self._operation(edge_key(pill)))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Fit, unless on an operation."""
        if self._pill_at(event.position().toPoint()) is None:
            self.fit()

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the mouse any more."""
        super().leaveEvent(event)
        hover = self._selection.hover
        if hover is not None and hover.kind == self.kind:
            self._selection.set_hover(None)

    def viewportEvent(self, event: QEvent) -> bool:
        """Tooltips are made when they are asked for."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            text = self.tooltip_at(event.pos())
            if text:
                QToolTip.showText(event.globalPos(), text, self.viewport())
            else:
                QToolTip.hideText()
            return True
        return super().viewportEvent(event)

    def tooltip_at(self, position: QPoint) -> str:
        """What the thing at a place of the viewport says."""
        pill = self._pill_at(position)
        if pill is not None:
            operation = self._operation(edge_key(pill))
            edge = None
            if self._explained is not None:
                edge = self._explained.edge(self.kind, operation.source, operation.node, self._selection.epoch)
            return tooltip(operation, edge)
        item = self.itemAt(position)
        box = getattr(item, "box", None)
        return "" if box is None else str(box.title)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Fit, find, copy, export."""
        menu = self.context_menu()
        menu.exec(event.globalPos())
        menu.deleteLater()

    def context_menu(self) -> QMenu:
        """The menu, made for one use."""
        menu = QMenu(self)
        has_cell = self._shown is not None
        for text, keys, slot in (
            (self.tr("Fit"), "Ctrl+0", self.fit),
            (self.tr("Find an operation…"), "Ctrl+F", self.open_find),
            (self.tr("Copy picture"), "Ctrl+C", self.copy_picture),
            (self.tr("Export…"), "", self.export_wanted.emit),
        ):
            action = menu.addAction(text)
            action.setShortcut(QKeySequence(keys))
            action.setEnabled(has_cell)
            action.triggered.connect(slot)
        return menu

    def copy_picture(self) -> None:
        """Put the picture of this cell on the clipboard, as for a paper."""
        from app.cells.export import copy_picture

        genotype = self.genotype
        if genotype is not None:
            copy_picture(genotype, (self.kind,))

    # Keyboard

    def event(self, event: QEvent) -> bool:
        """Keep our keys from the window's shortcuts while we have the focus."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._takes(event):
            event.accept()
            return True
        return super().event(event)

    def _takes(self, event: QKeyEvent) -> bool:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            return event.key() in (Qt.Key.Key_0, Qt.Key.Key_F, Qt.Key.Key_C, Qt.Key.Key_Plus, Qt.Key.Key_Minus)
        return self._shown is not None and event.key() in ARROWS

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk, Escape lets go, Ctrl+0 fits, Ctrl+F finds, Ctrl+plus and minus zoom, Ctrl+C copies."""
        key = event.key()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            actions = {
                Qt.Key.Key_0: self.fit, Qt.Key.Key_F: self.open_find, Qt.Key.Key_C: self.copy_picture,
                Qt.Key.Key_Plus: self.zoom_in, Qt.Key.Key_Minus: self.zoom_out,
            }  # fmt: skip
            if key in actions:
                actions[Qt.Key(key)]()
                return
        elif key in ARROWS:
            self._walk(Qt.Key(key))
            return
        elif key == Qt.Key.Key_Escape and self._selection.operation is not None:
            self._selection.select(None)
            return
        super().keyPressEvent(event)

    def _walk(self, key: Qt.Key) -> None:
        pill = step(self._scene.pills(), self._key(self._selection.operation), key)
        if pill is not None:
            self._selection.select(self._operation(edge_key(pill)))
            self.ensureVisible(pill)

    def open_find(self) -> None:
        """Open the field that finds an operation."""
        if self._shown is not None:
            self._search.bar.open()

    def _show_found(self, key: EdgeKey) -> None:
        self._selection.select(self._operation(key))
        for pill in self._scene.pills():
            if edge_key(pill) == key:
                self.ensureVisible(pill)

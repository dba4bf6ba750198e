"""One cell of a run or genotype as a picture to point at: hover, select, walk, find, zoom."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QPoint, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QFontInfo,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QFrame, QGraphicsView, QMenu, QSizePolicy, QToolTip, QWidget

from app.cells.explained import Explained
from app.cells.find import FindBar
from app.cells.items import PillItem
from app.cells.motion import motion_allowed
from app.cells.scene import CellScene, EdgeKey, edge_key
from app.cells.words import label, passport_fact, tooltip, way
from app.labels import SMALL, Label, scaled_font
from app.run_model import RunModel
from app.selection import Operation, Selection
from app.theme import manager
from engine.draw.frozen import FrozenLayout, frozen_layout
from engine.draw.layout import Layout, Sizes, cell_layout
from engine.genotype import Cell, CellKind, Genotype

FROZEN_IS_LARGER = 0.9
LARGEST_FIT = 1.12
"""Panels grow, text does not: fitting enlarges no further."""
ZOOM_RANGE = (0.25, 6.0)
RING_SECONDS = 4.0
"""A change is ringed at least this long, and until the epoch ends."""
OPERATIONS_LIMIT = 200
"""Larger cells would hold the window up: their layout takes longer than half a second."""
LIVE_STATES = ("created", "running", "paused")


class CellView(QGraphicsView):
    """The normal or the reduction cell, at the selection's epoch or live.

    Positions are frozen while a search goes on or an epoch of it is looked up: only pills change. A search that has
    ended, a retraining and a named genotype get the full layout.
    """

    fact_changed = Signal(str)
    export_wanted = Signal()
    """The person asked for the export dialog in the context menu."""

    def __init__(self, kind: CellKind, selection: Selection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind: CellKind = kind
        self._selection = selection
        self._model: RunModel | None = None
        self._explained: Explained | None = None
        self._genotype: Genotype | None = None
        self._shown: Cell | None = None
        self._zoomed = False
        self._dirty = False
        self._pressed: QPoint | None = None
        self._panning = False
        self._noticed: dict[EdgeKey, float] = {}
        self._changed_now: set[EdgeKey] = set()
        self._fact = ""
        self._frozen: FrozenLayout | None = None
        self._found: list[EdgeKey] = []
        self._found_at = 0

        self._scene = CellScene(scaled_font(SMALL), self)
        self.setScene(self._scene)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.AnchorUnderMouse)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self.viewport().setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        em = self.fontMetrics().height()
        self.setMinimumSize(em * 11, em * 6)
        self.setAccessibleName(self.tr("Normal cell") if kind == "normal" else self.tr("Reduction cell"))

        self._empty = Label("", tone="dim", parent=self).wrapped()
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._find_bar = FindBar(self)
        self._find_bar.text_changed.connect(self._search)
        self._find_bar.next_wanted.connect(self._next_found)
        self._find_bar.closed.connect(self._end_search)
        self._ring_timer = QTimer(self)
        self._ring_timer.setSingleShot(True)
        self._ring_timer.timeout.connect(self._mark_changes)

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
        self._noticed.clear()
        self._changed_now.clear()
        self._ring_timer.stop()
        self._refresh()

    def _on_events(self, types: set[str]) -> None:
        if types & {"alphas", "genotype", "started", "resumed"}:
            if self.isVisible():
                self._refresh()
            else:
                self._dirty = True

    def _on_epoch(self, epoch: int | None) -> None:
        # Looking back and forth shows each epoch's own changes.
        self._noticed.clear()
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
            if not self._zoomed or old_size != self._scene.sceneRect().size():
                self.fit()
        self._mark_weights()
        self._notice_changes(before, cell)
        self._mark()
        self._say_fact(genotype)
        self.setAccessibleDescription("; ".join(f"{label(key[2])} {way(self._operation(key))}" for key in self._keys()))

    def _layout(self, cell: Cell) -> Layout:
        font = scaled_font(SMALL)
        metrics = QFontMetricsF(font)
        em = float(QFontInfo(font).pixelSize())
        sizes = Sizes(em=em, label_limit=9.5 * em)
        own = cell_layout(cell, metrics.horizontalAdvance, sizes)
        known = self._model.primitives if self._model is not None else self.genotype.used_primitives()  # type: ignore[union-attr]
        frozen = frozen_layout(
            len(cell.nodes), [name for name in known if name != "none"], metrics.horizontalAdvance, sizes
        )
        if not frozen.fits(cell):
            return own
        # A long chain in a narrow view would be tiny; the fixed places use the room in both directions.
        is_tiny = self._fitting_scale(own) < min(1.0, FROZEN_IS_LARGER * self._fitting_scale(frozen.place(cell)))
        return frozen.place(cell) if self.is_frozen or is_tiny else own

    def _fitting_scale(self, layout: Layout) -> float:
        room = self.viewport().rect()
        return min(room.width() / layout.width, room.height() / layout.height, LARGEST_FIT)

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
        if self._model.kind == "search":
            return self.tr("The cell appears with the first alphas.")
        return self.tr("This run names no cell.")

    def _keys(self) -> list[EdgeKey]:
        return [edge_key(pill) for pill in self._scene.pills()]

    def _operation(self, key: EdgeKey) -> Operation:
        return Operation(self.kind, key[0], key[1], key[2])

    def _mark_weights(self) -> None:
        weights: dict[EdgeKey, float] = {}
        if self._explained is not None and self._shown is not None:
            for key in self._keys():
                edge = self._explained.edge(self.kind, key[0], key[1], self._selection.epoch)
                if edge is not None and key[2] in edge.weights:
                    weights[key] = edge.weights[key[2]]
        self._scene.set_weights(weights)

    # What changed

    def _notice_changes(self, before: Cell | None, now: Cell | None) -> None:
        """Rings: what differs from the end of the epoch before, and while live what flipped a moment ago."""
        self._changed_now = set()
        if now is None or self._explained is None or not self.is_frozen:
            self._noticed.clear()
        else:
            last = self._explained.before(self._selection.epoch)
            if last is not None:
                self._changed_now = _edges(now) - _edges(last.cell(self.kind))
            if self._selection.epoch is None and before is not None and before != now:
                until = time.monotonic() + RING_SECONDS
                self._noticed.update(dict.fromkeys(_edges(now) - _edges(before), until))
                self._ring_timer.start(int(RING_SECONDS * 1000) + 50)
        self._mark_changes()

    def _mark_changes(self) -> None:
        now = time.monotonic()
        self._noticed = {key: until for key, until in self._noticed.items() if until > now}
        ringed = self._changed_now | self._noticed.keys()
        self._scene.set_changed(lambda key: key in ringed)

    def _say_fact(self, genotype: Genotype | None) -> None:
        text = ""
        if genotype is not None and self._explained is not None:
            record = self._explained.record(self._selection.epoch)
            if record is not None:
                text = self.tr("epoch {epoch}").format(epoch=record.epoch + 1)
                changes = len(self._changed_now)
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

    # Zoom

    def fit(self) -> None:
        """Show the whole cell, and follow the window's size again."""
        self._zoomed = False
        rect = self._scene.sceneRect()
        room = self.viewport().rect()
        if rect.isEmpty() or room.isEmpty():
            return
        scale = min(room.width() / rect.width(), room.height() / rect.height(), LARGEST_FIT)
        self.resetTransform()
        self.setSceneRect(QRectF())  # Panning made room; follow the scene again.
        self.scale(scale, scale)
        self.centerOn(rect.center())

    def zoom(self, factor: float) -> None:
        """Enlarge about the cursor (about the middle when the mouse is elsewhere)."""
        now = self.transform().m11()
        factor = min(max(now * factor, ZOOM_RANGE[0]), ZOOM_RANGE[1]) / now
        self._zoomed = True
        self.scale(factor, factor)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom."""
        turns = event.angleDelta().y() / 120
        if turns:
            self.zoom(1.18**turns)
        event.accept()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit again unless the person zoomed."""
        super().resizeEvent(event)
        if not self._zoomed:
            self._lay_out_again()
            self.fit()
        margin = self.fontMetrics().height()
        self._empty.setGeometry(self.rect().adjusted(margin, 0, -margin, 0))
        hint = self._find_bar.sizeHint()
        width = min(self.width() - 8, max(hint.width(), self.fontMetrics().averageCharWidth() * 34))
        self._find_bar.setGeometry(self.width() - width - 4, 4, width, hint.height())

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what came while hidden."""
        super().showEvent(event)
        if self._dirty:
            self._refresh()
        if not self._zoomed:
            self.fit()

    def changeEvent(self, event: QEvent) -> None:
        """Measure again with another font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.ApplicationFontChange) and hasattr(self, "_find_bar"):
            self._scene.set_font(scaled_font(SMALL))
            self._refresh()

    # Mouse

    def _pill_at(self, position: QPoint) -> PillItem | None:
        item = self.itemAt(position)
        return item if isinstance(item, PillItem) else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a click or a pan."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.position().toPoint()
            self._panning = False
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Hover, or pan while pressed."""
        position = event.position().toPoint()
        if self._pressed is not None and event.buttons() & Qt.MouseButton.LeftButton:
            moved = position - self._pressed
            if not self._panning and moved.manhattanLength() >= QApplication.startDragDistance():
                self._panning = True
                self._zoomed = True
                self._make_room()
                self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
            if self._panning:
                for bar, way_moved in ((self.horizontalScrollBar(), moved.x()), (self.verticalScrollBar(), moved.y())):
                    bar.setValue(bar.value() - way_moved)
                self._pressed = position
            return
        pill = self._pill_at(position)
        self._selection.set_hover(None if pill is None else self._operation(edge_key(pill)))
        self.viewport().setCursor(Qt.CursorShape.ArrowCursor if pill is None else Qt.CursorShape.PointingHandCursor)

    def _make_room(self) -> None:
        """Let the picture be pushed half out of the view on every side."""
        middle = self.mapToScene(self.viewport().rect().center())
        view = self.mapToScene(self.viewport().rect()).boundingRect()
        room_x, room_y = view.width() * 0.75, view.height() * 0.75
        self.setSceneRect(self._scene.sceneRect().adjusted(-room_x, -room_y, room_x, room_y))
        self.centerOn(middle)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Select what was clicked; a click beside everything selects nothing."""
        if event.button() != Qt.MouseButton.LeftButton or self._pressed is None:
            return
        panned, self._pressed, self._panning = self._panning, None, False
        pill = self._pill_at(event.position().toPoint())
        self.viewport().setCursor(Qt.CursorShape.ArrowCursor if pill is None else Qt.CursorShape.PointingHandCursor)
        if not panned:
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
        return self._shown is not None and event.key() in (
            Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down,
        )  # fmt: skip

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk, Escape lets go, Ctrl+0 fits, Ctrl+F finds, Ctrl+plus and minus zoom, Ctrl+C copies."""
        key = event.key()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            actions = {
                Qt.Key.Key_0: self.fit, Qt.Key.Key_F: self.open_find, Qt.Key.Key_C: self.copy_picture,
                Qt.Key.Key_Plus: self._zoom_in, Qt.Key.Key_Minus: self._zoom_out,
            }  # fmt: skip
            if key in actions:
                actions[Qt.Key(key)]()
                return
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._walk(Qt.Key(key))
            return
        elif key == Qt.Key.Key_Escape and self._selection.operation is not None:
            self._selection.select(None)
            return
        super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the focus."""
        super().focusInEvent(event)
        self.viewport().update()

    def _zoom_in(self) -> None:
        self.zoom(1.25)

    def _zoom_out(self) -> None:
        self.zoom(0.8)

    def _walk(self, key: Qt.Key) -> None:
        """Up and down through the column, left to what feeds the source, right to what reads the node."""
        pills = sorted(self._scene.pills(), key=lambda pill: (pill.box.y, pill.box.x))
        if not pills:
            return
        selected = self._key(self._selection.operation)
        here = next((pill for pill in pills if edge_key(pill) == selected), None)
        if here is None:
            first = min(pills, key=lambda pill: (pill.box.x, pill.box.y))
            self._selection.select(self._operation(edge_key(first)))
            return
        source, node, _ = edge_key(here)
        if key == Qt.Key.Key_Right:
            near = [pill for pill in pills if edge_key(pill)[0] == node + 2]
        elif key == Qt.Key.Key_Left:
            near = [pill for pill in pills if edge_key(pill)[1] + 2 == source]
        else:
            place = pills.index(here) + (1 if key == Qt.Key.Key_Down else -1)
            near = [pills[place]] if 0 <= place < len(pills) else []
        if near:
            nearest = min(near, key=lambda pill: abs(pill.box.y - here.box.y))
            self._selection.select(self._operation(edge_key(nearest)))
            self.ensureVisible(nearest)

    # Find

    def open_find(self) -> None:
        """Open the field that finds an operation."""
        if self._shown is not None:
            self._find_bar.open()

    def _search(self, text: str) -> None:
        wanted = _plain(text)
        pills = sorted(self._scene.pills(), key=lambda pill: (pill.box.x, pill.box.y))
        self._found = [edge_key(pill) for pill in pills if wanted and wanted in _plain(self._described(edge_key(pill)))]
        self._found_at = 0
        self._scene.set_found(set(self._found))
        self._show_found()

    def _described(self, key: EdgeKey) -> str:
        return f"{label(key[2])} {key[2]} {way(self._operation(key))}"

    def _next_found(self) -> None:
        if self._found:
            self._found_at = (self._found_at + 1) % len(self._found)
            self._show_found()

    def _show_found(self) -> None:
        self._find_bar.set_count(self._found_at, len(self._found))
        if not self._found:
            return
        key = self._found[self._found_at]
        self._selection.select(self._operation(key))
        for pill in self._scene.pills():
            if edge_key(pill) == key:
                self.ensureVisible(pill)

    def _end_search(self) -> None:
        self._found = []
        self._scene.set_found(set())
        self.setFocus(Qt.FocusReason.OtherFocusReason)


def _edges(cell: Cell) -> set[EdgeKey]:
    return {(edge.source, node, edge.primitive) for node, _, edge in cell.edges()}


def _plain(text: str) -> str:
    """For matching: «3x3» finds 3×3, «k-1» finds k−1."""
    return text.lower().replace("×", "x").replace("−", "-").replace("→", "->").replace("_", " ").strip()

"""The alphas of one kind of cell: a row an edge, a column a primitive, brighter means preferred."""

from __future__ import annotations

import html
from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QActionGroup,
    QColor,
    QContextMenuEvent,
    QFocusEvent,
    QGuiApplication,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)  # fmt: skip
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget
from shiboken6 import isValid

from app.buttons import Button
from app.live import pictures
from app.live.alpha_grid import AlphaGrid, Mode, Scale, empty_grid, make_grid, state_label
from app.live.alpha_table import AlphaTableDialog
from app.live.epochs import shown_epoch
from app.live.figure import paint_sentence
from app.live.fonts import chart_font
from app.live.heatmap_layout import HeatmapLayout
from app.live.heatmap_paint import Marks, layout_of, paint_heatmap
from app.live.readout import Readout
from app.live.refresh import Refresher
from app.run_model import RunModel
from app.selection import Operation, Selection
from app.theme import LIGHT, manager, theme
from engine.genotype import DARTS_PRIMITIVES, CellKind, declaration

_NODES = 4
_ARROWS = {
    Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0),
}  # fmt: skip


class AlphaHeatmap(QWidget):
    """Shows the alphas of the selection's epoch. Hover and click go to the selection, the arrow keys move it."""

    fact_changed = Signal(str)
    """The quiet fact for the upper right, for example «softmax of alpha»."""

    def __init__(self, kind: CellKind, selection: Selection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind: CellKind = kind
        self._selection = selection
        self._model: RunModel | None = None
        self._mode: Mode = "softmax"
        self._grid = empty_grid(kind, _NODES, DARTS_PRIMITIVES)
        self._scales: dict[Mode, Scale] = {}
        self._fact = ""
        self._table: AlphaTableDialog | None = None
        self._readout = Readout(self)
        self.options_button = Button("⋯", kind="quiet", parent=self)
        self.options_button.setToolTip(self.tr("Choose values, save, open as a table"))
        self.options_button.setAccessibleName(self.tr("Heatmap settings"))
        self.options_button.setFixedHeight(self.fontMetrics().height() + 4)
        self.options_button.clicked.connect(self._open_menu)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.tr("Normal alphas") if kind == "normal" else self.tr("Reduction alphas"))

        self._refresher = Refresher(self, self._refresh)
        selection.operation_changed.connect(self._selected)
        selection.hover_changed.connect(self._hovered)
        selection.epoch_changed.connect(self._refresher.request)
        manager().changed.connect(self.update)
        self._refresh()

    # What is shown.

    @property
    def grid(self) -> AlphaGrid:
        """What is shown, as values."""
        return self._grid

    @property
    def mode(self) -> Mode:
        """Which values are shown."""
        return self._mode

    def set_model(self, model: RunModel | None) -> None:
        """Show another run, or the empty state."""
        if self._model is not None and isValid(self._model):
            self._model.events_arrived.disconnect(self._take)
            self._model.status_changed.disconnect(self.update)
        self._model = model
        if model is not None:
            model.events_arrived.connect(self._take)
            model.status_changed.connect(self.update)
        self._scales.clear()
        self._refresher.request()
        if not self.isVisible():
            return
        self._refresher.now()

    def set_mode(self, mode: Mode) -> None:
        """Show the softmax of the alphas, raw alphas, or (with betas) alpha times beta."""
        self._mode = mode
        self._refresher.now()

    def _take(self, types: set[str]) -> None:
        if types & {"alphas", "started", "resumed"}:
            self._refresher.request()

    def _refresh(self) -> None:
        self._grid = self._make_grid()
        fact = self._make_fact()
        if fact != self._fact:
            self._fact = fact
            self.fact_changed.emit(fact)
        if self._table is not None:
            self._table.set_grid(self._grid)
        self._describe()
        self.update()

    def _make_grid(self) -> AlphaGrid:
        model = self._model
        if model is None:
            return empty_grid(self.kind, _NODES, DARTS_PRIMITIVES)
        record = model.alphas(self._selection.epoch)
        if record is not None:
            mode: Mode = "softmax" if self._mode == "weighted" and record.of(self.kind)[1] is None else self._mode
            scale = self._scales.setdefault(mode, Scale(self.kind, mode))
            found = make_grid(self.kind, record, model.primitives, mode, scale.top(model.history.alphas))
            if found is not None:
                return found
        return empty_grid(self.kind, model.nodes, model.primitives)

    def _make_fact(self) -> str:
        if self._grid.values is None:
            return ""
        said = [self._mode_name(self._grid.mode)]
        shown = shown_epoch(self._model, self._selection)
        if self._selection.epoch is not None and shown is not None:
            said.append(self.tr("epoch {epoch}").format(epoch=shown + 1))
        warmup = int(self._model.config.get("warmup_epochs") or 0) if self._model is not None else 0
        if shown is not None and shown < warmup:
            said.append(self.tr("frozen to epoch {epoch}").format(epoch=warmup))
        return " · ".join(said)

    def _mode_name(self, mode: Mode) -> str:
        return {
            "softmax": self.tr("softmax of alpha"),
            "raw": self.tr("raw alpha"),
            "weighted": self.tr("alpha × beta"),
        }[mode]

    def _sentence(self) -> str:
        if self._model is None:
            return self.tr("One row an edge, one column a primitive: the brighter, the more the search prefers it.")
        if self._model.kind != "search":
            return self.tr("A retraining has no alphas: its cells are given.")
        if self._model.is_random:
            return self.tr("A random cell has no alphas: it is drawn, not searched.")
        if self._model.has_ended:
            return self.tr("It ended before its first alphas.")
        return self.tr("The first alphas come with the first steps.")

    def describe(self, row: int, column: int) -> str:
        """A cell in words: «k−2 → node 0 · sep 3×3 · 0.143 · rank 1 of 8 · alpha raw 0.02»."""
        return " · ".join(self._said(row, column))

    def _said(self, row: int, column: int) -> list[str]:
        grid = self._grid
        source, node = grid.edges[row]
        said = [
            self.tr("{source} → node {node}").format(
                source=state_label(source) if source < 2 else self.tr("node {node}").format(node=source - 2), node=node
            ),
            declaration(grid.primitives[column]).label,
        ]
        if grid.weights is None or grid.raw is None:
            return said
        said.append(f"{grid.weights[row, column]:.3f}")
        said.append(self.tr("rank {rank} of {count}").format(rank=grid.rank(row, column), count=len(grid.primitives)))
        said.append(self.tr("alpha raw {value}").format(value=f"{grid.raw[row, column]:.3g}".replace("-", "−")))
        if grid.betas is not None:
            product = grid.weights[row, column] * grid.betas[row]
            said.append(
                self.tr("× beta {beta} = {product}").format(beta=f"{grid.betas[row]:.3f}", product=f"{product:.3f}")
            )
        if (row, column) in grid.chosen:
            said.append(self.tr("chosen"))
        return said

    # Painting.

    def layout_now(self) -> HeatmapLayout:
        """Where everything lies at the present size."""
        return layout_of(QRectF(self.rect()), self._grid)

    def cell_rect(self, row: int, column: int) -> QRectF:
        """The rectangle of a cell in the widget."""
        return self.layout_now().cell(row, column)

    def sizeHint(self) -> QSize:
        """Room for every row's name; the same with and without a run, so that nothing jumps."""
        line = self.fontMetrics().height()
        return QSize(line * 22, line * (len(self._grid.edges) + 2))

    def minimumSizeHint(self) -> QSize:
        """Still legible."""
        line = self.fontMetrics().height()
        return QSize(line * 12, line * 7)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the heatmap."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme().panel))
        marks = Marks(
            self._grid.place(self._selection.operation),
            self._grid.place(self._selection.hover),
            has_focus=self.hasFocus(),
        )
        paint_heatmap(painter, QRectF(self.rect()), self._grid, marks, theme())
        if self._grid.values is None:
            paint_sentence(painter, self.layout_now().cells, self._sentence(), chart_font(), theme())
        elif self.hasFocus() and marks.selected is None:
            painter.setPen(QColor(theme().accent))
            painter.drawRect(self.layout_now().cells.adjusted(-2, -1, 0, 0))
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the button under the colour bar."""
        size = self.options_button.sizeHint()
        self.options_button.setFixedWidth(size.width())
        self.options_button.move(self.width() - size.width(), self.height() - self.options_button.height())

    # Selection.

    def _operation_at(self, place: QPointF) -> Operation | None:
        found = self.layout_now().at(place)
        return self._grid.operation(*found) if found is not None else None

    def _selected(self, operation: Operation | None) -> None:
        self._describe()
        self.update()

    def _hovered(self, operation: Operation | None) -> None:
        self.update()

    def _describe(self) -> None:
        """Tell screen readers what is selected."""
        place = self._grid.place(self._selection.operation)
        said = self.describe(*place) if place is not None else self._fact or self._sentence()
        if said != self.accessibleDescription():
            self.setAccessibleDescription(said)
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell everyone what is under the mouse, and show its numbers."""
        found = self.layout_now().at(event.position())
        if found is None:
            self._unhover()
            return
        self._selection.set_hover(self._grid.operation(*found))
        cell = self.cell_rect(*found).toRect()
        corner = self.mapToGlobal(cell.topLeft())
        said = self._said(*found)
        text = f"<b>{html.escape(' · '.join(said[:2]))}</b><br>{html.escape(' · '.join(said[2:]))}"
        summary = declaration(self._grid.primitives[found[1]]).summary
        if summary:
            text += f"<br><span style='color:{theme().dim}'>{html.escape(summary)}</span>"
        place = QPoint(corner.x() + cell.width() // 2, corner.y() + cell.height() // 2)
        self._readout.show_near(place, text, QRect(corner, cell.size()))

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the mouse."""
        self._unhover()

    def hideEvent(self, event: QEvent) -> None:
        """Nothing is under the mouse."""
        self._unhover()

    def _unhover(self) -> None:
        self._readout.hide()
        if self._selection.hover is not None and self._selection.hover.kind == self.kind:
            self._selection.set_hover(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select the operation; a click beside the cells selects nothing."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._selection.select(self._operation_at(event.position()))

    def event(self, event: QEvent) -> bool:
        """Arrow keys belong to the heatmap while it has the focus, even where the window has shortcuts on them."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in _ARROWS:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys, Home and End move the selection, Escape clears it."""
        here = self._grid.place(self._selection.operation)
        key = Qt.Key(event.key())
        last_row, last_column = len(self._grid.edges) - 1, len(self._grid.primitives) - 1
        if key == Qt.Key.Key_Escape and here is not None:
            self._selection.select(None)
        elif key in _ARROWS:
            if here is None:
                there = min(self._grid.chosen, default=(0, 0))
            else:
                down, right = _ARROWS[key]
                there = min(max(here[0] + down, 0), last_row), min(max(here[1] + right, 0), last_column)
            self._selection.select(self._grid.operation(*there))
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End) and here is not None:
            self._selection.select(self._grid.operation(here[0], 0 if key == Qt.Key.Key_Home else last_column))
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the focus."""
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """No longer show the focus."""
        self.update()

    # Menu and files.

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer values, table and exports."""
        self._run_menu(event.globalPos())

    def _open_menu(self) -> None:
        self._run_menu(self.options_button.mapToGlobal(QPoint(0, self.options_button.height())))

    def _run_menu(self, place: QPoint) -> None:
        self._readout.hide()
        menu = self.make_menu()
        menu.exec(place)
        menu.deleteLater()

    def make_menu(self) -> QMenu:
        """The context menu."""
        menu = QMenu(self)
        group = QActionGroup(menu)
        modes: tuple[Mode, ...] = ("softmax", "raw", "weighted") if self._grid.betas is not None else ("softmax", "raw")
        for mode in modes:
            action = menu.addAction(self._mode_name(mode))
            action.setCheckable(True)
            action.setChecked(mode == self._grid.mode)
            action.setData(mode)
            group.addAction(action)
        group.triggered.connect(lambda action: self.set_mode(action.data()))
        menu.addSeparator()
        menu.addAction(self.tr("Open as table…")).triggered.connect(self.open_table)
        pictures.add_save_actions(menu, self._file_name(), self.save)
        menu.addAction(self.tr("Copy picture")).triggered.connect(self.copy_picture)
        copy = menu.addAction(self.tr("Copy value"))
        copy.setEnabled(self._grid.place(self._selection.operation) is not None and self._grid.values is not None)
        copy.triggered.connect(self.copy_value)
        return menu

    def open_table(self) -> AlphaTableDialog:
        """Open the numbers as a table that follows the heatmap."""
        if self._table is None:
            self._table = AlphaTableDialog(self._grid, self.accessibleName(), self._selection, self)
            self._table.destroyed.connect(self._forget_table)
        self._table.show()
        self._table.raise_()
        return self._table

    def _forget_table(self) -> None:
        self._table = None

    def copy_value(self) -> None:
        """Put the selected value on the clipboard."""
        place = self._grid.place(self._selection.operation)
        if place is not None and self._grid.values is not None:
            QGuiApplication.clipboard().setText(repr(float(self._grid.values[place])))

    def copy_picture(self) -> None:
        """Put the heatmap on the clipboard."""
        pictures.copy_picture(self._picture_size(), self._paint_picture)

    def save(self, path: Path) -> None:
        """Write the heatmap as PNG, SVG or PDF in the light palette, or its numbers as CSV, by the path's ending.

        Raises:
            OSError: the file cannot be written.
        """
        if path.suffix.lower() == ".csv":
            pictures.write_csv(path, self._header(), self._rows())
        else:
            pictures.save_picture(path, self._picture_size(), self._paint_picture, self.accessibleName())

    def _file_name(self) -> str:
        run = self._model.path.name if self._model is not None else "nascope"
        return f"{run}-alphas-{self.kind}"

    def _picture_size(self) -> QSize:
        line = self.fontMetrics().height()
        return QSize(max(self.width(), line * 26), max(self.height(), line * 16) + line * 3)

    def _paint_picture(self, painter: QPainter, area: QRectF) -> None:
        pictures.paint_titled(
            painter, area, " · ".join(filter(None, (self.accessibleName(), self._fact))), self._paint_body
        )

    def _paint_body(self, painter: QPainter, area: QRectF) -> None:
        paint_heatmap(painter, area, self._grid, Marks(), LIGHT)

    def _header(self) -> tuple[str, ...]:
        return ("source", "node", "primitive", "alpha", "softmax", "edge_weight", "chosen")

    def _rows(self) -> Iterable[tuple[object, ...]]:
        grid = self._grid
        if grid.raw is None or grid.weights is None:
            return
        for row, (source, node) in enumerate(grid.edges):
            for column, primitive in enumerate(grid.primitives):
                beta = float(grid.betas[row]) if grid.betas is not None else ""
                yield (
                    source, node, primitive, float(grid.raw[row, column]), float(grid.weights[row, column]), beta,
                    int((row, column) in grid.chosen),
                )  # fmt: skip

"""A live plot of one measure of a run: losses, accuracies, rates, entropies, norms, speed or memory."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QPainter
from PySide6.QtWidgets import QHBoxLayout, QMenu, QVBoxLayout, QWidget
from shiboken6 import isValid

from app.buttons import Button
from app.live import curve_words, pictures
from app.live.curve_options import CurveOptions
from app.live.epochs import go_to, last_epoch, planned_epochs, shown_epoch, step_by
from app.live.figure import Figure, paint_figure, paint_legend
from app.live.fonts import chart_font
from app.live.legend import Legend
from app.live.measures import choices, title
from app.live.plot import CurvePlot
from app.live.readout import Readout
from app.live.refresh import Refresher
from app.live.run_curves import RunCurves
from app.run_model import RunModel
from app.selection import Selection
from app.theme import LIGHT, manager


class CurvePanel(QWidget):
    """One plot over the epochs of a run.

    ``options_button`` opens its settings; a surrounding panel may take the button into its header.
    """

    fact_changed = Signal(str)
    """The quiet fact for the upper right, for example «validation 71.8 %»."""
    title_changed = Signal(str)
    """Another choice has another title."""
    range_changed = Signal(float, float)
    """The person zoomed or panned the x axis (epochs)."""

    def __init__(self, selection: Selection, choice: str = "loss", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._selection = selection
        self._model: RunModel | None = None
        self._curves = RunCurves(choice)
        self._fact = ""

        self.plot = CurvePlot(self)
        self._legend = Legend(self)
        self._readout = Readout(self)
        self._options = CurveOptions(self)
        self.options_button = Button("⋯", kind="quiet", parent=self)
        self.options_button.setToolTip(self.tr("Choose curves, smoothing and scale"))
        self.options_button.setAccessibleName(self.tr("Curve settings"))
        self.options_button.setFixedHeight(self.fontMetrics().height() + 4)

        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._legend, 1)
        row.addWidget(self.options_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(row)
        layout.addWidget(self.plot, 1)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumHeight(self.fontMetrics().height() * 6)

        self._refresher = Refresher(self, self._draw)
        self.plot.range_wanted.connect(self._pan)
        self.plot.clicked.connect(self._click)
        self.plot.hovered.connect(self._hover)
        self.options_button.clicked.connect(self._open_options)
        self._options.choice_picked.connect(self.set_choice)
        self._options.smoothing_picked.connect(self.set_smoothing)
        self._options.log_toggled.connect(self.set_log)
        self._options.follow_toggled.connect(self.set_follow)
        self._options.reset_clicked.connect(self.reset_zoom)
        selection.epoch_changed.connect(self._refresher.request)
        manager().changed.connect(self._recolour)
        self._refresher.request()

    # What is shown.

    @property
    def title(self) -> str:
        """Name of what is shown."""
        return self._curves.measure.title

    @property
    def choice(self) -> str:
        """Key of what is shown."""
        return self._curves.measure.key

    @property
    def smoothing(self) -> float:
        """Weight of the past in the exponential average."""
        return self._curves.smoothing

    @property
    def is_log(self) -> bool:
        """Whether the y axis is logarithmic."""
        return self._curves.is_log

    @property
    def follows(self) -> bool:
        """Whether the x axis moves on with the newest epochs."""
        return self._curves.follows

    @property
    def figure(self) -> Figure:
        """What the plot shows, as values."""
        return self.plot.figure

    def set_model(self, model: RunModel | None) -> None:
        """Show another run, or the empty state."""
        if self._model is not None and isValid(self._model):
            self._model.events_arrived.disconnect(self._take)
            self._model.status_changed.disconnect(self._refresher.request)
        self._model = model
        if model is not None:
            model.events_arrived.connect(self._take)
            model.status_changed.connect(self._refresher.request)
        before = self.title
        self._curves.set_model(model)
        if self.title != before:
            self.title_changed.emit(self.title)
        self._refresher.request()

    def set_choice(self, key: str) -> None:
        """Show another measure; its scale is linear or logarithmic as suits it."""
        if key == self.choice:
            return
        self._curves.set_choice(key)
        self.title_changed.emit(self.title)
        self._refresher.request()

    def set_smoothing(self, weight: float) -> None:
        """Smooth more (towards 0.999) or not at all (0)."""
        self._curves.set_smoothing(weight)
        self._refresher.request()

    def set_log(self, on: bool) -> None:
        """Switch the y axis between linear and logarithmic."""
        self._curves.is_log = on
        self._refresher.request()

    def set_follow(self, on: bool) -> None:
        """Keep the newest epochs in view."""
        self._curves.set_follow(on)
        self._refresher.request()

    def reset_zoom(self) -> None:
        """Show the whole run."""
        self._curves.show_whole()
        self.range_changed.emit(0.0, float(planned_epochs(self._model)))
        self._refresher.request()

    def set_range(self, left: float, right: float) -> None:
        """Show a part of the x axis, in epochs, without ``range_changed``."""
        self._curves.set_range(left, right)
        self._refresher.request()

    def _pan(self, left: float, right: float) -> None:
        self._curves.follows = False
        self.set_range(left, right)
        self._refresher.now()
        self.range_changed.emit(self.figure.left, self.figure.right)

    def _recolour(self) -> None:
        if self.isVisible():
            self._refresher.now()
        else:
            self._refresher.request()

    def _take(self, types: set[str]) -> None:
        if types:
            self._refresher.request()

    # Drawing.

    def _draw(self) -> None:
        self._curves.refresh_words()
        epoch = shown_epoch(self._model, self._selection) if self._selection.epoch is not None else None
        columns = max(50, round(self.plot.area().width()))
        figure = self._curves.figure(self.plot.size(), columns, None if epoch is None else epoch + 1.0)
        self.plot.show_figure(figure)
        self._legend.set_curves(figure.curves)
        fact = curve_words.fact(self._curves, epoch)
        if fact != self._fact:
            self._fact = fact
            self.fact_changed.emit(fact)
        self.setAccessibleName(self.title)
        self.setAccessibleDescription(figure.sentence or curve_words.description(self._curves, epoch))

    def _hover(self, epoch: float | None) -> None:
        inside = epoch is not None and bool(self.figure.curves)
        self.plot.set_hair(epoch if inside else None)
        if not inside or epoch is None:
            self._readout.hide()
            return
        text = curve_words.readout(self._curves, epoch)
        corner = self.plot.mapToGlobal(QPoint(round(self.plot.x_of(epoch)), round(self.plot.area().center().y())))
        if text:
            self._readout.show_near(corner, text, QRect(corner.x() - 2, corner.y(), 4, 1))

    # Interaction.

    def _click(self, epoch: float) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if last_epoch(self._model) is not None:
            go_to(self._model, self._selection, max(0, round(epoch) - 1))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and Right step through epochs, + and - zoom, 0 shows the whole run, Escape goes back to live."""
        key = event.key()
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            step_by(self._model, self._selection, -1 if key == Qt.Key.Key_Left else 1)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.plot.zoom(0.8)
        elif key == Qt.Key.Key_Minus:
            self.plot.zoom(1.25)
        elif key == Qt.Key.Key_0:
            self.reset_zoom()
        elif key == Qt.Key.Key_Escape and self._selection.epoch is not None:
            self._selection.show_epoch(None)
        else:
            super().keyPressEvent(event)

    def _open_options(self) -> None:
        self._options.set_state(
            self._curves.measure.key,
            self.smoothing,
            choices=[(key, title(key, self._model)) for key in choices(self._model)],
            smooths=self._curves.measure.smooths,
            log=self._curves.is_log,
            follow=self._curves.follows,
        )
        self._options.open_below(self.options_button)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer the choices and the exports."""
        menu = self.make_menu()
        menu.exec(event.globalPos())
        menu.deleteLater()

    def make_menu(self) -> QMenu:
        """The context menu."""
        menu = QMenu(self)
        shown = menu.addMenu(self.tr("Show"))
        for key in choices(self._model):
            action = shown.addAction(title(key, self._model))
            action.setCheckable(True)
            action.setChecked(key == self._curves.measure.key)
            action.setData(key)
        shown.triggered.connect(lambda action: self.set_choice(str(action.data())))
        for text, checked, switch in (
            (self.tr("Logarithmic scale"), self._curves.is_log, self.set_log),
            (self.tr("Follow the newest epochs"), self._curves.follows, self.set_follow),
        ):
            action = menu.addAction(text)
            action.setCheckable(True)
            action.setChecked(checked)
            action.toggled.connect(switch)
        menu.addAction(self.tr("Show the whole run")).triggered.connect(self.reset_zoom)
        menu.addSeparator()
        pictures.add_save_actions(menu, self._file_name(), self.save)
        menu.addAction(self.tr("Copy picture")).triggered.connect(self.copy_picture)
        return menu

    # Files.

    def _file_name(self) -> str:
        run = self._model.path.name if self._model is not None else "nascope"
        return f"{run}-{self._curves.measure.key.replace('_', '-')}"

    def save(self, path: Path) -> None:
        """Write the plot as PNG, SVG or PDF in the light palette, or the numbers of all series as CSV, by the path's ending.

        Raises:
            OSError: the file cannot be written.
        """
        if path.suffix.lower() == ".csv":
            pictures.write_csv(
                path, ("series", "step", "epoch", "unix_seconds", "value"), curve_words.table(self._curves)
            )
        else:
            pictures.save_picture(path, self._picture_size(), self._paint_picture, self._curves.measure.title)

    def copy_picture(self) -> None:
        """Put the plot on the clipboard."""
        pictures.copy_picture(self._picture_size(), self._paint_picture)

    def _picture_size(self) -> QSize:
        return QSize(max(self.width(), 320), max(self.height(), 200) + self.fontMetrics().height())

    def _paint_picture(self, painter: QPainter, area: QRectF) -> None:
        self._refresher.now()
        pictures.paint_titled(painter, area, self._curves.measure.title, self._paint_body)

    def _paint_body(self, painter: QPainter, area: QRectF) -> None:
        line = QRectF(area.left(), area.top(), area.width(), chart_font().pixelSize() * 1.6)
        paint_legend(painter, line, self.figure.curves, chart_font(), LIGHT)
        paint_figure(painter, area.adjusted(0, line.height(), 0, 0), self.figure, chart_font(), LIGHT)


def link_x(panels: Iterable[CurvePanel]) -> None:
    """Let panels show the same part of the x axis: zooming one zooms all."""
    linked = list(panels)
    for panel in linked:
        for other in linked:
            if other is not panel:
                panel.range_changed.connect(other.set_range)

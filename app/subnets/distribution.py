"""Which networks the steps of a two-stage training sampled: how often each value of each choice, how many multiply-adds."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QVBoxLayout, QWidget
from shiboken6 import isValid

from app.buttons import Button
from app.labels import SMALL, ElidedLabel
from app.live import pictures
from app.live.epochs import shown_epoch, step_by
from app.live.figure import paint_sentence
from app.live.fonts import chart_font
from app.live.readout import Readout
from app.live.refresh import Refresher
from app.run_model import RunModel
from app.selection import Selection
from app.subnets.distribution_counts import SampledNetworks, sampled_networks
from app.subnets.distribution_paint import Arrangement, Bin, Box, arrange, field_words, paint
from app.subnets.words import amount, part_words
from app.theme import LIGHT, manager, theme
from engine.subnets import Space


class Distribution(QWidget):
    """A table of the space's choices and a histogram of multiply-adds, up to the shown epoch or of that epoch alone."""

    fact_changed = Signal(str)
    """The quiet fact for the panel's header, for example «1,080 networks»."""

    def __init__(self, selection: Selection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("distribution")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._selection = selection
        self._model: RunModel | None = None
        self._fact = ""
        self.space: Space | None = None
        self.sampled: SampledNetworks | None = None
        self.plot = _Plot(self)
        self.so_far = self._choice(self.tr("So far"), "sampled_so_far")
        self.this_epoch = self._choice(self.tr("This epoch"), "sampled_this_epoch")
        self.so_far.setChecked(True)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        self._key = ElidedLabel("", tone="dim", scale=SMALL)
        row.addWidget(self._key, 1)
        row.addWidget(self.so_far)
        row.addWidget(self.this_epoch)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(self.fontMetrics().height() // 3)
        box.addLayout(row)
        box.addWidget(self.plot, 1)
        self.setMinimumHeight(self.fontMetrics().height() * 9)
        self._refresher = Refresher(self, self._read)
        selection.epoch_changed.connect(self._refresher.request)
        manager().changed.connect(self._refresher.request)

    def _choice(self, text: str, name: str) -> Button:
        button = Button(text, kind="quiet")
        button.setObjectName(name)
        button.setCheckable(True)
        # Not an exclusive group: there Tab would pass over the button that is not checked.
        button.clicked.connect(lambda: self._count(button))
        return button

    def _count(self, chosen: Button) -> None:
        for button in (self.so_far, self.this_epoch):
            button.setChecked(button is chosen)
        self._refresher.request()

    # What is shown.

    def set_model(self, model: RunModel | None) -> None:
        """Show another run, or nothing."""
        if self._model is not None and isValid(self._model):
            self._model.events_arrived.disconnect(self._take)
            self._model.status_changed.disconnect(self._refresher.request)
        self._model = model
        if model is not None:
            model.events_arrived.connect(self._take)
            model.status_changed.connect(self._refresher.request)
        self._refresher.now()

    def _take(self, types: set[str]) -> None:
        if types & {"started", "sampled", "resumed"}:
            self._refresher.request()

    def _read(self) -> None:
        model = self._model
        self.space = None if model is None else model.space
        epoch = shown_epoch(model, self._selection)
        self.sampled = None if model is None else sampled_networks(model.history, epoch, so_far=self.so_far.isChecked())
        for button in (self.so_far, self.this_epoch):
            button.setVisible(self.sampled is not None)
        key = self.tr("Bar: share of the sampled networks with this value. Mark: drawn evenly.")
        self._key.setText("" if self.sentence else key)
        fact = self._fact_words()
        if fact != self._fact:
            self._fact = fact
            self.fact_changed.emit(fact)
        self.setAccessibleName(self.tr("Sampled networks"))
        self.setAccessibleDescription(self.sentence or "; ".join(" ".join(map(str, row)) for row in self.table()))
        self.plot.update()

    @property
    def sentence(self) -> str:
        """What stands here while there is nothing to draw; empty where there is."""
        model = self._model
        if self.sampled is not None and self.space is not None and self.sampled.networks:
            return ""
        if model is not None and model.config.get("networks_per_step") == 2:
            return self.tr("Each step trains the biggest and the smallest network alone; none is sampled.")
        if model is not None and model.has_ended and self.sampled is None:
            return self.tr("It ended before its first epoch was over.")
        return self.tr("How often each choice was sampled appears here after the first epoch.")

    def _fact_words(self) -> str:
        sampled = self.sampled
        if sampled is None:
            return ""
        parts = [self.tr("{n} networks").format(n=f"{sampled.networks:,}")]
        first, last = sampled.first_epoch + 1, sampled.last_epoch + 1
        parts.append(
            self.tr("epoch {n}").format(n=last) if first == last
            else self.tr("epochs {first} to {last}").format(first=first, last=last)
        )  # fmt: skip
        if sampled.off_target:
            parts.append(self.tr("{n} beside the drawn multiply-adds").format(n=f"{sampled.off_target:,}"))
        return " · ".join(parts)

    def arrangement(self, area: QRectF) -> Arrangement | None:
        """Where everything stands in a rectangle; None while there is nothing."""
        if self.sentence or self.space is None or self.sampled is None:
            return None
        return arrange(area, self.space, self.sampled, chart_font())

    def words_of(self, hovered: Box | Bin) -> str:
        """What the card beside the mouse says of a value or a range: rich text."""
        sampled = self.sampled
        if sampled is None:
            return ""
        if isinstance(hovered, Bin):
            times, total = sampled.macs_counts[hovered.place], max(1, sum(sampled.macs_counts))
            low, high = sampled.macs_edges[hovered.place], sampled.macs_edges[hovered.place + 1]
            head = self.tr("{low} to {high} multiply-adds").format(low=amount(low), high=amount(high))
            tail = ""
        else:
            coordinate = hovered.coordinate
            times, total = sampled.times(coordinate, hovered.value), max(1, sampled.networks)
            head = f"{field_words(coordinate.field)} {hovered.value}"
            if coordinate.index is not None:
                head = self.tr("{choice} in {part}").format(choice=head, part=part_words(coordinate.part))
            tail = self.tr("drawn evenly it would be {share} %").format(share=f"{100 / len(coordinate.choices):.1f}")
        body = self.tr("{times} of {total} networks, {share} %").format(
            times=f"{times:,}", total=f"{total:,}", share=f"{100 * times / total:.1f}"
        )
        dim = theme().dim
        lines = [f"<div style='color:{dim}'>{html.escape(head)}</div>", f"<div>{html.escape(body)}</div>"]
        return "".join([*lines, f"<div style='color:{dim}'>{html.escape(tail)}</div>"] if tail else lines)

    # Interaction.

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and Right step through epochs, Escape goes back to live."""
        if event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            step_by(self._model, self._selection, -1 if event.key() == Qt.Key.Key_Left else 1)
        elif event.key() == Qt.Key.Key_Escape and self._selection.epoch is not None:
            self._selection.show_epoch(None)
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer the exports."""
        if self.sampled is None:
            return
        menu = QMenu(self)
        pictures.add_save_actions(menu, self._file_name(), self.save)
        menu.addAction(self.tr("Copy picture")).triggered.connect(self.copy_picture)
        menu.exec(event.globalPos())
        menu.deleteLater()

    # Files.

    def table(self) -> Iterator[tuple[object, ...]]:
        """Every number: choice, part, value, times, share; then the bins of multiply-adds."""
        sampled, space = self.sampled, self.space
        if sampled is None or space is None:
            return
        for coordinate in space.coordinates():
            for value in coordinate.choices:
                times, share = sampled.times(coordinate, value), sampled.share(coordinate, value)
                yield coordinate.field, coordinate.part, value, times, round(share, 6)
        total = max(1, sum(sampled.macs_counts))
        for low, high, times in zip(sampled.macs_edges, sampled.macs_edges[1:], sampled.macs_counts, strict=False):
            yield "macs", "", f"{low:.0f}-{high:.0f}", times, round(times / total, 6)

    def save(self, path: Path) -> None:
        """Write the picture in the light palette, or the numbers as CSV, by the path's ending.

        Raises:
            OSError: the file cannot be written.
        """
        if path.suffix.lower() == ".csv":
            pictures.write_csv(path, ("choice", "part", "value", "times", "share"), self.table())
        else:
            pictures.save_picture(path, self._picture_size(), self._paint_picture, self.tr("Sampled networks"))

    def copy_picture(self) -> None:
        """Put the picture on the clipboard."""
        pictures.copy_picture(self._picture_size(), self._paint_picture)

    def _file_name(self) -> str:
        return f"{self._model.path.name if self._model is not None else 'nascope'}-sampled"

    def _picture_size(self) -> QSize:
        return QSize(max(self.width(), 640), max(self.height(), 320))

    def _paint_picture(self, painter: QPainter, area: QRectF) -> None:
        self._refresher.now()
        pictures.paint_titled(painter, area, self.tr("Sampled networks"), self._paint_body)

    def _paint_body(self, painter: QPainter, area: QRectF) -> None:
        placed = self.arrangement(area)
        if placed is not None and self.sampled is not None:
            paint(painter, placed, self.sampled, chart_font(), LIGHT)


class _Plot(QWidget):
    """Where it is drawn; knows what is under the mouse."""

    def __init__(self, owner: Distribution) -> None:
        super().__init__(owner)
        self._owner = owner
        self._hovered: Box | Bin | None = None
        self._readout = Readout(self)
        self.setMouseTracking(True)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the table and the bars, or the sentence."""
        owner, area = self._owner, QRectF(self.rect())
        placed = owner.arrangement(area)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        if placed is None or owner.sampled is None:
            paint_sentence(painter, area, owner.sentence, chart_font(), theme())
        else:
            paint(painter, placed, owner.sampled, chart_font(), theme(), self._hovered)
        painter.end()

    def at(self, place: QPointF) -> Box | Bin | None:
        """The value or the range under a place."""
        placed = self._owner.arrangement(QRectF(self.rect()))
        if placed is None:
            return None
        entries: tuple[Box | Bin, ...] = (*placed.boxes, *placed.bins)
        return next((entry for entry in entries if entry.rect.contains(place)), None)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell the exact numbers."""
        hovered = self.at(event.position())
        if hovered != self._hovered:
            self._hovered = hovered
            self.update()
        if hovered is None:
            self._readout.hide()
            return
        corner = self.mapToGlobal(hovered.rect.center().toPoint())
        keep_off = QRect(self.mapToGlobal(hovered.rect.topLeft().toPoint()), hovered.rect.size().toSize())
        self._readout.show_near(corner, self._owner.words_of(hovered), keep_off)

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the mouse."""
        self._hovered = None
        self._readout.hide()
        self.update()

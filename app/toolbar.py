"""The line at the top: what this is, its state, how far it is, and what can be done."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QAction, QColor, QFontMetrics, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QWidget

from app.buttons import ActionButton, Button
from app.labels import LARGE, SMALL, ElidedLabel, Label, scaled_font
from app.surface import Surface
from app.theme import manager, mix, theme


class StatePill(QWidget):
    """The state: a dot and words in a capsule."""

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self._state = ""
        self.setFont(scaled_font(SMALL))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        manager().changed.connect(self.update)

    def show_state(self, text: str, state: str) -> None:
        """Show words and the colour of a state."""
        if (text, state) != (self._text, self._state):
            self._text, self._state = text, state
            self.setAccessibleName(text)
            self.updateGeometry()
            self.update()

    @property
    def text(self) -> str:
        """The words."""
        return self._text

    def sizeHint(self) -> QSize:
        """As wide as the words."""
        metrics = QFontMetrics(self.font())
        height = round(metrics.height() * 1.65)
        return QSize(metrics.horizontalAdvance(self._text) + round(height * 1.25), height)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the capsule."""
        colours = theme()
        hue = colours.state(self._state)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(mix(colours.panel, hue, colours.pill_mix)))
        room = QRectF(self.rect())
        painter.drawRoundedRect(room, room.height() / 2, room.height() / 2)
        painter.setBrush(QColor(hue))
        radius = room.height() * 0.17
        painter.drawEllipse(QPointF(room.height() * 0.52, room.center().y()), radius, radius)
        painter.setPen(QColor(colours.text))
        painter.drawText(room.adjusted(room.height() * 0.85, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, self._text)
        painter.end()


class ThinProgress(QWidget):
    """Progress as a thin line."""

    def __init__(self) -> None:
        super().__init__()
        self._share = 0.0
        unit = self.fontMetrics().height()
        self.setMinimumWidth(unit * 4)
        self.setMaximumWidth(unit * 13)
        self.setFixedHeight(unit)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        manager().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """About as wide as in the picture."""
        return QSize(self.maximumWidth(), self.height())

    def show_share(self, share: float) -> None:
        """Show 0 to 1."""
        if abs(share - self._share) > 0.0005 or share in (0.0, 1.0):
            self._share = share
            self.setAccessibleName(f"{share:.0%}")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw both lines."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        thickness = max(2.0, self.height() * 0.22)
        y = self.height() / 2
        inset = thickness / 2
        for colour, share in ((theme().border, 1.0), (theme().accent, self._share)):
            if share > 0:
                painter.setPen(QPen(QColor(colour), thickness, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
                painter.drawLine(QPointF(inset, y), QPointF(inset + (self.width() - thickness) * share, y))
        painter.end()


class MenuButton(Button):
    """Three lines that open the menu."""

    def __init__(self, menu: QMenu) -> None:
        super().__init__(kind="quiet")
        self.setObjectName("menu")
        self.setMenu(menu)
        self.setToolTip(self.tr("Menu (F10)"))
        self.setAccessibleName(self.tr("Menu"))
        unit = self.fontMetrics().height()
        self.setFixedSize(unit * 2, unit * 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the lines over the button."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setPen(QPen(QColor(theme().dim), 1.6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle, half, step = QPointF(self.width() / 2, self.height() / 2), self.width() * 0.21, self.height() * 0.15
        for line in (-1, 0, 1):
            painter.drawLine(middle + QPointF(-half, line * step), middle + QPointF(half, line * step))
        painter.end()


class Toolbar(Surface):
    """Title, pill, progress on the left; actions on the right."""

    def __init__(self, actions: dict[str, QAction], menu: QMenu, parent: QWidget | None = None) -> None:
        super().__init__("panel", line="bottom", parent=parent)
        self.setObjectName("toolbar")
        unit = self.fontMetrics().height()
        self.setFixedHeight(round(unit * 3.2))
        self._title = ElidedLabel("nascope", scale=LARGE, bold=True)
        self._title.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self.pill = StatePill()
        self.progress = ThinProgress()
        self._left = Label("", tone="dim")
        self.stop_button = ActionButton(actions["stop"], kind="danger")
        self.menu_button = MenuButton(menu)
        self._box = box = QHBoxLayout(self)
        box.setContentsMargins(unit, 0, unit * 3 // 4, 0)
        box.setSpacing(unit * 2 // 3)
        box.addWidget(self._title)
        box.addWidget(self.pill)
        box.addSpacing(unit // 3)
        box.addWidget(self.progress)
        box.addWidget(self._left)
        box.addStretch(1)
        box.addWidget(ActionButton(actions["pause"]))
        box.addWidget(ActionButton(actions["resume"]))
        box.addWidget(self.stop_button)
        self._select = actions["select"]
        # In the order of the bar; the page of a supernet has them all, so they make room for title and state.
        self._folds = [self._together(actions, *names) for names in (("select",), ("test", "export"), ("retrain",))]
        for fold in self._folds:
            box.addWidget(fold)
        for name in ("pause", "resume", "stop", "select", "test", "export", "retrain"):
            actions[name].changed.connect(self._fold)
        box.addWidget(ActionButton(actions["new_run"], kind="primary"))
        box.addWidget(self.menu_button)
        self.show_nothing()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out what stands elsewhere too."""
        super().resizeEvent(event)
        self._fold()

    def _together(self, actions: dict[str, QAction], *names: str) -> QWidget:
        found = QWidget()
        row = QHBoxLayout(found)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(self.fontMetrics().height() * 2 // 3)
        for name in names:
            row.addWidget(ActionButton(actions[name]))
        return found

    def _fold(self) -> None:
        wanted = {fold for fold in self._folds if any(not button.isHidden() for button in fold.findChildren(Button))}
        _, twins, _ = self._folds
        for folded in ((), (twins,), self._folds):
            shown = wanted.difference(folded)
            if not self._select.isVisible() or self._needed(shown) <= self.width():
                break
        for fold in self._folds:
            fold.setVisible(fold in shown)
        # Else title and state would give way before the progress, whose hint is its greatest width.
        least, most = self.progress.minimumWidth(), self.progress.fontMetrics().height() * 13
        self.progress.setMaximumWidth(min(max(least, least + self.width() - self._needed(shown)), most))

    def _needed(self, shown: set[QWidget]) -> int:
        """Width at which title, state and buttons stand whole, with these groups of buttons; the progress gives way."""
        box = self._box
        found = box.contentsMargins().left() + box.contentsMargins().right() + self.fontMetrics().height() // 3
        for widget in (item.widget() for place in range(box.count()) if (item := box.itemAt(place)) is not None):
            if widget is None or (widget not in shown if widget in self._folds else widget.isHidden()):
                continue
            hint = widget.minimumWidth() if widget is self.progress else widget.sizeHint().width()
            found += hint + box.spacing()
        return found

    def show_title(self, title: str) -> None:
        """What this is."""
        self._title.setText(title)

    def show_run(self, title: str, pill: str, state: str, share: float | None, left: str) -> None:
        """A run: its title, state, progress (None hides it) and time left."""
        self.show_title(title)
        self.pill.show_state(pill, state)
        self.pill.show()
        self.progress.setVisible(share is not None)
        self.progress.show_share(share or 0.0)
        self._left.setText(left)
        self._left.setVisible(bool(left))
        self._fold()

    def show_nothing(self, title: str = "nascope") -> None:
        """No run."""
        self.show_title(title)
        self.pill.hide()
        self.progress.hide()
        self._left.hide()

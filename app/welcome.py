"""What stands in the middle before anything was chosen: one sentence and one button."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.buttons import ActionButton, Button
from app.labels import LARGE, SMALL, Label
from app.panel import Panel


class WelcomeView(QWidget):
    """Offers the search that needs nothing, and names what else there is."""

    demo_wanted = Signal()

    def __init__(self, actions: dict[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.named: dict[str, QWidget] = {}
        unit = self.fontMetrics().height()
        self._sentence = Label("", scale=LARGE, bold=True).wrapped()
        self._sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        explained = Label(
            self.tr("A DARTS search forms a normal and a reduction cell; you watch its losses, its alphas and both cells while it runs."),
            tone="dim",
        ).wrapped()  # fmt: skip
        explained.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.demo_button = Button(self.tr("Start the search"), kind="primary")
        self.demo_button.setObjectName("start_demo")
        self.demo_button.clicked.connect(self.demo_wanted)
        other = Label(
            self.tr(
                "Or train one supernet for many networks (BigNAS, AttentiveNAS) with «New run», look at a named cell on the left, "
                "or drop a run folder, a genotype or your own images here."
            ),
            tone="dim",
            scale=SMALL,
        ).wrapped()
        other.setAlignment(Qt.AlignmentFlag.AlignCenter)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.demo_button)
        row.addStretch(1)
        links = QHBoxLayout()
        links.addStretch(1)
        links.addWidget(ActionButton(actions["new_run"], kind="link"))
        links.addSpacing(unit)
        links.addWidget(ActionButton(actions["open"], kind="link"))
        links.addStretch(1)
        card = Panel()
        card.setMaximumWidth(unit * 40)
        card.body.setContentsMargins(unit * 3, unit * 2, unit * 3, unit * 2)
        card.body.setSpacing(unit)
        card.body.addWidget(self._sentence)
        card.body.addWidget(explained)
        card.body.addLayout(row)
        card.body.addWidget(other)
        card.body.addLayout(links)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(card, 8)
        middle.addStretch(1)
        box = QVBoxLayout(self)
        box.addStretch(2)
        box.addLayout(middle)
        box.addStretch(3)
        self.set_first_start(True)

    def set_first_start(self, first: bool) -> None:
        """Whether there is no run yet."""
        self._sentence.setText(
            self.tr("Search the digits that come with nascope: about 3 minutes on this machine")
            if first
            else self.tr("Choose a run or a cell on the left, or search the digits again: about 3 minutes")
        )

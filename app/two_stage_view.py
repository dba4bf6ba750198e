"""The page of a two-stage training: curves, what was sampled, and the sub-networks that are chosen from it."""

from __future__ import annotations

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QBoxLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.live.curves import CurvePanel, link_x
from app.panel import Panel
from app.panel_rows import PageTabs, curve_panel, gap_of, panel_row
from app.run_model import RunModel
from app.selection import Selection
from app.subnets.distribution import Distribution
from app.subnets.panel import SubnetPanel

_WIDE_LINES = 92
"""As wide as this many lines of text are high, training and networks stand side by side."""
_CURVES_SHARE, _SAMPLED_SHARE = 9, 10
_SAMPLED_LINES = 32
"""The table of what was sampled is at most as high as this many lines of text, unless it stands alone."""
QWIDGETSIZE_MAX = 2**24 - 1
_BUTTONS = {"select": "select", "test": "subnet_test", "export": "subnet_export", "fine_tune": "subnet_fine_tune"}


class TwoStageView(QWidget):
    """Training at the left (losses, accuracies, what was sampled), sub-networks at the right; behind tabs where there is little room.

    Attributes:
        named: the views by their object name.
        panel: the sub-networks.
    """

    def __init__(self, selection: Selection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model: RunModel | None = None
        self._is_compact = False
        self._picks_tab = True
        self.loss = CurvePanel(selection, "loss")
        self.accuracy = CurvePanel(selection, "accuracy")
        self.distribution = Distribution(selection)
        self.panel = SubnetPanel()
        self._buttons = {name: self.panel.findChild(QAbstractButton, button) for name, button in _BUTTONS.items()}
        self.named: dict[str, QWidget] = {
            "loss_plot": self.loss, "accuracy_plot": self.accuracy, "distribution": self.distribution, **self.panel.named,
        }  # fmt: skip
        link_x((self.loss, self.accuracy))
        gap = gap_of(self)
        self._curves = panel_row(curve_panel(self.loss), curve_panel(self.accuracy), gap)
        self._sampled = panel_row(Panel(self.tr("Sampled networks"), self.distribution), None, gap)
        self._training = QWidget()
        column = QVBoxLayout(self._training)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(gap)
        column.addWidget(self._curves, _CURVES_SHARE)
        column.addWidget(self._sampled, _SAMPLED_SHARE)
        self._networks = panel_row(self.panel, None, gap)
        self._training.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self._networks.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.tabs = PageTabs("two_stage_tabs")
        for title in (self.tr("Training"), self.tr("Sampled"), self.tr("Sub-networks")):
            self.tabs.addTab(title)
        self.tabs.currentChanged.connect(self._arrange)
        self.tabs.tabBarClicked.connect(self._tab_clicked)
        row = QHBoxLayout()
        row.setSpacing(gap)
        row.addWidget(self._training, 1)
        row.addWidget(self._networks, 1)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(gap)
        box.addWidget(self.tabs)
        box.addLayout(row, 1)
        self._arrange()

    def set_model(self, model: RunModel | None) -> None:
        """Show another two-stage training."""
        if self._model is not None:
            self._model.status_changed.disconnect(self._pick_tab)
        self._model = model
        self._picks_tab = True
        for view in (self.loss, self.accuracy, self.distribution, self.panel):
            view.set_model(model)
        if model is not None:
            model.status_changed.connect(self._pick_tab)
            self.tabs.setCurrentIndex(0)
            self._pick_tab()

    # -- what can be done with the chosen sub-network -------------------------------------------------------------

    def offers(self) -> dict[str, tuple[bool, str]]:
        """By ``select``, ``test``, ``export`` and ``fine_tune``: whether its button can be pressed, and its tip."""
        found = {
            name: (button.isEnabled(), button.toolTip()) for name, button in self._buttons.items() if button is not None
        }
        if self.panel.bar.is_selecting:  # There the button cancels; what says «Select…» shall not.
            found["select"] = (False, self.tr("A selection goes on: it can be cancelled below its plot."))
        return found

    def press(self, name: str) -> None:
        """Press one of those buttons, in sight of the networks that it is about."""
        button = self._buttons.get(name)
        if button is not None and self.offers()[name][0]:
            self.show_networks()
            button.click()

    def show_networks(self) -> None:
        """Bring the sub-networks in sight."""
        self._picks_tab = False
        self.tabs.setCurrentIndex(2)

    # -- room -----------------------------------------------------------------------------------------------------

    @property
    def is_wide(self) -> bool:
        """Whether everything is on screen at once."""
        return not self._is_compact and self.width() >= self.fontMetrics().height() * _WIDE_LINES

    def set_compact(self, compact: bool) -> None:
        """Curves and what was sampled behind tabs of their own too."""
        if compact != self._is_compact:
            self._is_compact = compact
            self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Everything at once where it fits."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self, _tab: int = 0) -> None:
        wide, compact = self.is_wide, self._is_compact
        self.tabs.setVisible(not wide)
        self.tabs.setTabVisible(1, compact)
        tab = self.tabs.currentIndex()
        self._curves.setVisible(not compact or tab == 0)
        self._sampled.setVisible(not compact or tab == 1)
        # A table takes what it needs; more room is the curves', above each other where they would be narrow.
        needed = self.fontMetrics().height() * _SAMPLED_LINES
        self._sampled.setMaximumHeight(QWIDGETSIZE_MAX if compact else needed)
        share = _CURVES_SHARE / (_CURVES_SHARE + _SAMPLED_SHARE)
        height = self.height() if compact else max(self.height() * share, self.height() - needed)
        is_narrow = self.width() / (4 if wide else 2) < height
        curves = self._curves.layout()
        if isinstance(curves, QBoxLayout):
            curves.setDirection(QBoxLayout.Direction.TopToBottom if is_narrow else QBoxLayout.Direction.LeftToRight)
        self._training.setVisible(wide or tab != 2)
        self._networks.setVisible(wide or tab == 2)

    def _tab_clicked(self, _tab: int) -> None:
        self._picks_tab = False

    def _pick_tab(self) -> None:
        """A supernet that is trained is there to be chosen from; until a person picks a tab, the page says so."""
        if self._picks_tab and self._model is not None and self._model.status.state == "finished":
            self.show_networks()

"""The slider over a run's epochs: one time for cells, heatmaps, curves and inspector."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QStyle, QVBoxLayout, QWidget
from shiboken6 import isValid

from app.buttons import Button
from app.labels import SMALL, Label, scaled_font
from app.live.cell_changes import CellChanges
from app.live.epoch_track import EpochTrack
from app.live.epochs import go_to, last_epoch, planned_epochs, progress, shown_epoch, step_by
from app.live.refresh import Refresher
from app.live.slider_marks import Mark, change_marks, event_marks
from app.run_model import RunModel
from app.selection import Selection

_REPLAY_MS = 1000 // 6
_CALM_REPLAY_MS = 700


class _FlushLink(Button):
    """A link that begins where the lines above it begin; its focus shows as an underline."""

    def _restyle(self) -> None:
        super()._restyle()
        flush = "QPushButton { padding: 0; border: none; } QPushButton:focus { text-decoration: underline; }"
        self.setStyleSheet(self.styleSheet() + flush)


class EpochSlider(QWidget):
    """Shows and sets the selection's epoch; the newest one means live."""

    fact_changed = Signal(str)
    """Always empty: the slider says everything itself."""
    replaying_changed = Signal(bool)

    def __init__(self, selection: Selection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._selection = selection
        self._model: RunModel | None = None
        self._changes = CellChanges()
        self._replayed: int | None = None

        self._label = Label("", bold=True)
        self._state = Label("", tone="ok", scale=SMALL)
        self._go_live = _FlushLink(kind="link")
        self._go_live.setFont(scaled_font(SMALL))
        self.track = EpochTrack()
        self.replay_button = Button(kind="link")
        self.replay_button.setToolTip(self.tr("Play the epochs from the shown one to the newest"))

        # One line high both: nothing moves when one takes the other's place.
        for below in (self._state, self._go_live):
            below.setFixedHeight(round(self._state.fontMetrics().height() * 1.3))
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addStretch(1)
        words.addWidget(self._label)
        words.addWidget(self._state)
        words.addWidget(self._go_live, 0, Qt.AlignmentFlag.AlignLeft)
        words.addStretch(1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(self.fontMetrics().height() // 2)
        layout.addLayout(words)
        layout.addWidget(self.track, 1)
        layout.addWidget(self.replay_button)
        self._reserve()

        self._timer = QTimer(self)
        self._timer.timeout.connect(self._play_on)
        self._refresher = Refresher(self, self._refresh)
        self.track.valueChanged.connect(self._moved)
        self.track.sliderReleased.connect(self._released)
        self.track.live_asked.connect(self._to_live)
        self._go_live.clicked.connect(self._to_live)
        self.replay_button.clicked.connect(self.toggle_replay)
        selection.epoch_changed.connect(self._epoch_changed)
        self._refresh()

    def _reserve(self) -> None:
        """Widths of the longest words, so that nothing moves when they change."""
        words = (self.tr("Back to newest"), self.tr("Back to live"))
        width = max(self._label.fontMetrics().horizontalAdvance(self.tr("Epoch {epoch}").format(epoch="0000")),
                    *(self._go_live.fontMetrics().horizontalAdvance(word) for word in words))  # fmt: skip
        self._label.setFixedWidth(width + self.fontMetrics().averageCharWidth())
        metrics = self.replay_button.fontMetrics()
        widest = max(metrics.horizontalAdvance(word) for word in (self._replay_word(True), self._replay_word(False)))
        self.replay_button.setMinimumWidth(round(widest * 1.15) + metrics.averageCharWidth() * 2)

    # Model.

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What is marked on the track."""
        return self.track.marks

    @property
    def is_replaying(self) -> bool:
        """Whether epochs are played."""
        return self._timer.isActive()

    def set_model(self, model: RunModel | None) -> None:
        """Show another run, or an empty track."""
        self.stop_replay()
        if self._model is not None and isValid(self._model):
            self._model.events_arrived.disconnect(self._take)
            self._model.status_changed.disconnect(self._refresher.request)
        self._model = model
        self._changes = CellChanges()
        if model is not None:
            model.events_arrived.connect(self._take)
            model.status_changed.connect(self._refresher.request)
        self._refresher.request()

    def _take(self, types: set[str]) -> None:
        if types:
            self._refresher.request()

    def _refresh(self) -> None:
        model = self._model
        newest, shown = last_epoch(model), shown_epoch(model, self._selection)
        marks: list[Mark] = []
        if model is not None:
            if not self._changes.update(model.history.alphas_by_epoch(), model.primitives):
                self._refresher.request()
            marks = [*change_marks(self._changes.changes), *event_marks(model.history.notable)]
        is_live = self._selection.epoch is None
        blocker = QSignalBlocker(self.track)
        self.track.setEnabled(newest is not None)
        self.track.setRange(0 if newest is None else 1, 0 if newest is None else newest + 1)
        if shown is not None and not (self.track.isSliderDown() and is_live):
            self.track.setValue(shown + 1)
        blocker.unblock()
        warmup = int(model.config.get("warmup_epochs") or 0) if model is not None and model.kind == "search" else 0
        self.track.set_state(
            epochs=planned_epochs(model) if model is not None else 0,
            progress=progress(model),
            frozen=warmup,
            is_live=is_live,
            marks=marks,
        )
        self._say(newest, shown, is_live)

    def _say(self, newest: int | None, shown: int | None, is_live: bool) -> None:
        active = self._model is not None and self._model.status.state in ("running", "paused", "created")
        number = "–" if shown is None else str(shown + 1)
        self._label.setText(self.tr("Epoch {epoch}").format(epoch=number))
        self._state.setVisible(is_live)
        self._state.setText("" if newest is None else self.tr("live") if active else self.tr("newest"))
        self._state.set_tone("ok" if active else "dim")
        self._go_live.setVisible(not is_live)
        self._go_live.setText(self.tr("Back to live") if active else self.tr("Back to newest"))
        self.replay_button.setText(self._replay_word(self.is_replaying))
        self.replay_button.setEnabled(newest is not None and newest > 0)
        said = self.tr("Epoch {epoch} of {epochs}").format(epoch=number, epochs=planned_epochs(self._model))
        self.track.setAccessibleDescription(
            "; ".join([said, *(self.track.told(shown + 1)[1:] if shown is not None else ())])
        )

    def _replay_word(self, playing: bool) -> str:
        return self.tr("■ Stop") if playing else self.tr("▸ Replay")

    # The person moves.

    def step(self, by: int) -> None:
        """Go some epochs on (or back); the newest one means live."""
        self.stop_replay()
        step_by(self._model, self._selection, by)

    def _moved(self, value: int) -> None:
        if value < 1:
            return
        self.stop_replay()
        if self.track.isSliderDown():
            # Under the finger even the newest epoch stands still; it turns live when let go.
            self._selection.show_epoch(value - 1)
        else:
            go_to(self._model, self._selection, value - 1)

    def _released(self) -> None:
        if self._selection.epoch is not None:
            go_to(self._model, self._selection, self._selection.epoch)
        self._refresher.request()

    def _to_live(self) -> None:
        self.stop_replay()
        self._selection.show_epoch(None)

    def _epoch_changed(self, epoch: int | None) -> None:
        if self.is_replaying and epoch != self._replayed:
            self.stop_replay()
        self._refresher.request()

    # Replay.

    def toggle_replay(self) -> None:
        """Start or stop playing the epochs."""
        if self.is_replaying:
            self.stop_replay()
        else:
            self.replay()

    def replay(self) -> None:
        """Play the epochs, about six a second (slowly where the desktop asks for less motion), then go live."""
        newest = last_epoch(self._model)
        if not newest:
            return
        chosen = self._selection.epoch
        self._replayed = chosen if chosen is not None and chosen < newest else 0
        # Zero where the desktop asks for no animations.
        may_move = self.style().styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration, None, self) > 0
        self._timer.start(_REPLAY_MS if may_move else _CALM_REPLAY_MS)
        self.replaying_changed.emit(True)
        self._selection.show_epoch(self._replayed)
        self._refresher.request()

    def stop_replay(self) -> None:
        """Stay at the epoch that is shown."""
        if self.is_replaying:
            self._timer.stop()
            self._replayed = None
            self.replaying_changed.emit(False)
            self._refresher.request()

    def _play_on(self) -> None:
        newest = last_epoch(self._model)
        if newest is None or self._replayed is None or self._replayed + 1 >= newest:
            self.stop_replay()
            self._selection.show_epoch(None)
            return
        self._replayed += 1
        self._selection.show_epoch(self._replayed)

    def hideEvent(self, event: QEvent) -> None:
        """Nothing plays where nobody looks."""
        self.stop_replay()

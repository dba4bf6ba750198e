"""What a run would take, asked from the form before it starts: a row with a button, an answer and «Use this batch»."""

from __future__ import annotations

import json
import shlex
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from app.buttons import Button
from app.child import ChildThread, CommandLine, engine_words
from app.forms.draft import RunDraft
from app.labels import SMALL, Label
from engine.report.formats import size_text, two_units_text


class Forecaster(QObject):
    """Asks ``nascope ... --forecast --json`` in a child; one question at a time.

    Args:
        command: makes the command line from the words of a nascope command.
    """

    answered = Signal(object)
    """The answer as a dictionary."""
    failed = Signal(str)
    """Why there is none."""

    def __init__(self, *, command: CommandLine = engine_words, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._command = command
        self._child: ChildThread | None = None
        self._cells: tempfile.TemporaryDirectory[str] | None = None
        application = QCoreApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self.cancel)

    @property
    def is_asking(self) -> bool:
        """Whether an answer is on its way."""
        return self._child is not None

    def ask(self, draft: RunDraft) -> None:
        """Ask about this run; an earlier question is forgotten."""
        self.cancel()
        self._child = ChildThread(self._words(draft), command=self._command, parent=self)
        self._child.finished.connect(self._ended)
        self._child.start()

    def cancel(self) -> None:
        """End the child at once; nobody hears of it."""
        child, self._child = self._child, None
        if child is not None:
            child.finished.disconnect(self._ended)
            child.kill()
            child.wait()
            child.deleteLater()
        self._forget_cells()

    def _words(self, draft: RunDraft) -> list[str]:
        """The draft's own command line; what a retraining builds goes through a file, whatever it is called."""
        words = shlex.split(draft.command_line())[1:]
        built = {"retrain": draft.genotype, "subnet": draft.architecture}.get(draft.kind)
        if built is not None:
            self._cells = tempfile.TemporaryDirectory(prefix="nascope-cells-")
            file = Path(self._cells.name) / "cells.json"
            file.write_text(json.dumps(built.as_json()), encoding="utf-8")
            words[words.index("--subnet") + 1 if "--subnet" in words else 1] = str(file)
        return [*words, "--forecast", "--json"]

    def _ended(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.wait()
        self._forget_cells()
        answer = _document(child.output)
        if child.code == 0 and isinstance(answer.get("hours"), int | float):
            self.answered.emit(answer)
        else:
            self.failed.emit(_fault(answer) or child.last_error or self.tr("exit code {code}").format(code=child.code))
        child.deleteLater()

    def _forget_cells(self) -> None:
        if self._cells is not None:
            self._cells.cleanup()
            self._cells = None


class ForecastRow(QWidget):
    """The button, the answer, and the way to take over the largest batch."""

    asked = Signal()
    """A person wants a forecast."""
    cancelled = Signal()
    """A person does not want to wait for it."""
    batch_wanted = Signal(int, float)
    """Batch size and learning rate to take over."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_asking = False
        self._batch: tuple[int, float] | None = None
        self.button = Button(self.tr("Forecast"))
        self.button.setObjectName("forecast")
        self.button.clicked.connect(self._pressed)
        self.text = Label("", tone="dim", scale=SMALL).wrapped()
        self.text.setObjectName("forecast_text")
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.use = Button(self.tr("Use this batch"), kind="link")
        self.use.setObjectName("use_batch")
        self.use.clicked.connect(self._use)
        self.use.hide()
        unit = self.fontMetrics().height()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, unit // 4)
        row.setSpacing(unit * 2 // 3)
        row.addWidget(self.button)
        row.addWidget(self.text, 1)
        row.addWidget(self.use)
        self._keep_width()
        self.clear()

    def clear(self) -> None:
        """Before any question."""
        self._set_asking(False)
        self._say(self.tr("Memory, time and the largest batch, from a few real steps on this machine."), "dim")

    def show_changed(self) -> None:
        """The settings are others than those of the answer."""
        self._set_asking(False)
        self._say(self.tr("The settings have changed since the forecast."), "dim")

    def show_asking(self) -> None:
        """An answer is on its way."""
        self._set_asking(True)
        self._say(
            self.tr("Some steps are taken on this machine: about half a minute, longer for large networks…"), "dim"
        )

    def show_fault(self, reason: str) -> None:
        """There is no answer."""
        self._set_asking(False)
        self._say(self.tr("No forecast: {reason}").format(reason=reason), "danger")

    def show_answer(self, answer: Mapping[str, Any], draft: RunDraft) -> None:
        """What the run would take, and the batch where another one fits."""
        self._set_asking(False)
        fits = answer.get("fits")
        self._say(answer_in_words(answer), "danger" if fits is False else "text")
        caution = "\n".join(str(message) for message in answer.get("messages") or ())
        self.text.setToolTip(caution)
        self.use.setToolTip(caution)
        largest, rate = answer.get("largest_batch_size"), answer.get("learning_rate")
        if isinstance(largest, int) and isinstance(rate, int | float) and largest != draft.value("batch_size"):
            self._batch = (largest, float(rate))
            self.use.show()

    def set_can_ask(self, can: bool) -> None:
        """Whether the settings make a run."""
        self.button.setEnabled(can or self._is_asking)

    def _say(self, text: str, tone: Any) -> None:
        self.text.set_tone(tone)
        self.text.setText(text)
        self.text.setToolTip("")
        self._batch = None
        self.use.hide()

    def _keep_width(self) -> None:
        """The sentence beside the button must not move when the button says something else."""
        widths = []
        for asking in (True, False):
            self._set_asking(asking)
            widths.append(self.button.sizeHint().width())
        self.button.setMinimumWidth(max(widths))

    def _set_asking(self, asking: bool) -> None:
        self._is_asking = asking
        self.button.setText(self.tr("Stop asking") if asking else self.tr("Forecast"))

    def _pressed(self) -> None:
        if self._is_asking:
            self.cancelled.emit()
        else:
            self.asked.emit()

    def _use(self) -> None:
        if self._batch is not None:
            self.batch_wanted.emit(*self._batch)


def tr(text: str) -> str:
    """In the language of the window."""
    return QCoreApplication.translate("forecast", text)


def answer_in_words(answer: Mapping[str, Any]) -> str:
    """«About 3 h 20 min, 5.1 GiB of 8.0 GiB, fits; largest batch 96 (learning rate 0.0375).»"""
    seconds = 3600 * float(answer["hours"])
    # Seconds would claim more than a forecast knows.
    seconds = 60 * round(seconds / 60) if seconds >= 120 else seconds
    text = tr("About {time}").format(time=two_units_text(seconds))
    peak, free = answer.get("peak_memory_mib"), answer.get("free_memory_mib")
    if isinstance(peak, int | float) and isinstance(free, int | float):
        fits = tr("fits") if answer.get("fits") else tr("does not fit")
        text += tr(", {peak} of {free}, {fits}").format(peak=size_text(peak), free=size_text(free), fits=fits)
    largest, rate = answer.get("largest_batch_size"), answer.get("learning_rate")
    if isinstance(largest, int) and isinstance(rate, int | float):
        text += tr("; largest batch {n} (learning rate {rate})").format(n=largest, rate=f"{rate:g}")
    return text + "."


def _document(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _fault(answer: Mapping[str, Any]) -> str:
    error = answer.get("error")
    if not isinstance(error, Mapping):
        return ""
    where = f"{error['where']}: " if error.get("where") else ""
    return where + " ".join(str(part) for part in (error.get("what"), error.get("mend")) if part)

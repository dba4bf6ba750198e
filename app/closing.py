"""Closing the window while runs or studies go on: ask, then stop and save, or let go, and only then close."""

from __future__ import annotations

import time
from typing import cast

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from app.dialogs.close_question import Answer, CloseQuestion
from app.run_queue import RunQueue
from app.session import EngineThread
from app.sessions import Sessions
from app.study.work import StudyWork
from engine.runs import RunFolder

_LOOK_MILLISECONDS = 100
_LET_GO_SECONDS = 20.0
"""How long an engine may take to obey «detach»: it looks once a step."""


class Closing(QObject):
    """Decides whether the window may close now."""

    ready = Signal()
    """Everything is settled: close again."""
    told = Signal(str)
    """What is being waited for."""

    def __init__(self, window: QWidget, sessions: Sessions, queue: RunQueue, studies: StudyWork) -> None:
        super().__init__(window)
        self._window = window
        self._sessions = sessions
        self._queue = queue
        self._studies = studies
        self._question: CloseQuestion | None = None
        self._answer: Answer | None = None
        self._orders: dict[EngineThread, str | None] = {}
        self._until = 0.0
        self.kills_leftovers = True
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MILLISECONDS)
        self._timer.timeout.connect(self._look)

    def may_close(self) -> bool:
        """Whether nothing goes on; asks the person otherwise and emits ``ready`` when all is settled."""
        if self._answer in ("stop", "keep") and self._is_settled():
            return True
        if not self._sessions.computing() and not self._studies.running():
            return True
        if self._question is None and self._answer is None:
            titles = [engine.model.title for engine in self._sessions.computing()]
            studies = [path.name for path in self._studies.running()]
            self._question = CloseQuestion(titles, len(self._queue.waiting()), studies, self._window)
            self._question.answered.connect(self._answered)
            self._question.open()
        return False

    def force(self) -> None:
        """Do not wait any longer."""
        for engine in self._sessions.computing():
            engine.kill()
        self._studies.force()

    def stop(self) -> None:
        """No more looks."""
        self._timer.stop()

    def _answered(self, answer: str) -> None:
        self._question = None
        if answer == "cancel":
            return
        self._answer = cast(Answer, answer)
        engines = self._sessions.computing()
        if answer == "stop":
            for engine in engines:
                engine.stop()
            for path in self._studies.running():
                self._studies.stop(path)
            self.told.emit(self.tr("Stopping and saving…"))
        else:
            self._orders = {engine: engine.detach() for engine in engines}
            self._until = time.monotonic() + _LET_GO_SECONDS
            self.told.emit(self.tr("Letting it go on by itself…"))
        self._timer.start()

    def _look(self) -> None:
        if self._is_settled():
            self._timer.stop()
            self.ready.emit()

    def _is_settled(self) -> bool:
        if self._answer == "stop":
            return not self._sessions.computing() and not self._studies.running()
        if time.monotonic() > self._until:
            return True
        return all(
            not engine.isRunning() or RunFolder(engine.model.path).status().control_id == order
            for engine, order in self._orders.items()
        )

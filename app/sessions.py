"""All runs that the window follows: who is shown, who computes, and the one timer that feeds their models."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from app.run_model import RunModel
from app.session import Command, EngineThread, RunFollower, engine_command, kill_group
from engine.config import CONFIG_CLASSES, describe
from engine.errors import ConfigError, Fault
from engine.runs import Order, RunFolder, give_order
from engine.runs.folder import CONFIG

FEED_MILLISECONDS = 80
_CATCH_UP_MILLISECONDS = 15
JOIN_MILLISECONDS = 5_000


class Sessions(QObject):
    """Followers and engines by run folder. Every thread is joined here."""

    engine_started = Signal(object)
    """Path: a child was launched."""
    engine_ended = Signal(object, object)
    """RunModel, EngineEnd | None: the child has gone and its last events are in the model."""
    state_changed = Signal(object)
    """Path: the status of a followed run changed."""

    def __init__(self, *, command: Command = engine_command, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._command = command
        self._followers: dict[Path, RunFollower] = {}
        self._shown: Path | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(FEED_MILLISECONDS)
        self._timer.timeout.connect(self.feed)

    # -- who is there ---------------------------------------------------------------------------------------------

    def model(self, path: Path) -> RunModel | None:
        """The model of a followed run."""
        follower = self._followers.get(path)
        return follower.model if follower is not None else None

    def engine(self, path: Path) -> EngineThread | None:
        """The engine that this window launched on a run and that still lives."""
        follower = self._followers.get(path)
        return follower if isinstance(follower, EngineThread) and follower.end is None else None

    def engines(self) -> list[EngineThread]:
        """Every living engine of this window."""
        return [engine for path in self._followers if (engine := self.engine(path)) is not None]

    def computing(self) -> list[EngineThread]:
        """Engines whose work would be cut short by ending them."""
        return [engine for engine in self.engines() if engine.is_computing]

    # -- showing --------------------------------------------------------------------------------------------------

    def show(self, path: Path) -> RunModel:
        """Follow a run because it is shown; the one shown before is let go unless it computes.

        Raises:
            RunError, ConfigError: the folder holds no run that can be read.
        """
        model = self.model(path)
        if model is None:
            model = self._new_model(path)
            self._follow(RunFollower(model, parent=self))
        before, self._shown = self._shown, path
        if before is not None and before != path:
            self._let_go(before)
        return model

    def show_nothing(self) -> None:
        """No run is shown."""
        before, self._shown = self._shown, None
        if before is not None:
            self._let_go(before)

    def forget(self, path: Path) -> None:
        """Stop following a run, for example before its folder goes to the trash."""
        if self._shown == path:
            self._shown = None
        self._end_follower(path)

    # -- steering -------------------------------------------------------------------------------------------------

    def launch(self, path: Path) -> None:
        """Start an engine on a run: a new one, or one that goes on.

        Raises:
            RunError, ConfigError: the folder holds no run that can be read.
        """
        if self.engine(path) is not None:
            return
        before = self._followers.get(path)
        model = before.model if before is not None else self._new_model(path)
        self._end_follower(path)
        engine = EngineThread(
            model, command=self._command, tail=before.tail if before is not None else None, parent=self
        )
        engine.finished.connect(self._engine_finished)
        self._follow(engine)
        self.engine_started.emit(path)

    def stop(self, path: Path) -> None:
        """Ask whoever computes on a run to save and end."""
        engine = self.engine(path)
        if engine is not None:
            engine.stop()
        else:
            self.order(path, "stop")
        self.state_changed.emit(path)

    def order(self, path: Path, order: Order) -> None:
        """Give another order: ``pause``, ``run``, ``checkpoint``."""
        with contextlib.suppress(OSError):
            give_order(path, order)

    def kill(self, path: Path) -> None:
        """End a run's process at once, ours or another one on this machine."""
        engine = self.engine(path)
        if engine is not None:
            engine.kill()
            return
        status = RunFolder(path).status()
        if status.alive and status.pid is not None and status.host == socket.gethostname():
            kill_group(status.pid)

    # -- the timer ------------------------------------------------------------------------------------------------

    def feed(self) -> None:
        """Move what the threads have read into the models."""
        behind = False
        for follower in list(self._followers.values()):
            behind = follower.drain() or behind
        self._timer.setInterval(_CATCH_UP_MILLISECONDS if behind else FEED_MILLISECONDS)

    def close(self, *, kill: bool = False) -> None:
        """Join every thread; engines that were detached live on, others that still live are killed where asked."""
        self._timer.stop()
        for engine in self.engines():
            if kill and not engine.detached:
                engine.kill()
        for path in list(self._followers):
            self._end_follower(path)

    # -- inside ---------------------------------------------------------------------------------------------------

    def _new_model(self, path: Path) -> RunModel:
        folder = RunFolder.open(path)
        document = folder.config_document()
        _refuse_damaged(document, path)
        return RunModel(path, document, str(folder.meta()["name"]))

    def _follow(self, follower: RunFollower) -> None:
        self._followers[follower.model.path] = follower
        follower.model.status_changed.connect(self._status_changed)
        follower.start()
        if not self._timer.isActive():
            self._timer.start()

    def _status_changed(self) -> None:
        model = self.sender()
        if isinstance(model, RunModel):
            self.state_changed.emit(model.path)

    def _let_go(self, path: Path) -> None:
        if self.engine(path) is None:
            self._end_follower(path)

    def _end_follower(self, path: Path) -> None:
        follower = self._followers.pop(path, None)
        if follower is None:
            return
        if isinstance(follower, EngineThread):
            follower.finished.disconnect(self._engine_finished)
        follower.quit_soon()
        follower.wait(JOIN_MILLISECONDS)
        while follower.drain():
            pass
        with contextlib.suppress(RuntimeError, TypeError):
            follower.model.status_changed.disconnect(self._status_changed)
        follower.deleteLater()
        if not self._followers:
            self._timer.stop()

    def _engine_finished(self) -> None:
        engine = self.sender()
        if not isinstance(engine, EngineThread):
            return
        while engine.drain(1.0):
            pass
        path, model, end = engine.model.path, engine.model, engine.end
        self._end_follower(path)
        if self._shown == path:
            self._follow(RunFollower(model, tail=engine.tail, parent=self))
        self.engine_ended.emit(model, end)
        self.state_changed.emit(path)


def _refuse_damaged(document: Mapping[str, Any], path: Path) -> None:
    """Views count on numbers where settings are numbers; everything else they take as it comes."""
    kind = str(document.get("kind", "search"))
    for field in describe(kind if kind in CONFIG_CLASSES else "search"):
        value = document.get(field.name)
        if field.type == "int" and value is not None and not isinstance(value, int):
            what = f"is {value!r}, no whole number."
            raise ConfigError((Fault(field.name, what, "Mend the file."),), where=str(path / CONFIG))


def seconds_since(moment: float | None) -> float:
    """Seconds since a monotonic moment; 0 for None."""
    return 0.0 if moment is None else time.monotonic() - moment

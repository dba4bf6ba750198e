"""Works through a study: starts what is ready, notices ends, tries failures again, picks, and stops cleanly."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.config.study import StudyConfig
from engine.errors import NascopeError
from engine.runs import Status
from engine.runs.control import ControlWatch
from engine.runs.folder import STDERR
from engine.study.folder import StudyFolder, StudyStatus
from engine.study.launch.base import Launcher, StatusWork, Task, Work, last_error
from engine.study.make import make_run
from engine.study.plan import Member
from engine.study.state import MemberReader, MemberView, picked_seed, view_members

LOOK_SECONDS = 0.2
_HEARTBEAT_SECONDS = 5.0
_REPEAT_STOP_SECONDS = 5.0

Say = Callable[[str], None]


@dataclass
class _Started:
    """A member that is worked on."""

    member: Member
    work: Work
    step: int
    is_ours: bool = True


class Scheduler:
    """One sitting on a study.

    Args:
        say: hears one sentence for each thing that happened.
        stop_reason: what asks for an end from outside (a signal), None while nothing does.
    """

    def __init__(
        self, folder: StudyFolder, config: StudyConfig, launcher: Launcher, *, say: Say, command: str = "",
        stop_reason: Callable[[], str | None] = lambda: None,
    ) -> None:  # fmt: skip
        self._folder, self._config, self._launcher = folder, config, launcher
        self._say, self._stop_reason, self._command = say, stop_reason, command
        self._reader = MemberReader(folder.path)
        self._running: dict[str, _Started] = {}
        self._notes: dict[str, dict[str, Any]] = {}
        self._held: set[str] = set()
        self._picks: dict[str, int] = {}
        self._status = StudyStatus()
        self._orders = ControlWatch(folder.path)
        self._written_at = 0.0
        self._is_written = True
        self._stop_said_at: float | None = None

    def run(self) -> str:
        """Work until all is done or an end is asked for.

        Returns:
            ``finished``, ``failed`` (members failed, all others have finished), or why it stopped: ``interrupt``,
            ``terminate``, ``order``, or ``held`` (members were stopped one by one by somebody).
        """
        before = self._folder.status()
        self._orders.new_order()  # An order to a sitting before this one.
        self._status = replace(before, members={}).mine()
        self._adopt(before)
        self._write()
        try:
            return self._work()
        except BaseException:
            for started in self._running.values():
                started.work.kill()
            self._end("stopped")
            raise

    def _work(self) -> str:
        reason = None
        while True:
            self._settle()
            reason = reason or self._wish_to_stop()
            if reason is not None:
                if not self._running:
                    self._end("stopped")
                    return reason
                self._stop_members()
            else:
                views = self._views()
                self._pick(views)
                self._start_ready(views)
                if not self._running and not self._startable(self._views()):
                    return self._conclude()
            if time.monotonic() - self._written_at > _HEARTBEAT_SECONDS:
                self._write()
            time.sleep(LOOK_SECONDS)

    # -- what goes on ---------------------------------------------------------------------------------------------

    def _adopt(self, before: StudyStatus) -> None:
        """Wait for what an earlier sitting left behind, instead of starting it a second time."""
        for view in self._views():
            job = before.members.get(view.member.id, {}).get("job")
            work = self._launcher.find(job) if isinstance(job, Mapping) else None
            if work is None and view.state == "running":
                work = StatusWork(view.member.folder(self._folder.path))
            if work is not None:
                self._running[view.member.id] = _Started(view.member, work, 0, is_ours=False)
                self._say(f"{view.member.id}: still worked on, from an earlier sitting; waiting for it.")

    def _start_ready(self, views: list[MemberView]) -> None:
        for view in self._startable(views):
            if len(self._running) >= self._launcher.slots:
                return
            member = view.member
            try:
                self._running[member.id] = _Started(member, self._launcher.start(self._task(member)), _step(view))
            except (NascopeError, OSError) as error:
                self._count_failure(member, str(error))
                continue
            again = " again" if view.state == "stopped" else ""
            self._say(f"{member.id}: started{again}.")
            self._write()

    def _startable(self, views: list[MemberView]) -> list[MemberView]:
        return [view for view in views if view.state in ("ready", "stopped") and view.member.id not in self._held]

    def _task(self, member: Member) -> Task:
        path = member.folder(self._folder.path)
        if member.kind != "test":
            make_run(self._config, self._folder.path, member, command=self._command)
        is_search = member.kind == "search"
        settings = (
            self._config.search if is_search else self._config.pick if member.kind == "short" else self._config.retrain
        )
        said: dict[str, Any] = {**(settings or {}), **(self._config.method(member.row).set if is_search else {})}
        threads = said.get("threads")
        wants_gpu = str(said.get("device", "auto")) in ("auto", "cuda")
        words: tuple[str, ...] = (
            ("test", str(path), "--json") if member.kind == "test" else ("resume", str(path), "--tied-to-stdin")
        )
        if member.kind == "test" and said.get("device"):
            words = (*words, "--device", str(said["device"]))
        return Task(
            member.id, words, path, is_tied=member.kind != "test", wants_gpu=wants_gpu,
            threads=int(threads) if threads else None,
        )  # fmt: skip

    def _settle(self) -> None:
        """Take in every member that has ended."""
        for name, started in list(self._running.items()):
            code = started.work.poll()
            if code is None:
                continue
            del self._running[name]
            if self._reader.has_finished(started.member):
                self._notes.pop(name, None)
                self._say(f"{name}: finished.")
            elif self._stop_said_at is not None:
                self._say(f"{name}: stopped and saved.")
            elif started.is_ours:
                self._take_end(started, code)
            self._write()

    def _take_end(self, started: _Started, code: int) -> None:
        """A member ended before it had finished, and nobody here asked it to."""
        member = started.member
        path = member.folder(self._folder.path)
        status = self._reader.status(path)
        if member.kind != "test" and status is not None and status.state == "stopped" and code == 3:
            self._held.add(member.id)
            self._say(f"{member.id}: was stopped by somebody; it goes on with the next call.")
            return
        failed_itself = status is not None and status.state == "failed" and member.kind != "test"
        if failed_itself or status is None or status.step <= started.step or code in (0, 1, 2):
            self._count_failure(member, _why(path, status if member.kind != "test" else None, code))
            return
        # Ended from outside after some progress (a job's time, a full machine): that is no failure of the member.
        self._say(f"{member.id}: ended from outside ({_ending(code)}); it goes on from its checkpoint.")

    def _count_failure(self, member: Member, error: str) -> None:
        note = self._notes.setdefault(member.id, {"attempts": 0})
        note["attempts"] += 1
        note["error"] = error
        note["failed"] = note["attempts"] > self._config.retries
        left = self._config.retries + 1 - note["attempts"]
        what = "trying again" if left > 0 else "given up for this sitting; the others go on"
        self._say(f"{member.id}: failed ({error}); {what}.")
        self._write()

    def _pick(self, views: list[MemberView]) -> None:
        if self._config.pick is None:
            return
        by_id = {view.member.id: view for view in views}
        for row in self._config.rows:
            seed = picked_seed(self._config, by_id, row)
            if seed is None:
                self._picks.pop(row, None)
            elif self._picks.get(row) != seed:
                self._picks[row] = seed
                self._say(f"{row}: the cell of seed {seed} is picked.")
                self._write()

    # -- ends -----------------------------------------------------------------------------------------------------

    def _wish_to_stop(self) -> str | None:
        reason = self._stop_reason()
        control = self._orders.new_order()
        if control is not None:
            self._status = replace(self._status, control_id=control.id)
            if control.order == "stop":
                reason = reason or "order"
        return reason

    def _stop_members(self) -> None:
        now = time.monotonic()
        if self._stop_said_at is None:
            self._say(f"Stopping: {len(self._running)} member{'s' * (len(self._running) != 1)} save and end …")
        elif now - self._stop_said_at < _REPEAT_STOP_SECONDS:
            return
        self._stop_said_at = now
        for started in self._running.values():
            started.work.stop()

    def _conclude(self) -> str:
        states = {view.state for view in self._views()}
        if states == {"finished"}:
            self._end("finished")
            return "finished"
        self._end("failed" if states & {"failed", "blocked"} else "stopped")
        return "failed" if states & {"failed", "blocked"} else "held"

    def _end(self, state: str) -> None:
        self._status = replace(self._status, state=state)
        self._write()  # On a full disk the exit code still tells.

    # -- what is known --------------------------------------------------------------------------------------------

    def _views(self) -> list[MemberView]:
        return view_members(
            self._config, self._reader, picks=self._picks, noted=self._notes, running=frozenset(self._running)
        )

    def _write(self) -> None:
        notes = {name: dict(note) for name, note in self._notes.items()}
        for name, started in self._running.items():
            notes.setdefault(name, {})["job"] = started.work.as_json()
        self._status = replace(self._status, heartbeat=time.time(), picks=dict(self._picks), members=notes)
        self._written_at = time.monotonic()
        try:
            self._folder.write_status(self._status)
        except OSError as error:
            # A full disk: what each member has reached stands in its own folder, and each says for itself what it cannot save.
            if self._is_written:
                self._say(f"The study's status cannot be written ({error.strerror or error}); going on without.")
            self._is_written = False
        else:
            self._is_written = True


def _step(view: MemberView) -> int:
    return view.status.step if view.status is not None else 0


def _why(path: Path, status: Status | None, code: int) -> str:
    if status is not None and status.state == "failed" and status.error:
        error = status.error
        return str(
            NascopeError(str(error.get("what") or "the run failed."), where=error.get("where"), mend=error.get("mend"))
        )
    said = last_error(path / STDERR) if code > 0 else ""
    return said or f"it ended without a word ({_ending(code)})"


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"

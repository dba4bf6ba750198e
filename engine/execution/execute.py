"""Runs a run: from its folder to its end, a stop or a failure that is explained in the folder."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import torch

from engine.config import RunConfig
from engine.distributed import ALONE, LeftAlone, Ranks, explained, lookout
from engine.errors import NascopeError, RunError
from engine.execution.outcome import Outcome
from engine.execution.prepare import Plan, prepare
from engine.execution.same_images import refuse_other_images
from engine.runs import Event, EventWriter, RunFolder, give_order
from engine.runs.control import ControlWatch, read_control
from engine.runs.folder import ABOUT_THE_DEVICE, CHECKPOINT_LAST, EVENTS, LOG
from engine.runs.origin import refuse_imported
from engine.training.checkpoint import load_checkpoint
from engine.training.determinism import algorithms_as_before
from engine.training.device import describe_device
from engine.training.direction import Direction
from engine.training.facts import versions
from engine.training.failure import failure_in_words
from engine.training.interrupts import EXIT_CODES, Interrupts
from engine.training.journal import FolderJournal
from engine.training.loop import Loop
from engine.training.rank_device import device_of_rank, threads_of_rank
from engine.training.status_keeper import StatusKeeper

_LOGGER = logging.getLogger("nascope.run")
_PREPARE_MESSAGE_SECONDS = 1.0


class _StoppedEarly(Exception):
    """A stop that came before the first step."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def execute(
    folder: RunFolder,
    *,
    on_event: Callable[[Event], None] | None = None,
    tied_to_stdin: bool = False,
    ranks: Ranks = ALONE,
) -> Outcome:
    """Start or resume the run in this folder and work on it until it is finished, stopped or failed.

    Args:
        on_event: hears every event after it was written.
        tied_to_stdin: end of file on standard input stops and saves (the window died).
        ranks: the processes of this run, where there are several; this is rank 0, the others ``follow``.

    Raises:
        NascopeError: input that was found wrong while preparing (the status says so too); nothing was trained.
        RunError: another process works on the run, or it was imported.
    """
    refuse_imported(folder)
    lock = folder.lock()
    try:
        config = folder.config()
        before = folder.status()
        if before.state == "finished" and before.epoch >= config.epochs:
            return Outcome("finished", 0, before.epoch, dict(before.metrics))
        with (
            _log_to(folder.path / LOG),
            StatusKeeper(folder, ranks.size) as status,
            Interrupts(tied_to_stdin=tied_to_stdin) as interrupts,
            algorithms_as_before(),
        ):
            return _Sitting(folder, config, status, interrupts, on_event or (lambda event: None), ranks).run()
    finally:
        lock.release()


class _Sitting:
    """One process' work on a run; with several processes that of rank 0."""

    def __init__(
        self,
        folder: RunFolder,
        config: RunConfig,
        status: StatusKeeper,
        interrupts: Interrupts,
        on_event: Callable[[Event], None],
        ranks: Ranks,
    ) -> None:
        self._ranks = ranks
        self._folder = folder
        self._config = config
        self._status = status
        self._interrupts = interrupts
        self._listener = on_event
        self._orders = _orders_from_now(folder)
        self._loop: Loop | None = None
        self._said_at = 0.0

    def run(self) -> Outcome:
        config = self._config
        try:
            epochs_before = self._status.status.epochs
            self._status.set(state="running")
            device, threads = self._decide()
            checkpoint = self._checkpoint()
            plan = Plan(config, self._folder.decided(), threads, checkpoint, epochs_before)
            trainer = prepare(self._ranks.first_says(plan), device, self._on_prepare, self._ranks)
            facts = trainer.facts()
            of_data = {name: facts.get(name) for name in ("split_fingerprint", "reading")}
            if checkpoint is not None:
                refuse_other_images(self._folder, of_data["split_fingerprint"])
            self._folder.add_facts(decided={**self._folder.decided(), **trainer.decisions, **of_data})
            self._loop = Loop(
                trainer, FolderJournal(self._folder, self._status, self._on_event), Direction(self._orders, self._interrupts),
                device=device, checkpoint_minutes=config.checkpoint_minutes, ranks=self._ranks, seed=config.seed,
            )  # fmt: skip
        except NascopeError as error:
            self._fail(error)
            raise
        except (_StoppedEarly, KeyboardInterrupt) as stop:
            return self._stopped_early(stop.reason if isinstance(stop, _StoppedEarly) else "interrupt")
        except Exception as error:
            found = explained(error, self._ranks)
            outcome = self._fail(found)
            if isinstance(found, LeftAlone) and found.is_input:
                raise RunError(
                    found.words["what"] or "", where=found.words["where"], mend=found.words["mend"]
                ) from None
            return outcome
        try:
            facts = {
                "versions": versions(), "device": describe_device(device), "world_size": self._ranks.size,
                "command": self._folder.config_document().get("command", ""),
            }  # fmt: skip
            with lookout(self._ranks, device, self._last_words):
                end = self._loop.run(checkpoint, facts, epochs_before)
        except Exception as error:
            return self._fail(explained(error, self._ranks))
        _LOGGER.info("%s%s", end.state, f" ({end.reason})" if end.reason else "")
        exit_code = 0 if end.state == "finished" else EXIT_CODES[end.reason or "order"]
        return Outcome(end.state, exit_code, self._loop.epochs_ended, dict(self._loop.metrics))

    # -- preparing ------------------------------------------------------------------------------------------------

    def _decide(self) -> tuple[torch.device, int]:
        """Device and threads: what a person said, else what an earlier sitting decided, else what suits this machine."""
        decided = self._folder.decided()
        device = device_of_rank(self._config.device, self._ranks)
        if self._config.device == "auto" and decided.get("device") and self._ranks.size == 1:
            with contextlib.suppress(NascopeError):  # Another machine than before: its own device then.
                device = device_of_rank(decided["device"], self._ranks)
        if self._folder.config_document().get("world_size", 1) != self._ranks.size:
            # Shares are larger or smaller now, and so is each process' part of the cores.
            decided = {name: decided[name] for name in decided if name not in ABOUT_THE_DEVICE | {"threads"}}
        if decided.get("device") not in (None, str(device)):
            decided = {name: decided[name] for name in decided if name not in ABOUT_THE_DEVICE}
        threads = self._config.threads or decided.get("threads") or threads_of_rank(self._ranks)
        torch.set_num_threads(threads)
        self._folder.add_facts(
            world_size=self._ranks.size, decided={**decided, "device": str(device), "threads": threads}
        )
        return device, threads

    def _checkpoint(self) -> dict[str, Any] | None:
        path = self._folder.path / CHECKPOINT_LAST
        return load_checkpoint(path) if path.exists() else None

    def _on_prepare(self, what: str, done: int, total: int) -> None:
        """Progress of reading the data: says so about once a second, and obeys what cannot wait for the loop."""
        control = self._orders.new_order("stop", "detach")
        if control is not None:
            self._status.set(control_id=control.id)
            if control.order == "stop":
                raise _StoppedEarly("order")
            self._interrupts.untie()
        if self._interrupts.reason is not None:
            raise _StoppedEarly(self._interrupts.reason)
        self._said_at = self._said_at or time.monotonic()  # What takes no second is not worth a line.
        if time.monotonic() - self._said_at > _PREPARE_MESSAGE_SECONDS or done == total:
            self._said_at = time.monotonic()
            self._write(
                "message", {"text": f"{what}: {done:,} of {total:,}", "level": "info", "done": done, "total": total}
            )

    # -- ends -----------------------------------------------------------------------------------------------------

    def _fail(self, error: BaseException) -> Outcome:
        if isinstance(error, LeftAlone):
            words = error.words
        else:
            words = failure_in_words(error, self._config, self._folder.path, self._folder.decided())
        if not isinstance(error, NascopeError):
            _LOGGER.error("%s", "".join(traceback.format_exception(error)))
        _LOGGER.error("failed: %s", words["what"])
        epochs, metrics = (self._loop.epochs_ended, dict(self._loop.metrics)) if self._loop else (0, {})
        with contextlib.suppress(OSError):  # On a full disk even this may fail; the exit code and stderr still tell.
            self._write("failed", {"error": words})
        self._status.say_failed(words)
        return Outcome("failed", 1, epochs, metrics, words)

    def _last_words(self, error: LeftAlone) -> None:
        """Of a process that waits in vain for its GPU: nobody else can speak for the run any more."""
        self._fail(error)
        print(f"nascope: the run failed: {error}", file=sys.stderr, flush=True)

    def _stopped_early(self, reason: str) -> Outcome:
        self._write("stopped", {"reason": reason})
        self._status.set(state="stopped")
        return Outcome("stopped", EXIT_CODES[reason], self._status.status.epoch)

    def _write(self, kind: str, fields: dict[str, Any]) -> None:
        step = max(self._status.status.step - 1, 0)
        event = Event(time.time(), step, step // max(self._status.status.steps_per_epoch, 1), kind, fields)
        writer = EventWriter(self._folder.path / EVENTS)
        try:
            writer.write(event)
        finally:
            writer.close()
        self._on_event(event)

    def _on_event(self, event: Event) -> None:
        if event.type in ("epoch", "message", "diagnosis", "resumed", "stopped"):
            _LOGGER.info("%s", event.as_line())
        self._listener(event)


def _orders_from_now(folder: RunFolder) -> ControlWatch:
    """A watch that obeys orders given since this process began, and none that are older."""
    control = read_control(folder.path)
    watch = ControlWatch(folder.path, folder.status().control_id)
    given_since = (
        control is not None and (folder.path / "control.json").stat().st_mtime > psutil.Process().create_time()
    )
    if not given_since:
        give_order(folder.path, "run")  # Whoever gave the old one sees that it will not be obeyed.
        watch.new_order()
    return watch


@contextlib.contextmanager
def _log_to(path: Path) -> Any:
    """Send the run's log to its ``log.txt``."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False
    try:
        yield
    finally:
        _LOGGER.removeHandler(handler)
        handler.close()

"""The state of the run on screen in one word and one sentence, and which actions make sense in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from app.progress import epoch_of, epochs_of
from app.run_model import RunModel
from app.run_queue import RunQueue
from app.sessions import Sessions, seconds_since
from engine.runs.folder import CHECKPOINT_LAST
from engine.runs.origin import is_imported

STOP_NOW_AFTER_SECONDS = 5.0
_STEERABLE = frozenset({"starting", "preparing", "running", "pausing", "stopping", "overdue"})
ACTIVE = _STEERABLE | {"paused"}
"""States in which somebody works on the run."""


translate = QCoreApplication.translate


@dataclass(frozen=True)
class Shown:
    """What is on screen.

    Attributes:
        state: of the run, besides the states of ``Status`` also ``queued``, ``starting``, ``preparing`` (reading data), ``pausing``, ``stopping`` and ``overdue``
            (stopping for too long); empty without a run.
        has_cells: whether there is a genotype to export and to retrain.
        is_testing: whether a test of this run goes on.
        is_imported: whether another program did the work, so that nothing can go on.
    """

    state: str = ""
    kind: str = ""
    has_cells: bool = False
    has_checkpoint: bool = False
    is_testing: bool = False
    has_begun: bool = False
    is_imported: bool = False


@dataclass(frozen=True)
class Availability:
    """How an action presents itself."""

    visible: bool = True
    enabled: bool = True
    text: str = ""
    tip: str = ""


def state_of(model: RunModel, sessions: Sessions, queue: RunQueue, stops_asked: dict[Path, float]) -> str:
    """The state of a run in the window's words.

    Args:
        stops_asked: monotonic seconds at which this window asked for a stop.
    """
    engine = sessions.engine(model.path)
    state = model.status.state
    at_work = state in ("running", "paused")
    asked = stops_asked.get(model.path)
    if asked is not None and (engine is not None or at_work) and state != "finished":
        return "overdue" if seconds_since(asked) > STOP_NOW_AFTER_SECONDS else "stopping"
    if at_work and model.order == "stop":
        return "stopping"  # Somebody else asked: another window, a shell.
    if state == "running" and model.order == "pause":
        return "pausing"
    if engine is not None and (engine.pid is None or model.status.pid != engine.pid) and not at_work:
        return "starting"
    if engine is not None and state in ("stopped", "failed"):
        return "stopping"  # The last word is written, the process still ends: a resume would find it in the way.
    if engine is None and queue.place(model.path) is not None and not at_work:
        return "queued"
    return "preparing" if state == "running" and not model.history.started else state


def pill_words(model: RunModel, state: str) -> str:
    """What the pill in the toolbar says."""
    searching = translate("run_state", "Searching") if model.kind == "search" else translate("run_state", "Retraining")
    epoch = translate("run_state", "epoch {n} / {total}").format(n=epoch_of(model), total=epochs_of(model))
    if state == "running":
        return f"{searching} · {epoch}"
    words = {
        "created": translate("run_state", "Not started"), "queued": translate("run_state", "Waiting for its turn"), "starting": translate("run_state", "Starting…"), "preparing": translate("run_state", "Preparing…"),
        "pausing": translate("run_state", "Pausing…"), "stopping": translate("run_state", "Stopping…"), "overdue": translate("run_state", "Stopping…"), "finished": translate("run_state", "Finished"), "failed": translate("run_state", "Failed"),
    }  # fmt: skip
    if state in words:
        return words[state]
    word = {
        "paused": translate("run_state", "Paused"),
        "stopped": translate("run_state", "Stopped"),
        "interrupted": translate("run_state", "Interrupted"),
    }.get(state, state)
    return f"{word} · {epoch}"


def colour_state(state: str) -> str:
    """The state whose colour the pill takes."""
    return {
        "starting": "running",
        "preparing": "running",
        "pausing": "paused",
        "stopping": "paused",
        "overdue": "paused",
        "queued": "created",
    }.get(state, state)


def shown_run(model: RunModel, state: str, *, has_cells: bool, is_testing: bool) -> Shown:
    """What the actions need to know of the run on screen."""
    return Shown(
        state,
        model.kind,
        has_cells,
        (model.path / CHECKPOINT_LAST).exists(),
        is_testing,
        model.history.step >= 0 or model.status.step > 0,
        is_imported(model.config),
    )


def availability(shown: Shown) -> dict[str, Availability]:
    """How each action presents itself; a disabled one says why."""
    state, has_run = shown.state, bool(shown.state)
    found = {}
    found["pause"] = Availability(
        has_run and state in _STEERABLE, state == "running", translate("run_state", "Pausing…") if state == "pausing" else translate("run_state", "Pause"),
        translate("run_state", "Pause after this step (Space)") if state == "running"
        else translate("run_state", "The engine finishes its step, then holds.") if state == "pausing" else translate("run_state", "The engine is not at its work yet, or about to end."),
    )  # fmt: skip
    resume = (
        translate("run_state", "Resume")
        if shown.has_begun or state == "paused"
        else translate("run_state", "Try again")
        if state == "failed"
        else translate("run_state", "Start")
    )
    found["resume"] = Availability(
        state in ("paused", "stopped", "interrupted", "failed", "created") and not shown.is_imported, True, resume,
        translate("run_state", "Go on with the step after the last checkpoint (Space)") if shown.has_begun else translate("run_state", "Start this run"),
    )  # fmt: skip
    stop = {
        "stopping": translate("run_state", "Stopping…"),
        "overdue": translate("run_state", "Stop now"),
        "queued": translate("run_state", "Take out"),
    }.get(state, translate("run_state", "Stop"))
    tips = {
        "stopping": translate("run_state", "The engine finishes its step and saves."),
        "overdue": translate("run_state", "End the engine at once; the last checkpoint stays."),
        "queued": translate("run_state", "Take this run out of the queue"),
    }
    found["stop"] = Availability(
        state in ACTIVE or state == "queued",
        state != "stopping",
        stop,
        tips.get(state, translate("run_state", "Save a checkpoint and stop (Ctrl+.)")),
    )
    no_cells = (
        translate("run_state", "There are no cells yet.")
        if has_run
        else translate("run_state", "Choose a run or a cell first.")
    )
    found["export"] = Availability(
        True,
        shown.has_cells,
        translate("run_state", "Export…"),
        translate("run_state", "Save the cells, a picture of them, or their network (Ctrl+E)")
        if shown.has_cells
        else no_cells,
    )
    found["retrain"] = Availability(
        True,
        shown.has_cells,
        translate("run_state", "Retrain…"),
        translate("run_state", "Train the network of these cells from scratch (Ctrl+R)")
        if shown.has_cells
        else no_cells,
    )
    is_busy = state in ACTIVE
    can_test = shown.has_checkpoint and not shown.is_testing and not is_busy
    reason = (
        translate("run_state", "A test goes on.") if shown.is_testing
        else translate("run_state", "The network is still in training.") if is_busy
        else translate("run_state", "There is no trained network yet.")
    )  # fmt: skip
    found["test"] = Availability(
        shown.kind == "retrain", can_test, translate("run_state", "Testing…") if shown.is_testing else translate("run_state", "Test"),
        translate("run_state", "Measure the network on the test split; each test is counted.") if can_test else reason,
    )  # fmt: skip
    return found

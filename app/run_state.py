"""The state of the run on screen in one word and one sentence, and which actions make sense in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from app.progress import epoch_of, epochs_of
from app.run_model import RunModel
from app.run_queue import RunQueue
from app.sessions import Sessions, seconds_since
from engine.config import ONE_NETWORK
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
        is_fine_tuned: whether it is a sub-network that began with the weights of its supernet.
        offers: of a two-stage run, what can be done with its sub-networks: by ``select``, ``test``, ``export`` and
            ``fine_tune`` whether now, and the tip.
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
    is_fine_tuned: bool = False
    offers: Mapping[str, tuple[bool, str]] = field(default_factory=dict)


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
    searching = working_words(model)
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


def working_words(model: RunModel) -> str:
    """What a running engine does."""
    if model.is_fine_tuned:
        return translate("run_state", "Fine-tuning")
    return {
        "search": translate("run_state", "Searching"), "two-stage": translate("run_state", "Training the supernet"),
        "subnet": translate("run_state", "Training"),
    }.get(model.kind, translate("run_state", "Retraining"))  # fmt: skip


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


def shown_run(
    model: RunModel, state: str, *, has_cells: bool, is_testing: bool, offers: Mapping[str, tuple[bool, str]] | None = None
) -> Shown:  # fmt: skip
    """What the actions need to know of the run on screen."""
    return Shown(
        state,
        model.kind,
        has_cells,
        (model.path / CHECKPOINT_LAST).exists(),
        is_testing,
        model.history.step >= 0 or model.status.step > 0,
        is_imported(model.config),
        model.is_fine_tuned,
        offers or {},
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
    found |= _of_subnets(shown) if shown.kind == "two-stage" else _of_networks(shown)
    return found


def _of_networks(shown: Shown) -> dict[str, Availability]:
    """Export, retrain and test of cells, or of the one network of a run."""
    has_run, is_subnet = bool(shown.state), shown.kind == "subnet"
    can = shown.has_cells or is_subnet
    nothing = (
        translate("run_state", "There are no cells yet.")
        if has_run
        else translate("run_state", "Choose a run or a cell first.")
    )
    export = (
        translate("run_state", "Save this sub-network, or its trained network (Ctrl+E)") if is_subnet
        else translate("run_state", "Save the cells, a picture of them, or their network (Ctrl+E)")
    )  # fmt: skip
    retrain = (
        translate("run_state", "Train this sub-network from scratch (Ctrl+R)") if is_subnet
        else translate("run_state", "Train the network of these cells from scratch (Ctrl+R)")
    )  # fmt: skip
    is_busy = shown.state in ACTIVE
    can_test = shown.has_checkpoint and not shown.is_testing and not is_busy
    reason = (
        translate("run_state", "A test goes on.") if shown.is_testing
        else translate("run_state", "The network is still in training.") if is_busy
        else translate("run_state", "There is no trained network yet.")
    )  # fmt: skip
    testing = translate("run_state", "Testing…") if shown.is_testing else translate("run_state", "Test")
    tip = translate("run_state", "Measure the network on the test split; each test is counted.")
    return {
        "export": Availability(True, can, translate("run_state", "Export…"), export if can else nothing),
        "retrain": Availability(True, can, translate("run_state", "Retrain…"), retrain if can else nothing),
        "test": Availability(shown.kind in ONE_NETWORK, can_test, testing, tip if can_test else reason),
        "select": Availability(False, False, tip=translate("run_state", "Only a supernet has networks to select.")),
    }


def _of_subnets(shown: Shown) -> dict[str, Availability]:
    """What can be done with the sub-networks of a two-stage run: search for some, and use the one that is chosen."""
    none = (False, translate("run_state", "Choose a sub-network first."))
    can, tips = {}, {}
    for name in ("select", "test", "export", "fine_tune"):
        can[name], tips[name] = shown.offers.get(name, none)
    words = {
        "select": translate("run_state", "Search for the best sub-networks (Ctrl+L)"),
        "test": translate(
            "run_state", "Measure the chosen sub-network on the test split; each test is counted (Ctrl+T)"
        ),
        "export": translate("run_state", "Save the chosen sub-network, or its trained network (Ctrl+E)"),
        "fine_tune": translate("run_state", "Train the chosen sub-network on, from the supernet's weights (Ctrl+R)"),
    }
    tip = {name: words[name] if can[name] else tips[name] or none[1] for name in words}
    testing = translate("run_state", "Testing…") if shown.is_testing else translate("run_state", "Test")
    return {
        "select": Availability(True, can["select"], translate("run_state", "Select…"), tip["select"]),
        "test": Availability(True, can["test"], testing, tip["test"]),
        "export": Availability(True, can["export"], translate("run_state", "Export…"), tip["export"]),
        "retrain": Availability(True, can["fine_tune"], translate("run_state", "Fine-tune…"), tip["fine_tune"]),
    }

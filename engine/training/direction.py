"""What happens next in a run, as orders and signals say it. Rank 0 looks; all processes of the run do the same."""

from __future__ import annotations

from enum import IntEnum, auto

from engine.runs.control import ControlWatch
from engine.training.interrupts import Interrupts
from engine.training.journal import Journal


class Decision(IntEnum):
    """What all processes of a run do next; numbers, so that telling it costs one small message."""

    GO = 0
    SAVE = auto()
    PAUSE = auto()
    WAIT = auto()
    UNPAUSE = auto()
    STOP_BY_ORDER = auto()
    STOP_BY_INTERRUPT = auto()
    STOP_BY_TERMINATE = auto()
    STOP_BY_WINDOW = auto()


STOPS = {
    Decision.STOP_BY_ORDER: "order",
    Decision.STOP_BY_INTERRUPT: "interrupt",
    Decision.STOP_BY_TERMINATE: "terminate",
    Decision.STOP_BY_WINDOW: "window",
}
"""The reason in ``stopped`` events for each way to stop."""

_OF_REASON = {reason: decision for decision, reason in STOPS.items()}


class Direction:
    """Looks at the folder's orders and at the signals of this process."""

    def __init__(self, orders: ControlWatch, interrupts: Interrupts) -> None:
        self._orders = orders
        self._interrupts = interrupts

    def look(self, journal: Journal, *, paused: bool, save_is_due: bool) -> Decision:
        """What to do now; an order that is obeyed is echoed in the status."""
        # Orders first: one to detach was given before the window went, however long the step took.
        control = self._orders.new_order()
        if control is not None:
            journal.status(control_id=control.id)
            match control.order:
                case "stop":
                    return Decision.STOP_BY_ORDER
                case "detach":
                    self._interrupts.untie()
                case "checkpoint":
                    return Decision.SAVE
                case "pause" if not paused:
                    return Decision.PAUSE
                case "run" if paused:
                    return Decision.UNPAUSE
        if self._interrupts.reason is not None:
            return _OF_REASON[self._interrupts.reason]
        if paused:
            return Decision.WAIT
        return Decision.SAVE if save_is_due else Decision.GO

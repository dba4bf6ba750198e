"""Orders to a run that another process executes, and waiting until they are obeyed."""

from __future__ import annotations

import time
from collections.abc import Callable

import click

from engine.cli.output import note
from engine.errors import RunError
from engine.runs import Order, RunFolder, Status, give_order

TIMEOUT_SECONDS = 300.0
"""A step of a large search on a CPU takes a minute; an engine looks at orders between steps."""
timeout_option = click.option(
    "--timeout", type=click.FloatRange(min=0), metavar="SECONDS", default=TIMEOUT_SECONDS,
    help="How long to wait until it is obeyed.",
)  # fmt: skip

_LOOK_SECONDS = 0.1
_SAY_AFTER_SECONDS = 10.0


def require_alive(folder: RunFolder) -> Status:
    """The status of a run that is alive.

    Raises:
        RunError: it is not; the message tells its state.
    """
    status = folder.status()
    if not status.alive:
        mend = "It can be started with nascope resume." if status.alive_state != "finished" else None
        raise RunError(f"the run is not running (it is {status.alive_state}).", where=str(folder.path), mend=mend)
    return status


def give_and_wait(folder: RunFolder, order: Order, obeyed: Callable[[Status], bool], *, seconds: float) -> Status:
    """Give an order and wait until it shows in the status, or until the run has ended otherwise.

    Raises:
        RunError: nothing happened in ``seconds``; the order stands.
    """
    try:
        give_order(folder.path, order)
    except OSError as error:
        raise RunError(
            f"orders cannot be written there ({error.strerror}).", where=str(folder.path), mend="Ask its owner."
        ) from None
    begin = time.monotonic()
    said = False
    while True:
        status = folder.status()
        if obeyed(status) or not status.alive:
            return status
        waited = time.monotonic() - begin
        if waited > seconds:
            raise RunError(
                f"has not obeyed within {seconds:g} s; the order stands.", where=str(folder.path),
                mend="It looks at orders after each step: wait, or see its log.txt.",
            )  # fmt: skip
        if waited > _SAY_AFTER_SECONDS and not said:
            said = True
            note(f"Waiting for the run to finish its step ({folder.path}) …")
        time.sleep(_LOOK_SECONDS)

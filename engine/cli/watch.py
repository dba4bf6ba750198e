"""``nascope watch``: follows a run that another process or machine writes."""

from __future__ import annotations

import time

import click

from engine.cli.arguments import find_run
from engine.cli.execution import exit_code_of_state, run_document, title_of
from engine.cli.output import DONE, accuracy_in_words, emit, json_option, note, say
from engine.cli.progress import ProgressView
from engine.runs import EventTail, RunFolder, Status
from engine.runs.folder import EVENTS

_LOOK_SECONDS = 0.25
_ENDED = frozenset({"stopped", "finished", "failed", "interrupted"})


@click.command("watch")
@click.argument("run")
@json_option
def command(run: str, as_json: bool) -> int:
    """Follow RUN until it ends; Ctrl-C leaves it running.

    Exit code: 0 when it finished (or Ctrl-C), 3 when it was stopped, 1 when it failed or died.
    """
    folder = find_run(run)
    try:
        status = follow(folder)
    except KeyboardInterrupt:
        status = folder.status()
        note(f"The run goes on: {folder.path} ({status.alive_state}).")
        if as_json:
            emit(run_document(folder, status.alive_state, status.epoch, status.metrics))
        return DONE
    state = status.alive_state
    if as_json:
        emit(run_document(folder, state, status.epoch, status.metrics))
    elif state == "finished":
        say(
            f"Finished after {status.epoch} epoch{'s' * (status.epoch != 1)}; {accuracy_in_words(status.metrics)}: {folder.path}"
        )
    if state != "finished":
        reason = f": {status.error.get('what')}" if state == "failed" and status.error else ""
        note(
            f"nascope: {state}{reason} after {status.epoch} of {status.epochs} epochs. Go on with: nascope resume {folder.path}"
        )
    return exit_code_of_state(state)


def follow(folder: RunFolder) -> Status:
    """Show a run's events until it has ended and all of them were read; gives its last status."""
    tail = EventTail(folder.path / EVENTS)
    status = folder.status()
    with ProgressView(title_of(folder), epochs=status.epochs, steps_per_epoch=status.steps_per_epoch) as view:
        while fresh := tail.poll():
            view.catch_up(fresh)
        view.say_where()
        while True:
            # In this order: what was written before the end is read after the end was seen.
            status = folder.status()
            view.epochs = status.epochs or view.epochs  # A resume may have more than the log's start says.
            for event in tail.poll():
                view(event)
            if status.alive_state in _ENDED:
                return status
            time.sleep(_LOOK_SECONDS)

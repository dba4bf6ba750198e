"""``nascope pause``: lets a run that another process executes wait in memory."""

from __future__ import annotations

import click

from engine.cli.arguments import find_run
from engine.cli.execution import run_document
from engine.cli.output import CRASH, DONE, emit, json_option, note, say
from engine.cli.steering import give_and_wait, require_alive, timeout_option


@click.command("pause")
@click.argument("run")
@timeout_option
@json_option
def command(run: str, timeout: float, as_json: bool) -> int:
    """Let RUN write a checkpoint and wait; nascope resume lets it go on, nascope stop ends it."""
    folder = find_run(run)
    status = require_alive(folder)
    if status.state != "paused":
        status = give_and_wait(folder, "pause", lambda now: now.state == "paused", seconds=timeout)
    if as_json:
        emit(run_document(folder, status.alive_state, status.epoch, status.metrics))
    if status.alive_state in ("paused", "finished"):
        if not as_json:
            say(f"{status.alive_state.capitalize()} after {status.epoch} of {status.epochs} epochs: {folder.path}")
        return DONE
    note(f"nascope: {folder.path}: it ended instead: {status.alive_state}. See its log.txt.")
    return CRASH

"""``nascope stop``: lets a run that another process executes save and end."""

from __future__ import annotations

import click

from engine.cli.arguments import find_run
from engine.cli.execution import run_document
from engine.cli.output import CRASH, DONE, emit, json_option, note, say
from engine.cli.steering import give_and_wait, require_alive, timeout_option


@click.command("stop")
@click.argument("run")
@timeout_option
@json_option
def command(run: str, timeout: float, as_json: bool) -> int:
    """Let RUN write a checkpoint and end; nascope resume goes on with it."""
    folder = find_run(run)
    require_alive(folder)
    status = give_and_wait(folder, "stop", lambda now: now.state not in ("running", "paused"), seconds=timeout)
    if as_json:
        emit(run_document(folder, status.alive_state, status.epoch, status.metrics))
    if status.alive_state in ("stopped", "finished"):
        if not as_json:
            say(f"{status.alive_state.capitalize()} after {status.epoch} of {status.epochs} epochs: {folder.path}")
        return DONE
    note(f"nascope: {folder.path}: it ended otherwise: {status.alive_state}. See its log.txt.")
    return CRASH

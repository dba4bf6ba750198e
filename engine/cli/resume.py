"""``nascope resume``: goes on with a run that was stopped, paused or interrupted, or that has not begun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.cli.arguments import find_run
from engine.cli.execution import answer, carry_out, run_document, tied_option
from engine.cli.output import DONE, emit, json_option, note, say
from engine.cli.steering import TIMEOUT_SECONDS, give_and_wait
from engine.config import RunConfig, SearchConfig, check, parse_assignments
from engine.errors import ConfigError, Fault, RunError
from engine.genotype.primitives import suggestion
from engine.runs import RunFolder, Status
from engine.runs.folder import ABOUT_THE_DEVICE
from engine.runs.origin import refuse_imported

if TYPE_CHECKING:
    from engine.distributed import Ranks

CHANGEABLE = (
    "epochs",
    "device",
    "threads",
    "checkpoint_minutes",
    "supernet",
    "activation_checkpointing",
    "memory_format",
    "compile",
    "cuda_graphs",
    "deterministic",
    "workers",
    "broken_images",
)
"""Settings that may change between two sittings: for how long, on what and how to compute, not what is computed."""


@click.command("resume")
@click.argument("run")
@click.option(
    "--set", "assignments", metavar="KEY=VALUE", multiple=True, help=f"Change {', '.join(CHANGEABLE)}; may be repeated."
)
@json_option
@tied_option
def command(run: str, assignments: tuple[str, ...], as_json: bool, tied_to_stdin: bool) -> int:
    """Continue RUN: one that was stopped, paused or interrupted, has failed, or has not begun.

    It goes on bit for bit with the step after its last checkpoint. A paused run that is alive goes on where it runs. A
    finished one goes on with --set epochs=N.
    """
    from engine.distributed import together
    from engine.execution.follow import follow

    with together() as ranks:
        if not ranks.is_first:
            return follow(ranks).exit_code
        return _resume(run, assignments, as_json=as_json, tied_to_stdin=tied_to_stdin, ranks=ranks)


def _resume(run: str, assignments: tuple[str, ...], *, as_json: bool, tied_to_stdin: bool, ranks: Ranks) -> int:
    folder = find_run(run)
    refuse_imported(folder)
    status = folder.status()
    changes = parse_assignments(assignments)
    if status.alive:
        return _resume_alive(folder, status, bool(changes), as_json=as_json)
    config = changed_config(folder, status, changes)
    if status.state == "finished" and ("epochs" not in changes or config.epochs <= status.epoch):
        return _say_finished(folder, status, as_json=as_json)
    if changes:
        from engine.training.rank_device import device_of_rank

        device_of_rank(config.device, ranks)
        store_changes(folder, config, changes)
    outcome = carry_out(folder, tied_to_stdin=tied_to_stdin, ranks=ranks)
    return answer(folder, outcome, as_json=as_json)


def changed_config(folder: RunFolder, status: Status, changes: dict[str, str]) -> RunConfig:
    """The run's configuration with these changes, checked.

    Raises:
        ConfigError: a change that would alter what the checkpoint means, or fewer epochs than are begun.
    """
    document = folder.config_document()
    config = folder.config()
    faults = [
        _refusal(name, config) for name in changes if name not in CHANGEABLE or name not in type(config).model_fields
    ]
    if faults:
        raise ConfigError(faults)
    if not changes:
        return config
    values: dict[str, Any] = {
        **document,
        **{name: None if value.lower() in {"", "null"} else value for name, value in changes.items()},
    }
    changed = check(config.kind, values)
    begun = max(status.epoch, -(-status.step // status.steps_per_epoch) if status.steps_per_epoch else 0)
    if changed.epochs < begun:
        fault = f"{changed.epochs} are fewer than the {begun} already begun."
        raise ConfigError([Fault("epochs", fault, f"Set {begun} or more.")])
    if changed.epochs != config.epochs and isinstance(config, SearchConfig) and config.order == 0:
        raise ConfigError(
            [Fault("epochs", "a random cell is drawn once; there are no epochs to add.", "Leave it out.")]
        )
    return changed


def store_changes(folder: RunFolder, config: RunConfig, changes: dict[str, str]) -> None:
    """Write changed settings into ``config.json``; what an earlier sitting decided about them is decided anew.

    Raises:
        RunError: another process works on the run.
    """
    lock = folder.lock()  # Another resume may be starting: its run must not lose its footing.
    try:
        stale = set(changes) | (ABOUT_THE_DEVICE if {"device", "supernet"} & set(changes) else set())
        decided = {name: value for name, value in folder.decided().items() if name not in stale}
        folder.add_facts(**{name: getattr(config, name) for name in changes}, decided=decided)
    finally:
        lock.release()


def _resume_alive(folder: RunFolder, status: Status, has_changes: bool, *, as_json: bool) -> int:
    if status.state != "paused":
        raise RunError(
            f"is running already (process {status.pid} on {status.host}).",
            where=str(folder.path),
            mend="(nascope watch follows it.)",
        )
    if has_changes:
        raise RunError(
            "a paused run that is alive takes no changes.",
            where=str(folder.path),
            mend="Stop it first (nascope stop), then resume with --set.",
        )
    after = give_and_wait(folder, "run", lambda now: now.state != "paused", seconds=TIMEOUT_SECONDS)
    if as_json:
        emit(run_document(folder, after.alive_state, after.epoch, after.metrics))
    else:
        say(f"Goes on in process {after.pid} on {after.host}: {folder.path} (nascope watch follows it).")
    return DONE


def _say_finished(folder: RunFolder, status: Status, *, as_json: bool) -> int:
    if as_json:
        emit(run_document(folder, status.state, status.epoch, status.metrics))
    more = f" More epochs: --set epochs=N with N above {status.epochs}." if status.epochs else ""
    note(f"{folder.path}: has finished, nothing is left to do.{more}")
    return DONE


def _refusal(name: str, config: RunConfig) -> Fault:
    changeable = [known for known in CHANGEABLE if known in type(config).model_fields]
    if name not in type(config).model_fields:
        return Fault(
            name,
            f"is no setting of a {config.kind}.{suggestion(name, changeable)}",
            f"Resume takes {', '.join(changeable)}.",
        )
    return Fault(
        name,
        "cannot change on resume: the checkpoint's weights, schedules and data order were made with the old value.",
        f"Start a new run with it; resume takes {', '.join(changeable)}.",
    )

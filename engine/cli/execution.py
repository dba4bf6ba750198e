"""Carrying out a run in this process, with progress, and saying how it ended."""

from __future__ import annotations

import shutil
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.output import DONE, INTERRUPTED, STOPPED, TERMINATED, accuracy_in_words, emit, note, say
from engine.cli.progress import ProgressView
from engine.errors import GenotypeError, NascopeError
from engine.runs import RunFolder, summarize
from engine.runs.folder import CHECKPOINT_LAST, LOG

if TYPE_CHECKING:
    from engine.distributed import Ranks
    from engine.execution.outcome import Outcome

tied_option = click.option("--tied-to-stdin", is_flag=True, hidden=True, help="Stop when standard input ends.")


def carry_out(
    folder: RunFolder, *, tied_to_stdin: bool = False, title: str | None = None, ranks: Ranks | None = None
) -> Outcome:
    """Run or resume until it is finished, stopped or failed, with progress on standard error.

    Args:
        ranks: the processes of the run, where there are several; this is rank 0.

    Raises:
        NascopeError: bad input that was found while preparing.
    """
    status = folder.status()
    epochs = int(folder.config_document().get("epochs") or 0)  # The status still has those of the last sitting.
    try:
        from engine.distributed import ALONE
        from engine.execution.execute import execute

        with ProgressView(title or title_of(folder), epochs=epochs, steps_per_epoch=status.steps_per_epoch) as view:
            return execute(folder, on_event=view, tied_to_stdin=tied_to_stdin, ranks=ranks or ALONE)
    except (NascopeError, KeyboardInterrupt):
        raise
    except Exception as error:
        _log_crash(folder, error)
        raise


def start(
    folder: RunFolder,
    *,
    existed: bool,
    tied_to_stdin: bool = False,
    title: str | None = None,
    ranks: Ranks | None = None,
) -> Outcome:
    """``carry_out`` a run whose folder was just created; where it is refused before it began, the folder goes again.

    Args:
        existed: whether the folder was there before the run was put into it; then only the run's files go.
    """
    try:
        return carry_out(folder, tied_to_stdin=tied_to_stdin, title=title, ranks=ranks)
    except NascopeError:
        if not (folder.path / CHECKPOINT_LAST).exists():
            _withdraw(folder.path, existed=existed)
        raise


def answer(folder: RunFolder, outcome: Outcome, *, as_json: bool) -> int:
    """Say how a run ended, and give the exit code."""
    if as_json:
        emit(document(folder, outcome))
        if outcome.exit_code != DONE:
            note(f"nascope: {_ending(folder, outcome)}")
        return outcome.exit_code
    if outcome.exit_code != DONE or outcome.state != "finished":
        note(f"nascope: {_ending(folder, outcome)}")
        return outcome.exit_code
    config = folder.config_document()
    if outcome.epochs:
        words = accuracy_in_words(outcome.metrics)
        say(f"Finished after {outcome.epochs} epoch{'s' * (outcome.epochs != 1)}; {words}.")
    else:
        say("Finished: a cell was drawn at random, nothing was trained.")
    say(f"  run      {folder.path}")
    if config.get("kind") == "two-stage":
        say(f"  select   nascope select {_quoted(folder.path)} --macs BUDGET")
        say(f"  explain  nascope explain {_quoted(folder.path)}")
    elif config.get("kind") == "search":
        say(f"  explain  nascope explain {_quoted(folder.path)}")
        say(f"  retrain  nascope retrain {_quoted(folder.path)} --data {config.get('data', 'digits')}")
    else:
        say(f"  test     nascope test {_quoted(folder.path)}")
    return outcome.exit_code


def document(folder: RunFolder, outcome: Outcome) -> dict[str, Any]:
    """The JSON answer of ``search``, ``retrain`` and ``resume``."""
    found = run_document(folder, outcome.state, outcome.epochs, outcome.metrics)
    if outcome.error is not None:
        found["error"] = dict(outcome.error)
    return found


def run_document(folder: RunFolder, state: str, epochs: int, metrics: Any) -> dict[str, Any]:
    """``run``, ``state``, ``epochs``, ``metrics``, and ``genotype`` for a search that has one."""
    found: dict[str, Any] = {"run": str(folder.path), "state": state, "epochs": epochs, "metrics": dict(metrics)}
    if folder.config_document().get("kind") == "search":
        try:
            genotype = folder.genotype()
        except GenotypeError:
            genotype = None  # A damaged file: explain and export name the fault, the answer goes on.
        found["genotype"] = genotype.as_json() if genotype is not None else None
    return found


def note_unfinished(folder: RunFolder, consequence: str) -> None:
    """Say on standard error that a run which is about to be used has more epochs to go."""
    status = folder.status()
    if status.state != "finished":
        note(
            f"The run has not finished ({status.alive_state}, {status.epoch} of {status.epochs} epochs): {consequence}."
        )


def title_of(folder: RunFolder) -> str:
    """The run's name, or what it is."""
    summary = summarize(folder.path)
    return summary.title if summary is not None else folder.path.name


def exit_code_of_state(state: str) -> int:
    """The exit code for a run that ended elsewhere: 0 finished, 3 stopped, 1 failed or interrupted."""
    return {"finished": DONE, "stopped": STOPPED}.get(state, 1)


def _ending(folder: RunFolder, outcome: Outcome) -> str:
    again = f"Go on with: nascope resume {_quoted(folder.path)}"
    if outcome.error is not None or outcome.state == "failed":
        error = NascopeError(
            str((outcome.error or {}).get("what") or "the run failed."),
            where=(outcome.error or {}).get("where"), mend=(outcome.error or {}).get("mend"),
        )  # fmt: skip
        return f"the run failed: {error} The log is {folder.path / LOG}. {again}"
    by = {INTERRUPTED: " by Ctrl-C", TERMINATED: " by SIGTERM", STOPPED: " by nascope stop"}.get(outcome.exit_code, "")
    epochs = f"{outcome.epochs} epoch{'s' * (outcome.epochs != 1)}"
    return f"{outcome.state}{by} and saved after {epochs}: {folder.path}. {again}"


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))


def _log_crash(folder: RunFolder, error: Exception) -> None:
    """Leave the traceback in the run's log, and the run's place on the error for the last word."""
    try:
        with (folder.path / LOG).open("a", encoding="utf-8") as log:
            log.write("".join(traceback.format_exception(error)))
    except OSError:
        return  # The last word then names NASCOPE_DEBUG instead of a log.
    error.nascope_run = folder.path  # type: ignore[attr-defined]


def _withdraw(path: Path, *, existed: bool) -> None:
    """Take away what a refused start left. A folder that was there before keeps its other files and stays."""
    if not existed:
        shutil.rmtree(path, ignore_errors=True)
        return
    for name in (
        "config.json",
        "meta.json",
        "status.json",
        "log.txt",
        "events.jsonl",
        ".lock",
        "genotype.json",
        "control.json",
    ):
        (path / name).unlink(missing_ok=True)

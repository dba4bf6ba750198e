"""The command ``nascope`` itself: finds the command, turns every failure into one sentence and an exit code."""

from __future__ import annotations

import difflib
import errno
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from engine import __version__
from engine.cli.one_of_several import may_be_one_of_several, run_as_one_of_several
from engine.cli.output import CRASH, INTERRUPTED, USAGE, emit_error, wants_json
from engine.errors import NascopeError

SECTIONS: dict[str, dict[str, str]] = {
    "Runs": {
        "search": "Search for cells, or train a two-stage supernet.",
        "retrain": "Train the network of a genotype, or one sub-network.",
        "select": "Choose sub-networks of a two-stage run for a budget.",
        "test": "Measure a retrained network or a sub-network on the test split.",
        "resume": "Continue a stopped, paused or interrupted run.",
        "stop": "Let a run save and end.",
        "pause": "Let a run wait, ready to go on.",
        "watch": "Follow a run that another process or machine writes.",
        "study": "Methods by seeds, a retraining of every cell, random cells beside them.",
        "demo": "The whole job on the digits: search, retrain, test, report.",
    },
    "Reading": {
        "runs": "List runs.",
        "import": "Make a run of a log or of weights of the original code.",
        "compare": "Set runs side by side: settings, numbers, cells.",
        "explain": "Why these cells; of a two-stage run, how to understand it.",
        "report": "Write a run's self-contained page.",
    },
    "Cells and networks": {
        "draw": "Draw a genotype or a sub-network as SVG, PNG or PDF; cells as DOT too.",
        "export": "Write a genotype or a trained network in another form.",
        "cost": "Count parameters and multiply-adds, measure latency, keep to a budget.",
        "genotypes": "List the named genotypes and published sub-networks.",
    },
    "What there is": {
        "methods": "List methods, presets and settings.",
        "data": "List data sets, or fetch one.",
        "bench": "Measure a search step here: speed, memory, beside the textbook supernet.",
        "doctor": "Check this machine: versions, devices, dot, fonts, write access.",
    },
}
"""Every command with its one sentence; each is ``command`` in the module of its name."""

_MODULES = {"import": "import_run"}
"""Modules of commands whose name is a word of Python."""

_SURROUNDINGS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM})
"""Failures of a file system that a person can put right."""

_SUMMARIES = {name: summary for section in SECTIONS.values() for name, summary in section.items()}


class _Root(click.Group):
    """Imports a command when it is asked for, and takes a RUN or GENOTYPE in a command's place as one to open."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _SUMMARIES:
            return None
        command = importlib.import_module(f"engine.cli.{_MODULES.get(cmd_name, cmd_name)}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] in _SUMMARIES:
            return super().resolve_command(ctx, args)
        if args[0].startswith("-"):
            raise click.NoSuchOption(args[0], ctx=ctx)
        from engine.cli.window import command, opens_in_window

        if not opens_in_window(args[0]):
            close = difflib.get_close_matches(args[0], _SUMMARIES, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise NascopeError(
                f"«{args[0]}» is no command, and no run or genotype to open.{hint}",
                where="command",
                mend="(nascope --help lists the commands.)",
            )
        return "window", command, args

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section, commands in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl(list(commands.items()))


@click.group(
    cls=_Root,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    subcommand_metavar="[COMMAND | RUN | GENOTYPE] ...",
)
@click.version_option(__version__, "--version", prog_name="nascope", message="%(prog)s %(version)s")
@click.pass_context
def nascope(ctx: click.Context) -> int | None:
    """Search for, watch, understand and retrain neural-network cells.

    Without a command the window opens; a run folder or a genotype (DARTS_V2, cell.json) as the only argument opens
    there. RUN is a folder, or the name of a run in the user's data folder. Exit codes: 0 done, 1 the run failed,
    2 bad usage or input, 3 stopped by nascope stop, 130 by Ctrl-C, 143 by SIGTERM (each saved before it ended).
    """
    if ctx.invoked_subcommand is None:
        from engine.cli.window import open_window

        return open_window(None)
    return None


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; failures are said in one sentence, never as a traceback."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if may_be_one_of_several():
        return run_as_one_of_several(arguments, lambda: _run(arguments))
    return _run(arguments)


def _run(arguments: list[str]) -> int:
    as_json = wants_json(arguments)
    try:
        code = nascope.main(args=arguments, prog_name="nascope", standalone_mode=False, obj=tuple(arguments))
        sys.stdout.flush()
        return int(code or 0)
    except NascopeError as error:
        emit_error(error.as_dict(), str(error), as_json=as_json)
        return USAGE
    except click.UsageError as error:
        _emit_usage_error(error, as_json=as_json)
        return USAGE
    except click.ClickException as error:
        emit_error(
            {"what": error.format_message(), "where": None, "mend": None}, error.format_message(), as_json=as_json
        )
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        emit_error({"what": "Interrupted.", "where": None, "mend": None}, "Interrupted.", as_json=as_json)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe (head, less) has gone: nothing is left to say, and closing stdout must not say it either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CRASH
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _SURROUNDINGS:
            found = NascopeError(
                f"{error.strerror}.",
                where=str(error.filename or "files"),
                mend="Free space or rights there, or choose another place.",
            )
            emit_error(found.as_dict(), str(found), as_json=as_json)
            return USAGE
        _emit_crash(error, as_json=as_json)
        return CRASH


def _emit_usage_error(error: click.UsageError, *, as_json: bool) -> None:
    what = error.format_message().replace("\n", " ")
    command = error.ctx.command_path if error.ctx is not None else "nascope"
    mend = f"({command} --help tells more.)"
    emit_error({"what": what, "where": command, "mend": mend}, f"{what} {mend}", as_json=as_json)


def _emit_crash(error: Exception, *, as_json: bool) -> None:
    """A fault of nascope itself: one sentence, the traceback where a person can find it."""
    if os.environ.get("NASCOPE_DEBUG"):
        traceback.print_exc(file=sys.stderr)
    folder = getattr(error, "nascope_run", None)
    mend = "Set NASCOPE_DEBUG=1 to see where, and please report it."
    if isinstance(folder, Path):
        mend = f"The traceback is in {folder / 'log.txt'}; please report it."
    text = " ".join(str(error).split())[:300]
    what = f"Something unexpected happened: {type(error).__name__}{f': {text}' if text else ''}."
    emit_error(
        {"what": what, "where": str(folder) if folder else None, "mend": mend}, f"{what} {mend}", as_json=as_json
    )

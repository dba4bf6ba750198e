"""A command that torchrun or SLURM's srun started several times over: one of the processes speaks for all."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from engine.cli.output import USAGE, emit_error, wants_json
from engine.errors import NascopeError

if TYPE_CHECKING:
    from engine.distributed.launch import Launch

TOGETHER = ("search", "retrain", "resume", "test")
"""Commands that several processes carry out as one; any other is refused, else each process would do the whole of it."""

_ALONE = {"--forecast"}
"""Options with which these commands are the work of one process."""

_HELP = {"--help", "-h", "--version"}

_SIGNS = ("RANK", "SLURM_STEP_NUM_TASKS")
"""Environment variables of which one is set in every process of several."""


def may_be_one_of_several() -> bool:
    """Whether this may be one process of several; looks at no more than names, and is quick."""
    return any(name in os.environ for name in _SIGNS)


def run_as_one_of_several(arguments: Sequence[str], command: Callable[[], int]) -> int:
    """Carry a command out; all processes but the first are silent, and end after it with its exit code."""
    from engine.distributed import launched, part

    try:
        launch = launched()
    except NascopeError as error:
        emit_error(error.as_dict(), str(error), as_json=wants_json(arguments))
        return USAGE
    if launch is None:
        return command()
    with contextlib.nullcontext(io.StringIO()) if launch.rank == 0 else _silence() as said:
        code = command() if _is_shared(arguments) else _refuse(arguments, launch)
    sys.stdout.flush()
    return part(code, _last_words(said.getvalue()))


def _is_shared(arguments: Sequence[str]) -> bool:
    is_together = bool(arguments) and arguments[0] in TOGETHER and not _ALONE & set(arguments)
    return is_together or bool(_HELP & set(arguments))


def _refuse(arguments: Sequence[str], launch: Launch) -> int:
    first = arguments[0] if arguments and not arguments[0].startswith("-") else ""
    name = f"nascope {first}".strip() + "".join(f" {option}" for option in sorted(_ALONE & set(arguments)))
    starter = {"torchrun": "torchrun", "SLURM": "srun"}[launch.starter]
    error = NascopeError(
        f"is the work of one process, and {starter} started {launch.size}.", where=name,
        mend=f"Start it without {starter}. ({', '.join(TOGETHER[:-1])} and {TOGETHER[-1]} share their work.)",
    )  # fmt: skip
    emit_error(error.as_dict(), str(error), as_json=wants_json(arguments))
    return USAGE


def _last_words(said: str) -> str:
    """The last line of what a process would have said, without the program's name."""
    lines = said.strip().splitlines() or [""]
    return lines[-1].removeprefix("nascope: ")[:500]


@contextlib.contextmanager
def _silence() -> Iterator[io.StringIO]:
    """Within the block nothing is printed; what was meant for standard error is kept."""
    kept = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(kept):
        yield kept

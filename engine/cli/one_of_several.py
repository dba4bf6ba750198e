"""A command that torchrun or SLURM's srun started several times over: one of the processes speaks for all."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from engine.cli.output import emit_error
from engine.errors import NascopeError

TOGETHER = frozenset({"search", "retrain", "resume", "test"})
"""Commands that several processes carry out as one; others do not care who started them."""

_SIGNS = ("RANK", "SLURM_STEP_NUM_TASKS")
"""Environment variables of which one is set in every process of several."""


def is_one_of_several(arguments: Sequence[str]) -> bool:
    """Whether this may be one process of several; looks at no more than names, and is quick."""
    is_shared = bool(arguments) and arguments[0] in TOGETHER and not {"--help", "-h", "--forecast"} & set(arguments)
    return is_shared and any(name in os.environ for name in _SIGNS)


def run_as_one_of_several(command: Callable[[], int]) -> int:
    """Carry a command out; all processes but the first are silent, and end after it with its exit code."""
    from engine.distributed import launched, part

    try:
        launch = launched()
    except NascopeError as error:
        emit_error(error.as_dict(), str(error), as_json=False)
        return 2
    if launch is None:
        return command()
    with contextlib.nullcontext() if launch.rank == 0 else _silence():
        code = command()
    sys.stdout.flush()
    return part(code)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        yield

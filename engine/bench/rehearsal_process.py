"""Asks a fresh process for a rehearsal, and lets none outlive the one that asked."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from typing import Any

from engine.bench.answer import read_answer
from engine.bench.memory import OutOfMemoryError, out_of_memory
from engine.bench.rehearsed import Rehearsed
from engine.config import RunConfig
from engine.errors import NascopeError

LONGEST_SECONDS = 1800.0
"""After which a rehearsal is given up."""

_KILLED = (-9, 137)
"""Ends that the system's out-of-memory killer gives a process."""


class ForecastError(NascopeError):
    """The rehearsal gave no answer."""


def rehearse_in_child(config: RunConfig, seconds: float, decided: Mapping[str, Any] | None) -> Rehearsed:
    """A rehearsal in a fresh process: memory that this one holds would hide what a run needs.

    Args:
        seconds: about how long whole steps are timed; 0 takes only those that show the memory.
        decided: how the supernet is laid out where the settings leave it open; None decides there.

    Raises:
        OutOfMemoryError, NascopeError: as the rehearsal says.
        ForecastError: it died or hung.
    """
    task = {"config": config.model_dump(mode="json"), "seconds": seconds, "decided": dict(decided) if decided else None}
    code, output, errors, is_late = _ask(json.dumps(task))
    if is_late:
        raise ForecastError(
            f"the rehearsal took more than {LONGEST_SECONDS / 60:.0f} min.", mend="Use a smaller batch_size."
        )
    if code in _KILLED:
        raise out_of_memory(None, config)
    answer = _answer(output)
    if answer is None:
        last = (errors.strip().splitlines() or ["no message"])[-1][:300]
        raise ForecastError(
            f"the rehearsal ended with {code} ({last}).", mend="Please report this as a fault of nascope."
        )
    if "error" in answer:
        kind = OutOfMemoryError if answer.get("out_of_memory") else NascopeError
        raise kind(answer["error"]["what"], where=answer["error"]["where"], mend=answer["error"]["mend"])
    return Rehearsed(**{**answer, "messages": tuple(answer["messages"])})


def _ask(line: str) -> tuple[int, str, str, bool]:
    """Exit code, standard output, standard error, and whether it was ended for being late."""
    with tempfile.TemporaryFile() as errors:
        try:
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", "engine.bench.rehearsal_child"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            )  # fmt: skip
        except (OSError, TypeError) as error:  # TypeError: an embedded interpreter has no sys.executable.
            raise ForecastError(f"no other process could be started ({error}).") from None
        late = threading.Event()

        def give_up() -> None:
            late.set()
            child.kill()

        timer = threading.Timer(LONGEST_SECONDS, give_up)
        timer.start()
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            # Left open: its end, by the death of this process too, ends the child.
            child.stdin.write(line.encode() + b"\n")
            child.stdin.flush()
            output = child.stdout.read().decode("utf-8", "replace")
            child.wait()
        except BrokenPipeError:
            output = ""
            child.wait()
        except BaseException:
            child.kill()
            child.wait()
            raise
        finally:
            timer.cancel()
        child.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            child.stdin.close()
        errors.seek(0)
        return child.returncode, output, errors.read().decode("utf-8", "replace"), late.is_set()


def _answer(text: str) -> dict[str, Any] | None:
    """The child's answer, or None where it is none."""
    found = read_answer(text)
    if found is None or "error" in found:
        return found
    return found if {"steps_per_epoch", "step_seconds", "peak_mib", "messages"} <= set(found) else None

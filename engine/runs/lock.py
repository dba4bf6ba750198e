"""One writer a folder: the lock that a run or a study holds while a process works on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from engine.errors import RunError


def take_lock(
    folder: Path, name: str, *, what: str, holder: Callable[[], tuple[int | None, str]], held: str, read_only: str
) -> FileLock:
    """Take the lock of a folder at once or not at all.

    Args:
        name: of the lock's file.
        what: «run» or «study», for the sentence.
        holder: process id (0 or None where it is not known) and host of whoever has it, as the folder's status tells.
        held: what to do where another process has it.
        read_only: what to do where the folder cannot be written.

    Raises:
        RunError: another process has it, or the folder cannot be written.
    """
    lock = FileLock(folder / name, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        pid, host = holder()
        who = f"process {pid} on {host}" if pid else "another process"
        raise RunError(f"{who} works on this {what}.", where=str(folder), mend=held) from None
    except OSError as error:
        raise RunError(f"cannot be written ({error.strerror or error}).", where=str(folder), mend=read_only) from None
    return lock

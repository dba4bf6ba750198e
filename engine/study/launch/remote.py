"""The piece that runs on another machine: a child process, tied to whoever runs this function."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from engine.study.launch.base import child_environment

_SAVE_SECONDS = 600.0
_LOOK_SECONDS = 0.2


def carry_out(words: Sequence[str], stdout: str, stderr: str, is_tied: bool = True) -> int:
    """Run ``nascope`` with these words and give its exit code.

    When this process is told to end (KeyboardInterrupt or SIGTERM) the child saves and stops; when this process dies the child's
    standard input ends, which has the same effect. The folder must be on a file system that this machine shares.
    """
    with Path(stdout).open("ab") as output, Path(stderr).open("ab") as errors:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "engine.cli", *words], stdin=subprocess.PIPE if is_tied else subprocess.DEVNULL,
            stdout=output, stderr=errors, env=child_environment(), start_new_session=os.name != "nt",
        )  # fmt: skip
    before = _on_terminate()
    try:
        while child.poll() is None:  # Waiting in the kernel would not hear Ray's interrupt.
            time.sleep(_LOOK_SECONDS)
        return child.returncode
    except BaseException:
        _let_end(child, is_tied=is_tied)
        raise
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def _on_terminate() -> Any:
    """Turn SIGTERM into an exception, where this is the main thread; gives the old handler."""
    if threading.current_thread() is not threading.main_thread():
        return None

    def leave(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    return signal.signal(signal.SIGTERM, leave)


def _let_end(child: subprocess.Popen[bytes], *, is_tied: bool) -> None:
    if is_tied and child.stdin is not None:
        with contextlib.suppress(OSError):
            child.stdin.close()
    else:
        child.terminate()
    try:
        child.wait(_SAVE_SECONDS)
    except BaseException:
        child.kill()
        raise

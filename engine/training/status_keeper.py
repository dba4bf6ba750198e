"""Keeps ``status.json`` true while a run goes on, with a heartbeat from a timer thread."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from dataclasses import replace
from typing import Any

from engine.runs import RunFolder, Status
from engine.runs.status import HEARTBEAT_SECONDS, process_start_time


class StatusKeeper:
    """The one writer of ``status.json``. A context manager; its thread ends with it."""

    def __init__(self, folder: RunFolder, world_size: int = 1) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._thread: threading.Thread | None = None
        self._status = replace(
            folder.status(),
            pid=os.getpid(),
            host=socket.gethostname(),
            process_started=process_start_time(os.getpid()),
            error=None,
            world_size=world_size,
        )

    def __enter__(self) -> StatusKeeper:
        self._thread = threading.Thread(target=self._beat, name="nascope-heartbeat", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        if self._thread is not None:
            self._thread.join()

    @property
    def status(self) -> Status:
        """As last set."""
        return self._status

    def set(self, *, write: bool = True, **changes: Any) -> None:
        """Change fields; written at once, or with the next heartbeat where ``write`` is false.

        Raises:
            OSError: the disk is full.
        """
        with self._lock:
            self._status = replace(self._status, heartbeat=time.time(), **changes)
            if write:
                self._folder.write_status(self._status)

    def say_failed(self, error: dict[str, str | None]) -> None:
        """The last word of a failed run, also on a full disk: then the old file is overwritten where it lies."""
        try:
            self.set(state="failed", error=error)
        except OSError:
            with contextlib.suppress(OSError):  # The place is gone: the exit code and standard error still tell.
                self._folder.write_status(self._status, in_place=True)

    def _beat(self) -> None:
        while not self._end.wait(HEARTBEAT_SECONDS):
            with contextlib.suppress(OSError):  # A full disk is reported by the loop, which can stop the run.
                self.set()

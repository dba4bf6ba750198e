"""A study's folder: its declaration, its status, its lock; the members are ordinary runs below it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

import engine
from engine.config import read_config_file
from engine.config.study import STUDY_SCHEMA, StudyConfig, check_study
from engine.errors import RunError
from engine.runs.files import read_json, write_json
from engine.runs.folder import CONFIG, LOCK, runs_home
from engine.runs.lock import take_lock
from engine.runs.status import START_TOLERANCE_SECONDS, process_start_time

STUDY, STUDY_STATUS = "study.json", "study-status.json"
TABLE, PAGE = "study.csv", "study.html"
JOBS = ".jobs"

STALE_AFTER_SECONDS = 60.0


@dataclass(frozen=True)
class StudyStatus:
    """What ``study-status.json`` holds; the members' own folders tell the rest.

    Attributes:
        state: created, running, stopped, finished or failed (members failed, the others have finished).
        picks: seed of the picked cell by row.
        members: what is known beside their folders: ``attempts``, ``error``, ``job`` of those that need a word.
        control_id: id of the last order obeyed.
    """

    state: str = "created"
    pid: int | None = None
    host: str = ""
    process_started: float | None = None
    heartbeat: float = 0.0
    control_id: str | None = None
    picks: Mapping[str, int] = field(default_factory=dict)
    members: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def alive(self) -> bool:
        """Whether its process still works on it, as far as can be known from here."""
        if self.state != "running" or self.pid is None:
            return False
        if self.host != socket.gethostname():
            return time.time() - self.heartbeat < STALE_AFTER_SECONDS
        started = process_start_time(self.pid)
        return (
            started is not None
            and self.process_started is not None
            and abs(started - self.process_started) < START_TOLERANCE_SECONDS
        )

    @property
    def alive_state(self) -> str:
        """The state, with ``interrupted`` for one that says it runs while its process is dead."""
        return "interrupted" if self.state == "running" and not self.alive else self.state

    def mine(self) -> StudyStatus:
        """The status as this process writes it while it works."""
        started = process_start_time(os.getpid())
        return replace(
            self, state="running", pid=os.getpid(), host=socket.gethostname(), process_started=started, heartbeat=time.time()
        )  # fmt: skip


_KINDS: dict[str, tuple[type, ...]] = {
    "state": (str,), "pid": (int,), "host": (str,), "process_started": (int, float), "heartbeat": (int, float),
    "control_id": (str,), "picks": (dict,), "members": (dict,),
}  # fmt: skip


class StudyFolder:
    """One study's folder. Cheap to make; every question reads the file of the moment."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path, config: StudyConfig, *, command: str = "") -> StudyFolder:
        """Write the declaration of a new study.

        Raises:
            RunError: the folder holds a run, or cannot be written.
        """
        if (path / CONFIG).exists():
            raise RunError("the folder holds a run.", where=str(path), mend="Choose another --out.")
        document = {
            "schema": STUDY_SCHEMA, **config.as_json(), "command": command, "nascope": engine.__version__,
            "created": time.time(),
        }  # fmt: skip
        try:
            path.mkdir(parents=True, exist_ok=True)
            write_json(path / STUDY, document, durable=True)
        except OSError as error:
            mend = "Choose a folder you may write to."
            raise RunError(f"cannot be written ({error.strerror}).", where=str(path), mend=mend) from None
        return cls(path)

    def config(self) -> StudyConfig:
        """The study as declared.

        Raises:
            ConfigError: the file was damaged or is of a newer nascope.
        """
        where = self.path / STUDY
        return check_study(read_config_file(where), where=str(where))

    def extend(self, config: StudyConfig) -> None:
        """Replace the declaration by one with additions."""
        document = read_config_file(self.path / STUDY)
        write_json(self.path / STUDY, {**document, **config.as_json()}, durable=True)

    def status(self) -> StudyStatus:
        """The status of the moment; a broken file reads as ``created``."""
        document = read_json(self.path / STUDY_STATUS)
        if not isinstance(document, dict):
            return StudyStatus()
        names = {entry.name for entry in fields(StudyStatus)}
        good: dict[str, Any] = {
            name: value
            for name, value in document.items()
            if name in names and isinstance(value, _KINDS[name]) and not isinstance(value, bool)
        }
        good["picks"] = {row: seed for row, seed in good.get("picks", {}).items() if isinstance(seed, int)}
        good["members"] = {name: entry for name, entry in good.get("members", {}).items() if isinstance(entry, dict)}
        return StudyStatus(**good)

    def write_status(self, status: StudyStatus) -> None:
        """Replace ``study-status.json``."""
        write_json(self.path / STUDY_STATUS, asdict(status))

    def lock(self) -> FileLock:
        """The lock that the one scheduler of a study holds.

        Raises:
            RunError: another process works on the study.
        """

        def holder() -> tuple[int | None, str]:
            status = self.status()
            return status.pid, status.host

        return take_lock(
            self.path, LOCK, what="study", holder=holder, held="Wait for it, or stop it there (Ctrl-C, or Stop in the window).",
            read_only="Choose a folder you may write to.",
        )  # fmt: skip


def is_study(path: Path) -> bool:
    """Whether a folder holds a study (and not just somebody's file of that name)."""
    document = read_json(path / STUDY)
    return isinstance(document, dict) and "methods" in document and "created" in document


def dated_folder(config: StudyConfig) -> Path:
    """A free place for a study that was given none, in the user's data folder."""
    stem = f"{datetime.now():%Y-%m-%d}-study-{config.data.partition(':')[0]}"
    number = 1
    while (path := runs_home() / (stem if number == 1 else f"{stem}-{number}")).exists():
        number += 1
    return path

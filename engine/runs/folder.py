"""The run folder: everything that is known of a run, in files that explain themselves."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import platformdirs
from filelock import FileLock

from engine.config import RunConfig, check, read_config_file
from engine.config.fields import SCHEMA
from engine.errors import GenotypeError, RunError
from engine.genotype import Genotype, genotype_from_json
from engine.runs.files import read_json, write_json
from engine.runs.lock import take_lock
from engine.runs.status import Status, status_from_json

CONFIG, EVENTS, STATUS, GENOTYPE = "config.json", "events.jsonl", "status.json", "genotype.json"
CHECKPOINT_LAST, CHECKPOINT_BEST = "checkpoint-last.pt", "checkpoint-best.pt"
META, RESULTS, LOG, REPORT, LOCK = "meta.json", "results.jsonl", "log.txt", "report.html", ".lock"
STDOUT, STDERR = "stdout.txt", "stderr.txt"

_DAMAGED_GENOTYPE = "Remove the file: a resumed search writes it again, and every version stands in events.jsonl."


def home() -> Path:
    """Where nascope keeps runs, data sets and its queue: ``NASCOPE_HOME``, else the user's data folder."""
    override = os.environ.get("NASCOPE_HOME")
    return (
        Path(override).expanduser().absolute()
        if override
        else Path(platformdirs.user_data_dir("nascope", appauthor=False))
    )


def runs_home() -> Path:
    """The folder of runs that were given no place of their own."""
    return home() / "runs"


ABOUT_THE_DEVICE = frozenset({"memory_format", "activation_checkpointing"})
"""Decisions of ``decided`` that hold for one device and one supernet only."""


class RunFolder:
    """One run's folder. Cheap to make; every property reads the file of the moment."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(
        cls, path: Path, config: RunConfig, facts: Mapping[str, Any] | None = None, *, name: str = ""
    ) -> RunFolder:
        """Make a folder for a new run, in state ``created``.

        Args:
            facts: what else ``config.json`` should tell (versions, the command, the preset).
            name: shown in lists; empty shows method and data.

        Raises:
            RunError: the folder holds a run already, or cannot be written.
        """
        # A log or a checkpoint without its config.json would be taken for this run's own.
        if any((path / name).exists() for name in (CONFIG, EVENTS, CHECKPOINT_LAST)):
            raise RunError(
                "the folder holds a run already.", where=str(path), mend="Choose another --out, or resume that run."
            )
        try:
            path.mkdir(parents=True, exist_ok=True)
            document = {"schema": SCHEMA, **config.model_dump(mode="json"), "world_size": 1, **(facts or {})}
            write_json(path / CONFIG, {**document, "created": time.time()})
            write_json(path / META, {"name": name, "tags": [], "notes": ""})
            (path / EVENTS).touch()  # A run that has begun always has a log, also before its first event.
            write_json(path / STATUS, Status("created", epochs=config.epochs).as_json())
        except OSError as error:
            raise RunError(
                f"cannot be written ({error.strerror}).", where=str(path), mend="Choose a folder you may write to."
            ) from None
        return cls(path)

    @classmethod
    def create_dated(
        cls, config: RunConfig, facts: Mapping[str, Any] | None = None, *, slug: str, name: str = ""
    ) -> RunFolder:
        """``create`` in ``runs_home()`` under a dated name that is still free, for example ``2026-11-25-darts-digits-2``."""
        stem = f"{datetime.now():%Y-%m-%d}-{slug}"
        number = 1
        while True:
            path = runs_home() / (stem if number == 1 else f"{stem}-{number}")
            try:
                path.mkdir(parents=True, exist_ok=False)
            except FileExistsError:
                number += 1
                continue
            except OSError as error:
                raise RunError(
                    f"cannot be written ({error.strerror}).", where=str(runs_home()), mend="Set NASCOPE_HOME."
                ) from None
            return cls.create(path, config, facts, name=name)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """An existing run.

        Raises:
            RunError: the folder is not there or holds no run.
        """
        if not path.is_dir():
            raise RunError("there is no such run folder.", where=str(path), mend="(nascope runs lists all.)")
        if not (path / CONFIG).is_file():
            raise RunError(
                "the folder holds no run (no config.json).", where=str(path), mend="(nascope runs lists all.)"
            )
        return cls(path)

    def config(self) -> RunConfig:
        """The run's configuration.

        Raises:
            ConfigError: the file was damaged or is of a newer nascope.
        """
        document = self.config_document()
        return check(str(document.get("kind", "search")), document, where=str(self.path / CONFIG))

    def config_document(self) -> dict[str, Any]:
        """``config.json`` with the facts about the run (versions, command, what was decided).

        Raises:
            ConfigError: the file was damaged or is of a newer nascope.
        """
        return read_config_file(self.path / CONFIG)

    def add_facts(self, **facts: Any) -> None:
        """Add or change keys of ``config.json``: settings on resume, and what was decided at run time."""
        write_json(self.path / CONFIG, {**self.config_document(), **facts}, durable=True)

    def decided(self) -> dict[str, Any]:
        """What was decided at run time: ``device``, ``threads``, ``split_fingerprint``; empty before the first sitting."""
        found = self.config_document().get("decided")
        return dict(found) if isinstance(found, dict) else {}

    def status(self) -> Status:
        """The state of the moment; ``.alive_state`` notices a dead process."""
        return status_from_json(read_json(self.path / STATUS))

    def write_status(self, status: Status, *, in_place: bool = False) -> None:
        """Replace ``status.json``; ``in_place`` needs no space on a full disk, but a reader may see half of it."""
        write_json(self.path / STATUS, status.as_json(), in_place=in_place)

    def genotype(self) -> Genotype | None:
        """The current cells of a search, or the cells that a retraining builds; None where there are none yet.

        Raises:
            GenotypeError: the file was damaged.
        """
        document = read_json(self.path / GENOTYPE)
        if document is None and (self.path / GENOTYPE).exists():
            raise GenotypeError("is not valid JSON.", where=str(self.path / GENOTYPE), mend=_DAMAGED_GENOTYPE)
        if document is None:
            document = (read_json(self.path / CONFIG) or {}).get("genotype")
        if document is None:
            return None
        try:
            return genotype_from_json(document)
        except GenotypeError as error:
            raise GenotypeError(error.what, where=str(self.path / GENOTYPE), mend=error.mend) from None

    def write_genotype(self, genotype: Genotype) -> None:
        """Replace ``genotype.json``."""
        write_json(self.path / GENOTYPE, genotype.as_json())

    def meta(self) -> dict[str, Any]:
        """Name, tags and notes that people gave."""
        document = read_json(self.path / META)
        found: dict[str, Any] = {"name": "", "tags": [], "notes": ""}
        for name, value in document.items() if isinstance(document, dict) else ():
            if name not in found or isinstance(value, type(found[name])):  # People edit this file by hand.
                found[name] = value
        return found

    def write_meta(self, **changes: Any) -> None:
        """Change name, tags or notes."""
        write_json(self.path / META, {**self.meta(), **changes})

    def results(self) -> list[dict[str, Any]]:
        """Every test and measurement of this run, oldest first."""
        path = self.path / RESULTS
        rows = []
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict):
                rows.append(row)
        return rows

    def add_result(self, what: str, **numbers: Any) -> dict[str, Any]:
        """Append one line to ``results.jsonl``: ``what`` (test, discretization_gap, ...), ``t`` and the numbers."""
        row = {"what": what, "t": time.time(), **numbers}
        with (self.path / RESULTS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())
        return row

    def tests_so_far(self) -> int:
        """How often the test split was touched."""
        return sum(row.get("what") == "test" for row in self.results())

    def lock(self) -> FileLock:
        """The lock that the one writer holds while it works.

        Raises:
            RunError: another process works on the run.
        """

        def holder() -> tuple[int | None, str]:
            status = self.status()
            return status.pid, status.host

        return take_lock(
            self.path, LOCK, what="run", holder=holder, held="Stop it first (nascope stop), or wait.",
            read_only="Copy the folder to a place where you may write, and go on there.",
        )  # fmt: skip

    def tail_of(self, name: str, lines: int = 200) -> list[str]:
        """The last lines of a text file of the run (stderr.txt, log.txt); reads at most 256 KiB."""
        try:
            with (self.path / name).open("rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - 262_144))
                return file.read().decode("utf-8", errors="replace").splitlines()[-lines:]
        except OSError:
            return []

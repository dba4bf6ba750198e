"""Runs as folders and an engine that trains nothing, so that the commands are tested without torch."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from engine.cli import main
from engine.config import resolve
from engine.errors import ConfigError, Fault, NascopeError
from engine.genotype.named import named
from engine.runs import Event, EventWriter, RunFolder, Status
from engine.runs.control import ControlWatch
from engine.runs.status import process_start_time


@pytest.fixture(autouse=True)
def nascope_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's data folder of its own for each test, and words of one width."""
    home = tmp_path / "home"
    monkeypatch.setenv("NASCOPE_HOME", str(home))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("NASCOPE_DEBUG", raising=False)
    return home


@dataclass
class Answer:
    """What a command line gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output."""
        return json.loads(self.out)


@pytest.fixture
def nascope(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Run a command line in this process."""

    def call(*arguments: object) -> Answer:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Answer(code, out, err)

    return call


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., RunFolder]:
    """A run folder in some state: ``make_run("name", state="stopped", epoch=3, kind="search", events=[...], ...)``."""

    def make(
        name: str = "run", *, state: str = "stopped", kind: str = "search", epoch: int = 3, alive: bool = False,
        events: list[Event] | None = None, metrics: Mapping[str, Any] | None = None, place: Path | None = None,
        genotype: str | None = "DARTS_V2", **values: Any,
    ) -> RunFolder:  # fmt: skip
        if kind == "retrain":
            values["genotype"] = named(genotype or "DARTS_V2").as_json()
        folder = RunFolder.create((place or tmp_path) / name, resolve(kind, values=values))
        if kind == "search" and genotype is not None:
            folder.write_genotype(named(genotype))
        epochs = folder.config().epochs
        status = Status(state, epoch=epoch, epochs=epochs, steps_per_epoch=10, step=epoch * 10, metrics=metrics or {})  # type: ignore[arg-type]
        folder.write_status(as_alive(status) if alive else status)
        if events:
            write_events(folder, events)
        return folder

    return make


def as_alive(status: Status) -> Status:
    """The status as this very process would have written it."""
    pid = os.getpid()
    return replace(
        status, pid=pid, host=socket.gethostname(), process_started=process_start_time(pid), heartbeat=time.time()
    )


def write_events(folder: RunFolder, events: list[Event]) -> None:
    """Append events to a run's log."""
    writer = EventWriter(folder.path / "events.jsonl")
    for event in events:
        writer.write(event)
    writer.close()


@dataclass
class FakeOutcome:
    """As ``engine.execution.execute.Outcome``."""

    state: str
    exit_code: int
    epochs: int
    metrics: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] | None = None


@dataclass
class FakeEngine:
    """Stands in for the training wing. ``outcome`` or ``failure`` says how each run ends; ``carried_out`` is what ran.

    Attributes:
        devices: what ``pick_device`` finds.
        events: said while a run goes on.
    """

    outcome: FakeOutcome = field(
        default_factory=lambda: FakeOutcome("finished", 0, 2, {"validation_accuracy_percent": 91.5})
    )
    failure: BaseException | None = None
    devices: tuple[str, ...] = ("auto", "cpu")
    events: list[Event] = field(default_factory=list)
    carried_out: list[tuple[Path, bool]] = field(default_factory=list)
    images_changed: bool = False

    def execute(
        self, folder: RunFolder, *, on_event: Any = None, tied_to_stdin: bool = False, ranks: Any = None
    ) -> FakeOutcome:
        self.carried_out.append((folder.path, tied_to_stdin))
        if self.failure is not None:
            if isinstance(self.failure, NascopeError):
                folder.write_status(replace(folder.status(), state="failed"))
            raise self.failure
        for event in self.events:
            on_event(event)
        if folder.config().kind == "search" and self.outcome.state == "finished":
            folder.write_genotype(named("DARTS_V1"))
        folder.write_status(
            replace(folder.status(), state=self.outcome.state, epoch=self.outcome.epochs, metrics=self.outcome.metrics)  # type: ignore[arg-type]
        )
        return self.outcome

    def pick_device(self, text: str, ranks: Any = None) -> str:
        if text not in self.devices:
            raise ConfigError([Fault("device", f"{text} is not there.", "Use --device auto.")])
        return text

    def run_test(
        self, folder: RunFolder, *, data: str | None = None, device: str = "auto", ranks: Any = None, subnet: Any = None
    ) -> dict[str, Any]:
        numbers = {
            "split": "test",
            "images": 360,
            "accuracy_percent": 97.25,
            "top5_accuracy_percent": 100.0,
            "loss": 0.1,
            "checkpoint": "checkpoint-best.pt",
            "epoch": 7,
            "images_changed": self.images_changed,
        }
        if subnet is not None:
            numbers |= {"architecture": subnet.as_json(), "macs": 3_178_752, "parameters": 139_458}
        folder.add_result("test", **numbers)
        return {"run": str(folder.path), **numbers, "tests_so_far": folder.tests_so_far()}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """The training wing replaced by one that trains nothing."""
    fake = FakeEngine()
    parts: dict[str, dict[str, Any]] = {
        "engine.execution.execute": {"execute": fake.execute, "Outcome": FakeOutcome},
        "engine.execution.follow": {"follow": None},
        "engine.training.device": {"pick_device": fake.pick_device},
        "engine.training.rank_device": {"device_of_rank": fake.pick_device},
        "engine.training.facts": {
            "run_facts": lambda command, preset=None: {"command": command, "versions": {}, "preset": preset}
        },
        "engine.retrain.testing": {"run_test": fake.run_test},
        "engine.report.page": {"write_report": lambda folder, path: path.write_text("<html></html>")},
    }
    for name, contents in parts.items():
        module = types.ModuleType(name)
        vars(module).update(contents)
        monkeypatch.setitem(sys.modules, name, module)
        package, _, attribute = name.rpartition(".")
        if package in sys.modules:
            monkeypatch.setattr(sys.modules[package], attribute, module, raising=False)
    return fake


@pytest.fixture
def obeying() -> Iterator[Callable[[RunFolder, dict[str, str]], None]]:
    """Starts a thread that obeys a run's orders as an engine does: ``obeying(folder, {"stop": "stopped"})``."""
    end = threading.Event()
    threads: list[threading.Thread] = []

    def start(folder: RunFolder, states: dict[str, str]) -> None:
        watch = ControlWatch(folder.path)
        watch.new_order()  # What was ordered before it began.

        def work() -> None:
            while not end.wait(0.005):
                control = watch.new_order()
                if control is not None and control.order in states:
                    state: Any = states[control.order]
                    folder.write_status(replace(folder.status(), state=state, control_id=control.id))

        thread = threading.Thread(target=work)
        thread.start()
        threads.append(thread)

    yield start
    end.set()
    for thread in threads:
        thread.join()

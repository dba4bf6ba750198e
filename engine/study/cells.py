"""What a study knows of one cell: its search, its short retraining, its full retrainings and their tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.config.study import StudyConfig
from engine.errors import NascopeError
from engine.runs import RunFolder, Status
from engine.runs.folder import EVENTS
from engine.study.plan import Member
from engine.study.state import MemberReader, MemberView

_HEAD_BYTES = 65_536


@dataclass(frozen=True)
class Retraining:
    """One full retraining.

    Attributes:
        accuracy_percent: on the study's split; None until it is measured.
        tests_so_far: how often its test split was touched, by the study and by hand.
    """

    seed: int
    run: Path
    accuracy_percent: float | None
    validation_percent: float | None
    parameters: int | None
    tests_so_far: int


@dataclass
class CellFacts:
    """One cell of a row.

    Attributes:
        search_percent: validation accuracy of the supernet at the end of the search; None for a random cell.
        search_split: images that it is from: ``validation``, or ``alphas`` (which the alphas have seen).
        skips: skip connections in the normal and the reduction cell.
        seconds: computed so far, by kind of member and kind of device.
    """

    seed: int
    search_percent: float | None = None
    search_split: str | None = None
    short_percent: float | None = None
    skips: tuple[int, int] | None = None
    is_picked: bool = False
    retrainings: list[Retraining] = field(default_factory=list)
    seconds: dict[tuple[str, str], float] = field(default_factory=dict)
    core_seconds: float = 0.0

    @property
    def accuracy_percent(self) -> float | None:
        """Mean over its full retrainings; None until all of them are measured."""
        values = [entry.accuracy_percent for entry in self.retrainings]
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if known and len(known) == len(values) else None


def cells_of(config: StudyConfig, reader: MemberReader, views: list[MemberView], row: str) -> list[CellFacts]:
    """The cells of one row, in the order of its seeds."""
    found = {seed: CellFacts(seed) for seed in config.seeds_of(row)}
    for view in views:
        member = view.member
        if member.row != row or member.seed is None or member.kind == "test":
            continue
        cell = found[member.seed]
        folder = member.folder(reader.study)
        if view.status is not None:
            _add_time(cell, member, folder, view.status)
        done = view.status if view.state == "finished" else None
        if member.kind == "search" and done is not None:
            cell.search_percent = _number(done.metrics.get("validation_accuracy_percent"))
            split = done.metrics.get("validation_split")
            cell.search_split = str(split) if split else None
            cell.skips = _skips(folder)
        elif member.kind == "short" and done is not None:
            cell.short_percent = _number(done.metrics.get("validation_accuracy_percent"))
        elif member.kind == "retrain":
            cell.is_picked = config.pick is not None
            cell.retrainings.append(_retraining(config, reader, member, folder, done))
    return list(found.values())


def _retraining(
    config: StudyConfig, reader: MemberReader, member: Member, folder: Path, done: Status | None
) -> Retraining:
    validation = _number(done.metrics.get("validation_accuracy_percent")) if done is not None else None
    test = reader.test(folder) if config.test else None
    accuracy = _number(test.get("accuracy_percent")) if test is not None else None
    return Retraining(
        member.own_seed, folder, accuracy if config.test else validation, validation,
        parameters_of(folder) if done is not None else None, RunFolder(folder).tests_so_far(),
    )  # fmt: skip


def _add_time(cell: CellFacts, member: Member, folder: Path, status: Status) -> None:
    if not status.seconds:
        return
    try:
        decided: Mapping[str, Any] = RunFolder(folder).decided()
    except NascopeError:
        decided = {}
    device = str(decided.get("device", "cpu"))
    kind = "cpu" if device == "cpu" else "gpu"
    key = ("search" if member.kind == "search" else "retrain", kind)
    cell.seconds[key] = cell.seconds.get(key, 0.0) + status.seconds
    threads = decided.get("threads")
    if kind == "cpu":
        cell.core_seconds += status.seconds * (threads if isinstance(threads, int) else 1)


def parameters_of(folder: Path) -> int | None:
    """Parameters of a run's network as its ``started`` event tells; None where the log has none."""
    try:
        with (folder / EVENTS).open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return None
    for line in head.split(b"\n"):
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and event.get("type") == "started":
            count = event.get("parameters")
            return count if isinstance(count, int) else None
    return None


def _skips(folder: Path) -> tuple[int, int] | None:
    try:
        genotype = RunFolder(folder).genotype()
    except NascopeError:
        return None
    if genotype is None:
        return None
    normal, reduction = (
        sum(edge.primitive == "skip_connect" for _, _, edge in cell.edges())
        for cell in (genotype.normal, genotype.reduction)
    )
    return normal, reduction


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

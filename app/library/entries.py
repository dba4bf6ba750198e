"""What the library shows, as plain values: two lines a run, in groups."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import QCoreApplication

from app.progress import percent
from app.study.words import state_word
from engine.genotype import Genotype
from engine.runs import RunSummary

EntryKind = Literal["header", "run", "study", "genotype"]


translate = QCoreApplication.translate


@dataclass(frozen=True)
class ScannedRun:
    """A run as the scanner found it: its summary, the state as a reader must take it, its tests, and a standing warning."""

    summary: RunSummary
    state: str
    results: tuple[Mapping[str, Any], ...] = ()
    warning: str = ""


@dataclass(frozen=True)
class ScannedStudy:
    """A study as the scanner found it: its state, and how many of its members have finished."""

    path: Path
    state: str
    done: int
    total: int
    methods: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """One row: a group's header, a run or a genotype.

    Attributes:
        key: the run's folder, the genotype's name or file, or the group.
        state: colours the dot.
        live: whether a process works on it.
    """

    kind: EntryKind
    key: str
    title: str
    line: str = ""
    state: str = ""
    tooltip: str = ""
    live: bool = False
    tags: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """The run's folder or the genotype's file."""
        return Path(self.key)


def library_entries(
    runs: Sequence[ScannedRun], *, queue: Sequence[Path] = (), genotypes: Sequence[Genotype] = (),
    opened: Mapping[str, Genotype] | None = None, words: str = "", now: float | None = None,
    studies: Sequence[ScannedStudy] = (),
) -> list[Entry]:  # fmt: skip
    """All rows for these runs and cells.

    Args:
        queue: runs that wait, next first.
        opened: genotype files that were opened, by path.
        words: what the person typed into the filter; every word must be found.
    """
    moment = time.time() if now is None else now
    groups: dict[str, list[Entry]] = {}
    names = {
        "running": translate("library", "Running"), "studies": translate("library", "Studies"), "queued": translate("library", "Queued"), "today": translate("library", "Today"),
        "week": translate("library", "Last week"), "earlier": translate("library", "Earlier"), "named": translate("library", "Named cells"),
    }  # fmt: skip
    for run in runs:
        place = queue.index(run.summary.path) + 1 if run.summary.path in queue else None
        groups.setdefault(_group(run, place, moment), []).append(_run_entry(run, place))
    if "queued" in groups:
        order = {str(path): place for place, path in enumerate(queue)}
        groups["queued"].sort(key=lambda entry: order.get(entry.key, len(order)))
    groups["studies"] = [_study_entry(study) for study in studies]
    cells = [_genotype_entry(genotype, path) for path, genotype in (opened or {}).items()]
    cells += [_genotype_entry(genotype) for genotype in genotypes]
    groups["named"] = cells
    found = []
    for group, name in names.items():
        rows = [entry for entry in groups.get(group, []) if _matches(entry, words)]
        if rows:
            found += [Entry("header", group, name), *rows]
    return found


def _study_entry(study: ScannedStudy) -> Entry:
    progress = translate("library", "{n} of {total}").format(n=study.done, total=study.total)
    line = _joined(state_word(study.state), progress)
    return Entry(
        "study", str(study.path), study.path.name, line, study.state,
        tooltip="\n".join((", ".join(study.methods), line, str(study.path))), live=study.state == "running",
    )  # fmt: skip


def _group(run: ScannedRun, place: int | None, now: float) -> str:
    if run.state in ("running", "paused"):
        return "running"
    if place is not None:
        return "queued"
    created = datetime.fromtimestamp(run.summary.created)
    days = (datetime.fromtimestamp(now).date() - created.date()).days
    return "today" if days <= 0 else "week" if days <= 7 else "earlier"


def _run_entry(run: ScannedRun, place: int | None) -> Entry:
    summary = run.summary
    line = run_line(run, place)
    state = "queued" if place is not None and run.state not in ("running", "paused") else run.state
    if run.warning and state in ("running", "finished", "stopped"):
        state, line = "warned", _joined(line, translate("library", "warned"))
    return Entry(
        "run", str(summary.path), summary.title, _joined(line, *summary.tags), state,
        tooltip="\n".join(filter(None, (summary.title, line, run.warning, str(summary.path)))), live=run.state in ("running", "paused"), tags=summary.tags,
    )  # fmt: skip


def run_line(run: ScannedRun, place: int | None = None) -> str:
    """The second line of a run: its state and the one number that matters."""
    status = run.summary.status
    accuracy = _accuracy(run)
    if run.state in ("running", "paused"):
        word = translate("library", "paused in epoch") if run.state == "paused" else translate("library", "epoch")
        return _joined(
            translate("library", "{word} {n} of {total}").format(
                word=word, n=min(status.epoch + 1, status.epochs), total=status.epochs
            ),
            accuracy,
        )
    if place is not None:
        return (
            translate("library", "next in the queue")
            if place == 1
            else translate("library", "number {n} in the queue").format(n=place)
        )
    if run.state == "finished":
        # A test of a two-stage run is one of a sub-network, and there may be many: none stands for the run.
        is_supernet = run.summary.kind == "two-stage"
        tests = [row for row in run.results if row.get("what") == "test" and not is_supernet]
        tested = percent(tests[-1].get("accuracy_percent")) if tests else ""
        return _joined(
            translate("library", "finished"),
            translate("library", "test {accuracy}").format(accuracy=tested) if tested else accuracy,
        )
    if run.state == "failed":
        what = str((status.error or {}).get("what") or "")
        return translate("library", "failed: {what}").format(what=what) if what else translate("library", "failed")
    if run.state in ("stopped", "interrupted"):
        word = translate("library", "stopped") if run.state == "stopped" else translate("library", "interrupted")
        return _joined(
            translate("library", "{state} in epoch {n}").format(
                state=word, n=min(status.epoch + 1, max(1, status.epochs))
            ),
            accuracy,
        )
    return translate("library", "not started")


def _accuracy(run: ScannedRun) -> str:
    """The validation accuracy of the newest epoch; of a supernet from its smallest to its biggest network."""
    metrics = run.summary.status.metrics
    accuracy = metrics.get("validation_accuracy_percent")
    least = metrics.get("smallest_validation_accuracy_percent")
    if run.summary.kind == "two-stage" and isinstance(least, int | float) and isinstance(accuracy, int | float):
        low, high = sorted((float(least), float(accuracy)))
        return translate("library", "{low} to {high} %").format(low=f"{low:.1f}", high=f"{high:.1f}")
    return percent(accuracy)


def _genotype_entry(genotype: Genotype, path: str | None = None) -> Entry:
    source = genotype.source
    facts = []
    if isinstance(source.get("test_error_percent"), int | float):
        facts.append(f"{source['test_error_percent']:.2f} %")
    if isinstance(source.get("parameters_millions"), int | float):
        facts.append(f"{source['parameters_millions']:.1f} M")
    nodes = len(genotype.normal.nodes)
    line = " · ".join(facts) or (
        translate("library", "from a file") if path else translate("library", "{n} nodes").format(n=nodes)
    )
    summary = str(source.get("summary") or "")
    return Entry(
        "genotype",
        path or genotype.name,
        genotype.name or Path(path or "").name,
        line,
        "named",
        "\n".join(filter(None, [summary, path])),
    )


def _matches(entry: Entry, words: str) -> bool:
    text = f"{entry.title} {entry.line} {entry.key if entry.kind == 'genotype' else Path(entry.key).name}".lower()
    return all(word in text for word in words.lower().split())


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)

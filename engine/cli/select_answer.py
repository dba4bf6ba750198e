"""What ``nascope select`` says: progress, the JSON document, the table."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from engine.cli.output import duration, note, patient_console, percent, print_rows, say
from engine.cost.quantities import bytes_in_words, in_words
from engine.runs import RunFolder

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from engine.two_stage.selection import Limits, MeasuredNetwork, Progress, Selection
    from engine.two_stage.selection.latency_front import LatencyFront

_QUIET_SECONDS = 5.0
"""Off a terminal a line this often."""


class SelectProgress:
    """Shows where a selection stands: a bar on a terminal, now and then a line elsewhere. Feed it by calling it."""

    def __init__(self) -> None:
        self._console = patient_console()
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._last = 0.0
        self._phase = ""

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            from rich.progress import BarColumn, Progress, TextColumn

            self._bar = Progress(
                TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[facts]}"), console=self._console, transient=True
            )  # fmt: skip
            self._task = self._bar.add_task("measuring", total=None, facts="")
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def __call__(self, progress: Progress) -> None:
        """Show it."""
        best = progress.best
        facts = f"{progress.done} of {progress.of}  best {percent(best.accuracy_percent)} at {in_words(best.macs)} multiply-adds"
        if self._bar is not None and self._task is not None:
            self._bar.update(
                self._task, description=progress.phase, completed=progress.done, total=progress.of, facts=facts
            )
            return
        now = time.monotonic()
        if progress.phase != self._phase or progress.done == progress.of or now - self._last > _QUIET_SECONDS:
            self._console.print(f"{progress.phase} {facts}", soft_wrap=True)
            self._phase, self._last = progress.phase, now


def select_document(
    folder: RunFolder, limits: Limits, strategy: str, said: Mapping[str, Any], front: Sequence[MeasuredNetwork], found: Selection,
    latency: LatencyFront | None, *, seconds: float, setting: str, epoch: int, checkpoint: str,
) -> dict[str, Any]:  # fmt: skip
    """The answer of ``--json``."""
    random_best = (
        {**row(found.random_best), "evaluated": found.random_evaluated, "lowered": found.random_lowered}
        if found.random_best is not None
        else None
    )
    document = {
        "run": str(folder.path), "state": "finished", "budget": limits.as_json(), "strategy": strategy, "seed": said["seed"],
        "subnets": [row(network, latency.device if latency is not None else None) for network in front], "random": random_best,
        "strategy_best": {**row(found.strategy_best), "evaluated": found.strategy_evaluated},
        "evaluated": found.evaluated, "measured_now": found.measured_now, "known": len(found.networks), "setting": setting,
        "epoch": epoch, "checkpoint": checkpoint, "seconds": seconds,
    }  # fmt: skip
    if found.predictor is not None:
        document["predictor"] = found.predictor.as_json()
    if latency is not None:
        document["latency"] = {
            "device": latency.device,
            "dropped": latency.dropped,
            "rank_correlation": latency.rank_correlation,
        }
    return document


def row(network: MeasuredNetwork, device: str | None = None) -> dict[str, Any]:
    """A network of the answer, with its latency where one on this device was asked for."""
    found = {
        "architecture": network.architecture.as_json(), "key": network.architecture.key, "macs": network.macs,
        "parameters": network.parameters, "memory_bytes": network.memory_bytes, "accuracy_percent": network.accuracy_percent,
        "loss": network.loss, "found_by": network.found_by,
    }  # fmt: skip
    milliseconds = network.latency_ms.get(device) if device is not None else None
    return found if milliseconds is None else found | {"latency_ms": milliseconds}


def print_selection(folder: RunFolder, document: Mapping[str, Any]) -> None:
    """The answer for people."""
    front, budget = document["subnets"], document["budget"]
    columns = ["accuracy", "multiply-adds", "parameters", "memory", "latency", "key", "found by"]
    if not any("latency_ms" in network for network in front):
        columns.remove("latency")
    rows = [[_cells(network)[column] for column in columns] for network in front]
    say(f"Sub-networks {_under(budget)}that none beats, on the validation split:")
    print_rows(columns, rows, right=("accuracy", "multiply-adds", "parameters", "memory", "latency"))
    searched, random = document["strategy_best"], document["random"]
    if document["strategy"] != "random":
        cells = _cells(searched)
        say(
            f"Best of {searched['evaluated']} networks by {document['strategy']}: {cells['accuracy']} at {cells['multiply-adds']} multiply-adds (key {searched['key']})."
        )
    if random is not None:
        cells = _cells(random)
        lowered = (
            f" ({random['lowered']} of them lowered to the budget, which few keep to)" if random["lowered"] else ""
        )
        say(
            f"Best of {random['evaluated']} random networks{lowered}: {cells['accuracy']} at {cells['multiply-adds']} multiply-adds "
            f"(key {random['key']})."
        )  # fmt: skip
    predictor = document.get("predictor")
    if predictor is not None:
        value = predictor["rank_correlation"]
        words = "cannot be told" if value is None else f"{value:.2f}"
        say(f"Predictor fitted to {predictor['networks']} networks: rank correlation on held-out ones {words}.")
    latency = document.get("latency")
    if latency is not None:
        value = latency["rank_correlation"]
        words = "cannot be told" if value is None else f"{value:.2f}"
        say(
            f"Latency: {latency['dropped']} networks were dropped after timing them whole; rank correlation of expected and timed {words}."
        )
    count = document["measured_now"]
    note(f"{count} networks newly measured of {document['evaluated']} looked at, in {duration(document['seconds'])}.")
    if not count:
        note("All of them were known: --seed N or more --evaluations looks at others.")
    if not front:
        say("No network keeps to the limit of latency when it is timed whole. Try a little more.")
        return
    run, key = shlex.quote(str(folder.path)), front[0]["key"]
    note(
        "Chosen among many on the same images, these accuracies are a little too good; nascope test tells the true one."
    )
    note(f"Next: nascope test {run} --subnet {key}")
    note(f"      nascope export {run} --subnet {key} --format onnx")
    note(f"      nascope retrain {run} --subnet {key}")


def _cells(network: Mapping[str, Any]) -> dict[str, str]:
    milliseconds = network.get("latency_ms")
    return {
        "accuracy": percent(network["accuracy_percent"]), "multiply-adds": in_words(network["macs"]),
        "parameters": in_words(network["parameters"]), "memory": bytes_in_words(network["memory_bytes"]),
        "latency": "–" if milliseconds is None else f"{milliseconds:.2f} ms", "key": network["key"], "found by": network["found_by"],
    }  # fmt: skip


def _under(budget: Mapping[str, Any]) -> str:
    words: dict[str, Callable[[Any], str]] = {
        "macs": lambda value: f"{in_words(value)} multiply-adds", "parameters": lambda value: f"{in_words(value)} parameters",
        "memory_bytes": bytes_in_words, "latency_ms": lambda value: f"{value:g} ms",
    }  # fmt: skip
    return f"under {' and '.join(words[name](value) for name, value in budget.items())} " if budget else ""

"""What a person sees while a run goes on: a live bar on a terminal, a line an epoch elsewhere."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from engine.cli.output import duration, gap_in_words, patient_console
from engine.runs import Event

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

_PACE_SECONDS = 60.0
"""The pace is that of the last minute: pauses and a slow start do not spoil the time left."""
_QUIET_SECONDS = 30.0
"""Off a terminal a long epoch gets a line this often."""


class Pace:
    """Steps a second, from the times in the events."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, int]] = deque()

    def add(self, t: float, step: int) -> None:
        """A step was done at unix time ``t``; a step that goes back (a resume) begins anew."""
        if self._points and step <= self._points[-1][1]:
            self._points.clear()
        self._points.append((t, step))
        while len(self._points) > 2 and t - self._points[0][0] > _PACE_SECONDS:
            self._points.popleft()

    def clear(self) -> None:
        """Forget: the run was not working."""
        self._points.clear()

    def seconds_left(self, total_steps: int) -> float | None:
        """Seconds until ``total_steps`` are done; None while it cannot be known."""
        if len(self._points) < 2:
            return None
        (begin, first), (end, last) = self._points[0], self._points[-1]
        if end <= begin:
            return None
        return (total_steps - 1 - last) * (end - begin) / (last - first)


class ProgressView:
    """Shows a run's events; a context manager. Feed it by calling it with each event.

    Args:
        title: what the run is, in a word or two.
        epochs: of the run, until its ``started`` event tells.
    """

    def __init__(self, title: str, *, epochs: int = 0, steps_per_epoch: int = 0) -> None:
        self.title = title
        self.epochs = epochs
        self.steps_per_epoch = steps_per_epoch
        self.step = -1
        self.epoch = 0
        self.state = "preparing"
        self.numbers: dict[str, Any] = {}
        self.pace = Pace()
        self._console = patient_console()
        self._live: Progress | None = None
        self._task: TaskID | None = None
        self._last_line = 0.0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = _bar(self._console)
            self._task = self._live.add_task(self.title, total=None, facts="preparing")
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def __call__(self, event: Event) -> None:
        """Show one event."""
        self._take(event)
        self._show(event)

    def catch_up(self, events: Iterable[Event]) -> None:
        """Take in what happened before anybody watched, without a line for each."""
        for event in events:
            self._take(event)

    def say_where(self) -> None:
        """Say where the run stands now."""
        if self.step >= 0:
            self._say(f"so far: {self.facts()}")
        elif self._live is None:
            self._say("waiting for the run to begin")
        self._refresh()

    @property
    def total_steps(self) -> int:
        """Steps of the whole run, 0 while unknown."""
        return self.epochs * self.steps_per_epoch

    def facts(self) -> str:
        """Where the run stands, in one line."""
        parts = [f"epoch {min(self.epoch + 1, max(self.epochs, 1))} of {self.epochs or '?'}"]
        if self.steps_per_epoch and self.step >= 0:
            parts.append(f"step {self.step % self.steps_per_epoch + 1}/{self.steps_per_epoch}")
        for name, form in _NUMBERS.items():
            value = self.numbers.get(name)
            if isinstance(value, int | float):
                parts.append(form.format(value))
                if name == "validation_accuracy_percent" and self.numbers.get("validation_split") == "alphas":
                    parts[-1] += " (alphas' half)"
        left = self.pace.seconds_left(self.total_steps) if self.total_steps else None
        if left is not None and left > 0.5:
            parts.append(f"{duration(left)} left")
        if self.state not in ("running", "preparing"):
            parts.append(self.state)
        return "  ".join(parts)

    def _take(self, event: Event) -> None:
        data = event.data
        match event.type:
            case "started":
                self.epochs = int(data.get("epochs") or self.epochs)
                self.steps_per_epoch = int(data.get("steps_per_epoch") or self.steps_per_epoch)
                self.step, self.state = -1, "running"
                self.numbers.clear()
                self.pace.clear()
            case "resumed":
                self.epochs = int(data.get("epochs") or self.epochs)
                self.step, self.epoch, self.state = event.step - 1, event.epoch, "running"
                self.pace.clear()
            case "paused":
                self.state = "paused"
            case "unpaused":
                self.state = "running"
                self.pace.clear()
            case "step":
                self.step, self.epoch = event.step, event.epoch
                self.numbers |= data
                self.pace.add(event.t, event.step)
            case "epoch":
                self.step, self.epoch = max(self.step, event.step), event.epoch
                self.numbers |= data
            case "stopped" | "finished" | "failed":
                self.state = event.type

    def _show(self, event: Event) -> None:
        data = event.data
        match event.type:
            case "started":
                splits = data.get("splits") or {}
                images = (
                    ", ".join(f"{name} {count:,}" for name, count in splits.items()) if isinstance(splits, dict) else ""
                )
                self._say(f"{self.title}: on {data.get('device', '?')}" + (f"; images: {images}" if images else ""))
            case "resumed":
                self._say(f"{self.title}: goes on with epoch {event.epoch + 1} of {self.epochs or '?'}")
            case "paused":
                self._say("paused; goes on with nascope resume")
            case "epoch":
                self._last_line = event.t
                self._say(self.facts(), only_plain=True)
            case "step" if event.t - self._last_line > _QUIET_SECONDS:
                if self._last_line:
                    self._say(self.facts(), only_plain=True)
                self._last_line = event.t
            case "discretization_gap":
                self._say(gap_in_words(data))
            case "diagnosis" if data.get("severity") != "info":
                self._say(f"{data.get('severity', 'warning')}: {data.get('message', '')}")
            case "message" if data.get("level") == "warning":
                self._say(f"warning: {data.get('text', '')}")
            case "message" if data.get("total"):
                self._say_preparing(event)
            case "message":
                self._say(str(data.get("text", "")))
        self._refresh()

    def _say_preparing(self, event: Event) -> None:
        """Reading the data: the bar's own words on a terminal; elsewhere a line now and then, and one at the end."""
        self.state = str(event.data.get("text", ""))
        if event.t - self._last_line > _QUIET_SECONDS or event.data.get("done") == event.data.get("total"):
            if self._last_line:
                self._say(self.state, only_plain=True)
            self._last_line = event.t

    def _refresh(self) -> None:
        if self._live is not None and self._task is not None:
            self._live.update(
                self._task,
                total=self.total_steps or None,
                completed=max(0, self.step + 1),
                facts=self.facts() if self.step >= 0 else self.state,
            )

    def _say(self, line: str, *, only_plain: bool = False) -> None:
        if self._live is None:
            self._console.print(line, soft_wrap=True)
        elif not only_plain:
            self._live.console.print(line, soft_wrap=True)


_NUMBERS = {
    "loss": "loss {:.3f}",
    "accuracy_percent": "accuracy {:.1f} %",
    "validation_accuracy_percent": "validation {:.1f} %",
    "smallest_validation_accuracy_percent": "smallest {:.1f} %",
    "images_per_second": "{:,.0f} images/s",
}


def _bar(on: Console) -> Progress:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn

    return Progress(
        SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(bar_width=24), TaskProgressColumn(),
        TextColumn("{task.fields[facts]}", markup=False), console=on, refresh_per_second=4, transient=True,
    )  # fmt: skip

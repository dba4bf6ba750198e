"""What a plot says in words and numbers: the fact in its header, the card beside the mouse, the table of a file."""

from __future__ import annotations

import html
import math
import time
from collections.abc import Iterable

from PySide6.QtCore import QCoreApplication

from app.live.measures import Line, points
from app.live.run_curves import RunCurves
from app.live.trace import Trace
from app.theme import theme


def fact(curves: RunCurves, epoch: int | None) -> str:
    """The quiet fact: validation at an epoch (from 0; None: the newest), or what else there is to say."""
    if curves.model is None:
        return ""
    if curves.measure.key == "loss":
        return QCoreApplication.translate("Curves", "smoothing {weight}").format(weight=f"{curves.smoothing:g}")
    lines = [(line, trace) for line, trace in curves.lines() if len(trace)]
    if not lines:
        return ""
    if any(line.is_fact for line in curves.measure.lines):  # Until they have numbers, no other line stands in for them.
        said = [_of_line(curves, *pair, epoch) for pair in lines if pair[0].is_fact]
        return " · ".join(part for part in said if part)
    line, trace = next((pair for pair in lines if pair[0].role == "validation"), lines[0])
    is_alone = line.label == curves.measure.title.lower() or len(lines) == 1
    return _of_line(curves, line, trace, epoch, named=not is_alone)


def _of_line(curves: RunCurves, line: Line, trace: Trace, epoch: int | None, *, named: bool = True) -> str:
    """A line's number at an epoch, with its name; empty where it has none."""
    values = trace.smoothed if line.look in ("noisy", "smooth") else trace.y
    place = _place(trace, epoch)
    if place is None or not math.isfinite(values[place]):
        return ""
    value = curves.measure.value(float(values[place]))
    return f"{line.label} {value}" if named else value


def _place(trace: Trace, epoch: int | None) -> int | None:
    """The point at the end of an epoch; the newest with a number for None."""
    return trace.nearest(epoch + 1.0) if epoch is not None else trace.newest


def description(curves: RunCurves, epoch: int | None) -> str:
    """The numbers of an epoch (from 0; None: the newest) in words, for screen readers."""
    said = []
    for line, trace in curves.lines():
        place = _place(trace, epoch)
        if place is not None and math.isfinite(trace.y[place]):
            said.append(f"{line.label} {curves.measure.value(float(trace.y[place]))}")
    return "; ".join(said)


def readout(curves: RunCurves, epoch: float) -> str:
    """What the card beside the mouse says at a place on the x axis: rich text."""
    rows, head = [], ""
    steps_per_epoch = curves.model.history.steps_per_epoch if curves.model is not None else 0
    for line, trace in curves.lines():
        place = trace.nearest(epoch)
        if place is None:
            continue
        if not head:
            step = round(float(trace.x[place]) * steps_per_epoch) - 1
            when = trace.times[place]
            clock = time.strftime("%H:%M:%S", time.localtime(when)) if math.isfinite(when) else ""
            said = QCoreApplication.translate("Curves", "epoch {epoch} · step {step}")
            head = " · ".join(filter(None, (said.format(epoch=step // steps_per_epoch + 1, step=f"{step:,}"), clock)))
        rows.append(_readout_row(curves, line, trace, place))
    if not rows:
        return ""
    columns = "<tr><td></td><td></td>{}</tr>".format(
        "".join(
            f"<td align=right style='color:{theme().dim}'>&nbsp;&nbsp;{html.escape(word)}</td>"
            for word in _columns(curves)
        )
    )
    return f"<div style='color:{theme().dim}'>{html.escape(head)}</div><table cellspacing=0>{columns}{''.join(rows)}</table>"


def _columns(curves: RunCurves) -> list[str]:
    return (
        [QCoreApplication.translate("Curves", "smoothed"), QCoreApplication.translate("Curves", "raw")]
        if curves.measure.smooths
        else [QCoreApplication.translate("Curves", "value")]
    )


def _readout_row(curves: RunCurves, line: Line, trace: Trace, place: int) -> str:
    raw = float(trace.y[place])
    values = [raw]
    if curves.measure.smooths:
        values = [float(trace.smoothed[place]) if line.look != "plain" else math.nan, raw]
    cells = "".join(
        f"<td align=right>&nbsp;&nbsp;{html.escape(curves.measure.value(value)) if math.isfinite(value) else '–'}</td>"
        for value in values
    )
    colour = getattr(theme(), line.role)
    return f"<tr><td style='color:{colour}'>■&nbsp;</td><td>{html.escape(line.label)}</td>{cells}</tr>"


def table(curves: RunCurves) -> Iterable[tuple[object, ...]]:
    """Every number of the run, whatever is shown: series, step, epoch, time, value."""
    if curves.model is None:
        return
    history = curves.model.history
    names = [*history.series, "entropy.normal", "entropy.reduction"]
    for name in names:
        series = points(history, name)
        if series is None:
            continue
        for at, step, value in zip(series.times, series.steps, series.values, strict=True):
            epoch = int(step) // history.steps_per_epoch if history.steps_per_epoch else ""
            yield name, int(step), epoch, float(at), float(value)

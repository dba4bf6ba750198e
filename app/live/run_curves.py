"""The curves of a run as they are set to be shown: which measure, how smooth, which part of the axes. No widgets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from PySide6.QtCore import QCoreApplication, QSize

from app.live.epochs import planned_epochs, progress
from app.live.figure import Curve, Figure
from app.live.fonts import chart_font
from app.live.measures import Line, measure, points
from app.live.scales import Axis, epoch_axis, extent, linear_axis, log_axis, percent_axis
from app.live.trace import Array, Trace
from app.run_model import RunModel

_LEAST_SMOOTHING, _MOST_SMOOTHING = 0.6, 0.99
_PARTS = 80
"""The smoothing that is not chosen averages over about this part of the run: calm, and hardly late."""

_LEAST_RANGE = 0.05
"""Epochs that a zoomed axis shows at least."""


class RunCurves:
    """Takes in the history of a model as it grows and gives figures.

    Attributes:
        model: None for none.
        measure: what is shown.
        is_log: whether the y axis is logarithmic.
        follows: whether the x axis moves on with the newest epochs.
    """

    def __init__(self, choice: str) -> None:
        self.model: RunModel | None = None
        self.measure = measure(choice)
        self.is_log = self.measure.log
        self.follows = False
        self._traces: dict[str, Trace] = {}
        self._chosen_smoothing: float | None = None
        self._range: tuple[float, float] | None = None
        self._axis: tuple[object, Axis] | None = None

    @property
    def smoothing(self) -> float:
        """Weight of the past in the exponential average: the chosen one, else one that suits the length of the run."""
        if self._chosen_smoothing is not None:
            return self._chosen_smoothing
        steps = planned_epochs(self.model) * self.model.history.steps_per_epoch if self.model is not None else 0
        # An average over n points has the weight 1 - 2 / (n + 1).
        suits = 1 - 2 / (steps / _PARTS + 1)
        return round(min(max(suits, _LEAST_SMOOTHING), _MOST_SMOOTHING), 2)

    def set_smoothing(self, weight: float) -> None:
        """Choose a smoothing, 0 to 0.999."""
        self._chosen_smoothing = weight

    def set_model(self, model: RunModel | None) -> None:
        """Show another run, whole."""
        self.model = model
        self._traces.clear()
        self._range, self._axis, self.follows = None, None, False
        self.refresh_words()

    def set_choice(self, key: str) -> None:
        """Show another measure; its scale is linear or logarithmic as suits it."""
        self.measure = measure(key, self.model)
        self.is_log = self.measure.log
        self._axis = None

    def refresh_words(self) -> None:
        """Name the lines anew: which there are, and whose images judged, is known only as a run goes on."""
        self.measure = measure(self.measure.key, self.model)

    def set_follow(self, on: bool) -> None:
        """Keep the newest epochs in view: the last quarter of what was done, if the whole run is shown now."""
        self.follows = on
        if on and self._range is None:
            done = progress(self.model)
            self._range = (done * 0.75, max(done, _LEAST_RANGE))

    def show_whole(self) -> None:
        """Show all epochs."""
        self._range, self.follows = None, False

    def set_range(self, left: float, right: float) -> None:
        """Show a part of the x axis, epochs; it is brought inside the run."""
        whole = float(planned_epochs(self.model))
        width = min(max(right - left, _LEAST_RANGE), whole)
        left = min(max(left, 0.0), whole - width)
        self._range = None if width >= whole else (left, left + width)

    def figure(self, size: QSize, columns: int, marker: float | None) -> Figure:
        """What there is to draw.

        Args:
            size: of the plot, pixels: decides how many ticks there are.
            columns: pixels of its lines.
            marker: where the shown epoch ends; None while live.
        """
        left, right = self._x_range()
        curves: list[Curve] = []
        for line, trace in self.lines():
            trace.set_smoothing(self.smoothing)
            if trace.newest is None:
                continue
            smooths = line.look in ("noisy", "smooth")
            drawn = trace.smooth_line(left, right) if smooths else trace.raw_line(left, right, columns)
            raw = trace.raw_line(left, right, columns) if line.look == "noisy" and self.smoothing > 0 else None
            curves.append(
                Curve(
                    line.label,
                    line.role,
                    self._scaled(drawn),
                    self._scaled(raw) if raw else None,
                    line.dashed,
                    is_whole=bool(trace.x[trace.newest] <= right),
                )
            )
        intervals = max(2, min(5, int(size.height() / (chart_font().pixelSize() * 3.2))))
        axis = self._y_axis(tuple(curves), intervals)
        x_intervals = max(2, min(10, int(size.width() / (chart_font().pixelSize() * 6))))
        return Figure(
            left,
            right,
            epoch_axis(left, right, x_intervals) if self.model is not None else (),
            axis,
            tuple(curves),
            marker,
            "" if curves else self._why_empty(),
        )

    def _why_empty(self) -> str:
        model = self.model
        if model is not None and model.is_random:
            return QCoreApplication.translate("Curves", "A random cell is drawn; nothing is trained.")
        if model is not None and model.has_ended and model.history.step < 0:
            return QCoreApplication.translate("Curves", "It ended before its first step.")
        return self.measure.empty

    def lines(self) -> Iterator[tuple[Line, Trace]]:
        """Lines of the measure with what is known of them by now."""
        if self.model is None:
            return
        history = self.model.history
        for line in self.measure.lines:
            trace = self._traces.setdefault(line.source, Trace(self.smoothing))
            trace.update(points(history, line.source), history.steps_per_epoch)
            yield line, trace

    def _x_range(self) -> tuple[float, float]:
        whole = float(planned_epochs(self.model))
        if self._range is None:
            return 0.0, whole
        left, right = self._range
        if self.follows:
            width = right - left
            right = min(max(progress(self.model) + width * 0.05, width), whole)
            left = right - width
            self._range = (left, right)
        return left, right

    def _scaled(self, line: tuple[Array, Array]) -> tuple[Array, Array]:
        """Values as the axis counts them."""
        x, y = line
        if not self.is_log:
            return x, y
        with np.errstate(divide="ignore", invalid="ignore"):
            return x, np.where(y > 0, np.log10(y), np.nan)

    def _y_axis(self, curves: tuple[Curve, ...], intervals: int) -> Axis:
        """The present axis as long as it suits: it changes at round steps, when numbers leave it or fill less than half."""
        zoomed = self._range is not None
        found = _spread(curves)
        key = (self.measure.key, self.is_log, zoomed, intervals)
        if not self.is_log and self.measure.scale == "percent" and not zoomed:
            return percent_axis(intervals)
        if found is None:
            return Axis(0.0, 1.0, tuple((share, "") for share in np.linspace(0, 1, intervals + 1)))
        low, high = found
        if self._axis is not None and self._axis[0] == key:
            axis = self._axis[1]
            from_zero = self.measure.scale != "fit" and not zoomed
            filled = (high - (min(low, 0.0) if from_zero else low)) / (axis.high - axis.low)
            if axis.low <= low and high <= axis.high and (filled > 0.5 or self.is_log):
                return axis
        if self.is_log:
            axis = log_axis(10.0**low, 10.0**high, intervals)
        else:
            axis = linear_axis(low, high, intervals, from_zero=self.measure.scale != "fit" and not zoomed)
        self._axis = (key, axis)
        return axis


def _spread(curves: Iterable[Curve]) -> tuple[float, float] | None:
    """Lowest and highest of what is drawn. A few wild raw points may leave the plot rather than flatten the lines."""
    lines = [found for curve in curves if (found := extent(curve.line[1])) is not None]
    if not lines:
        return None
    low, high = min(found[0] for found in lines), max(found[1] for found in lines)
    reach = max(high - low, abs(high) * 0.5, 1e-12)
    for curve in curves:
        if curve.raw is None or (raw := extent(curve.raw[1])) is None:
            continue
        if raw[1] > high + 1.5 * reach or raw[0] < low - 1.5 * reach:
            finite = curve.raw[1][np.isfinite(curve.raw[1])]
            raw = float(np.percentile(finite, 2)), float(np.percentile(finite, 98))
        low, high = min(low, raw[0]), max(high, raw[1])
    return low, high

"""Charts of the report as inline SVG whose colours follow the page's light or dark scheme."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from engine.explain import EpochAlphas, alphas_of, mean_entropy
from engine.genotype import CELL_KINDS, Cell, CellKind
from engine.genotype.discretize import edge_index, edge_list, edge_weights, operation_weights
from engine.genotype.graph import state_name
from engine.genotype.primitives import declaration
from engine.runs import RunHistory, Series
from engine.runs.subnet_log import SubnetRow

Array = NDArray[np.float64]

# matplotlib knows colours only; the page replaces these by its own variables, so that dark mode reaches the charts.
_TEXT, _DIM, _GRID, _TRAIN, _VALIDATION = "#1b1f24", "#5f6873", "#ecefF2".lower(), "#2f6fde", "#c77700"
_VARIABLES = {_TEXT: "--text", _DIM: "--dim", _GRID: "--grid", _TRAIN: "--train", _VALIDATION: "--validation"}
_POINTS = 600
"""More points than that a line of this width cannot show."""
_STYLE: Any = {
    "svg.fonttype": "none",  # Real text: it can be searched and copied, and the page's font is used.
    "svg.hashsalt": "nascope",  # The same run gives the same page.
    "text.parse_math": False,  # A primitive's name is a name, also with a dollar in it.
    "font.family": "sans-serif", "font.size": 9.0, "text.color": _TEXT, "axes.labelcolor": _DIM, "axes.edgecolor": _GRID,
    "axes.titlesize": 10.0, "axes.titleweight": "bold", "axes.titlelocation": "left", "xtick.color": _DIM, "ytick.color": _DIM,
    "axes.grid": True, "grid.color": _GRID, "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
    "legend.fontsize": 8.5, "axes.facecolor": "none", "figure.facecolor": "none", "lines.linewidth": 1.6,
}  # fmt: skip


def curves_svg(history: RunHistory) -> str | None:
    """Losses and accuracies over the epochs, with the steps' loss behind; None where nothing was logged yet."""
    names = ("step.loss", "epoch.train_loss")
    if not any(len(history.series.get(name, ())) for name in names):
        return None
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(9.6, 2.7), layout="constrained")
        loss, accuracy = figure.subplots(1, 2)
        _steps(loss, history, "step.loss")
        _steps(accuracy, history, "step.accuracy_percent")
        for axes, name, title in ((loss, "loss", "Loss"), (accuracy, "accuracy_percent", "Accuracy, %")):
            for split, colour, dashes in (("train", _TRAIN, "-"), ("validation", _VALIDATION, "--")):
                _epochs(axes, history.series.get(f"epoch.{split}_{name}"), history, split, colour, dashes)
            if name == "accuracy_percent":
                for role, dashes in (("smallest", ":"), ("sampled", "-.")):
                    series = history.series.get(f"epoch.{role}_validation_{name}")
                    _epochs(axes, series, history, f"validation, {role}", _DIM, dashes)
            _finish(axes, title)
        accuracy.set_ylim(0, 100)
        return _svg(figure, "curves", "Losses and accuracies over the epochs")


def search_curves_svg(history: RunHistory, records: Sequence[EpochAlphas]) -> str | None:
    """How decided the alphas are, and the norms of both gradients; None for a run without alphas."""
    if not records:
        return None
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(9.6, 2.4), layout="constrained")
        entropy, gradient = figure.subplots(1, 2)
        epochs = np.array([record.epoch + 1 for record in records], dtype=np.float64)
        for kind, colour, dashes in zip(CELL_KINDS, (_TRAIN, _VALIDATION), ("-", "--"), strict=True):
            shares = np.array([100 * mean_entropy(alphas_of(record, kind)[0]).share for record in records])
            _line(entropy, epochs, shares, f"{kind} cell", colour, dashes)
        _finish(entropy, "Entropy of the alphas, % of uniform")
        drawn = False
        for name, colour, dashes in (("weight", _TRAIN, "-"), ("alpha", _VALIDATION, "--")):
            series = history.series.get(f"gradient.{name}_gradient_norm")
            if series is not None and np.isfinite(series.values).any() and (series.values > 0).any():
                x, y = _thinned(_epoch_axis(series, history), series.values)
                _line(gradient, x, y, f"{name}s", colour, dashes, markers=False)
                drawn = True
        if drawn:
            gradient.set_yscale("log")
            gradient.yaxis.set_major_formatter(FuncFormatter(lambda norm, _: f"{norm:g}"))
            gradient.yaxis.set_minor_formatter(NullFormatter())
        else:
            gradient.text(0.5, 0.5, "no gradients logged yet", transform=gradient.transAxes, ha="center", color=_DIM)
        _finish(gradient, "Norm of the gradient")
        return _svg(figure, "search-curves", "Entropy of the alphas and gradient norms")


def front_svg(rows: Sequence[SubnetRow], best: Sequence[SubnetRow]) -> str:
    """Accuracy against multiply-adds of every measured sub-network, and the front that none beats, cheapest first."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(9.6, 3.2), layout="constrained")
        axes = figure.subplots()
        for label, is_random, colour in (("found by the search", False, _TRAIN), ("drawn at random", True, _DIM)):
            points = [row for row in rows if (row.found_by == "random") == is_random]
            if points:
                macs, accuracy = [row.macs / 1e6 for row in points], [row.accuracy_percent for row in points]
                axes.plot(macs, accuracy, "o", color=colour, markersize=3.5, alpha=0.6, label=label)
        steps = [(row.macs / 1e6, row.accuracy_percent) for row in best]
        if steps:
            x, y = zip(*[*steps, (max(row.macs for row in rows) / 1e6, steps[-1][1])], strict=True)
            axes.plot(x, y, color=_VALIDATION, drawstyle="steps-post", label="front")
        axes.set_title("Validation accuracy, %, against million multiply-adds")
        axes.legend(loc="lower right")
        return _svg(figure, "front", "Accuracy against multiply-adds of the measured sub-networks")


def heatmap_svg(record: EpochAlphas, kind: CellKind, primitives: Sequence[str], cell: Cell, *, largest: float) -> str:
    """Softmax of the alphas of one kind of cell, one row an edge, the cell's operations framed.

    Args:
        largest: end of the colour scale, the same for both kinds so that they can be compared.
    """
    alphas, betas = alphas_of(record, kind)
    weights = operation_weights(alphas)
    edges = edge_list(len(cell.nodes))
    with matplotlib.rc_context({**_STYLE, "axes.grid": False, "font.size": 8.0}):
        figure = Figure(figsize=(4.8, 0.9 + 0.235 * len(edges)), layout="constrained")
        axes = figure.subplots()
        axes.pcolormesh(weights, vmin=0, vmax=largest, cmap="viridis", edgecolors="none")
        for row, values in enumerate(weights):
            for column, value in enumerate(values):
                colour = "white" if value < 0.62 * largest else "black"
                text = f"{value:.2f}".removeprefix("0")
                axes.text(column + 0.5, row + 0.53, text, ha="center", va="center", color=colour, fontsize=6.5)
        for node, _, edge in cell.edges():
            if edge.primitive in primitives:
                corner = (list(primitives).index(edge.primitive) + 0.06, edge_index(edge.source, node) + 0.08)
                # White with a dark rim: yellow alone would swallow it.
                for colour, width in (("black", 3.2), ("white", 1.8)):
                    axes.add_patch(Rectangle(corner, 0.88, 0.84, fill=False, edgecolor=colour, linewidth=width))
        axes.set_xticks(
            np.arange(len(primitives)) + 0.5, [declaration(name).label for name in primitives], rotation=30, ha="right"
        )
        axes.set_yticks(np.arange(len(edges)) + 0.5, [f"{state_name(source)} → {node}" for source, node in edges])
        if betas is not None:
            right = axes.secondary_yaxis("right")
            right.set_yticks(np.arange(len(edges)) + 0.5, [f"β {share:.2f}" for share in edge_weights(betas)])
            right.tick_params(length=0)
            right.spines[:].set_visible(False)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.invert_yaxis()
        return _svg(figure, f"alphas-{kind}", f"Softmax of the {kind} cell's alphas; the chosen operations are framed")


def chart_style() -> Any:
    """matplotlib settings of every chart on a page."""
    return _STYLE


def svg_of(figure: Figure, prefix: str, label: str) -> str:
    """A figure made in ``chart_style`` as inline SVG in the page's colours."""
    return _svg(figure, prefix, label)


def inline_svg(svg: str, prefix: str, label: str) -> str:
    """An SVG document as part of a page: no prolog, ids that clash with no other picture's, a label for screen readers."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(\s(?:id|aria-labelledby)=")', rf"\g<1>{prefix}-", svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}-", svg)
    head, bracket, body = svg.partition(">")
    if "viewBox" in head:
        head = re.sub(r'\s(?:width|height)="[^"]*"', "", head)
    if "aria-label" not in head:
        head += f' role="img" aria-label="{label}"'
    return head + bracket + body


def _steps(axes: Axes, history: RunHistory, name: str) -> None:
    series = history.series.get(name)
    if series is not None and len(series):
        x, y = _thinned(_epoch_axis(series, history), series.values)
        axes.plot(x, y, color=_TRAIN, linewidth=0.7, alpha=0.3)


def _epochs(axes: Axes, series: Series | None, history: RunHistory, label: str, colour: str, dashes: str) -> None:
    if series is not None and np.isfinite(series.values).any():
        x = np.round(_epoch_axis(series, history)) if history.steps_per_epoch else np.arange(1.0, len(series) + 1)
        _line(axes, x, series.values, label, colour, dashes)


def _line(axes: Axes, x: Array, y: Array, label: str, colour: str, dashes: str, *, markers: bool = True) -> None:
    marker = "o" if markers and len(x) <= 30 else ""
    axes.plot(x, y, color=colour, linestyle=dashes, marker=marker, markersize=3, label=label)


def _finish(axes: Axes, title: str) -> None:
    axes.set_title(title)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="best")


def _epoch_axis(series: Series, history: RunHistory) -> Array:
    """Steps as epochs that have passed: the last step of the first epoch stands at 1."""
    return (series.steps + 1) / max(1, history.steps_per_epoch)


def _thinned(x: Array, y: Array) -> tuple[Array, Array]:
    """Means of equal stretches, so that a long run keeps its shape in few points."""
    if len(x) <= _POINTS:
        return x, y
    starts = np.linspace(0, len(x), _POINTS, endpoint=False).astype(int)
    counts = np.diff([*starts, len(x)])
    return np.add.reduceat(x, starts) / counts, np.add.reduceat(y, starts) / counts


def _svg(figure: Figure, prefix: str, label: str) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = inline_svg(buffer.getvalue(), prefix, label)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(f": {colour}", f": var({variable})")
    return svg

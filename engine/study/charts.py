"""Charts of a study's page: one colour a method, inline SVG that follows the page's scheme."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from engine.report.charts import chart_style, svg_of
from engine.study.curves import COLOURS, Curve, colour_of
from engine.study.results import StudyResults

_DASHES = ("-", "--", "-.", ":")


def overlay_svg(curves: Sequence[Curve], title: str, prefix: str) -> str | None:
    """All curves in one chart, coloured by method; None where there are none."""
    if not curves:
        return None
    with matplotlib.rc_context(chart_style()):
        figure = Figure(figsize=(4.8, 2.9), layout="constrained")
        axes = figure.subplots()
        named: set[str] = set()
        for curve in curves:
            label = None if curve.row in named else curve.row
            named.add(curve.row)
            marker = "o" if len(curve.epochs) <= 30 else ""
            axes.plot(
                curve.epochs, curve.values, color=colour_of(curve.place), linestyle=_DASHES[curve.place // len(COLOURS) % 4],
                linewidth=1.2, marker=marker, markersize=2.5, label=label, alpha=0.85,
            )  # fmt: skip
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
        axes.legend(loc="best")
        return svg_of(figure, prefix, title)


def scatter_svg(results: StudyResults) -> str | None:
    """Search validation against what retraining reached, one point a cell; None without a pair."""
    points = [
        (place, cell.search_percent, after)
        for place, row in enumerate(results.rows)
        for cell in row.cells
        if cell.search_percent is not None and (after := results.after(cell)) is not None
    ]
    if not points:
        return None
    with matplotlib.rc_context(chart_style()):
        figure = Figure(figsize=(4.8, 2.9), layout="constrained")
        axes = figure.subplots()
        for place in sorted({place for place, _, _ in points}):
            own = [(x, y) for where, x, y in points if where == place]
            axes.scatter(
                [x for x, _ in own], [y for _, y in own], s=22, color=colour_of(place), label=results.rows[place].name
            )
        axes.set_title("Does the search tell which cell trains well?")
        axes.set_xlabel("search validation, %")
        axes.set_ylabel("short retraining, %" if results.config.pick is not None else f"{results.split} accuracy, %")
        axes.legend(loc="best")
        return svg_of(figure, "scatter", "Search validation against retraining")


def strip_svg(results: StudyResults) -> str | None:
    """Every accuracy as a point beside its method's mean and deviation; None while there are none."""
    rows = [row for row in results.rows if row.accuracy.n]
    if not rows:
        return None
    with matplotlib.rc_context(chart_style()):
        figure = Figure(figsize=(4.8, 0.9 + 0.42 * len(results.rows)), layout="constrained")
        axes = figure.subplots()
        for place, row in enumerate(results.rows):
            colour = colour_of(place)
            values = list(row.accuracies.values())
            axes.scatter(values, [place] * len(values), s=18, color=colour, alpha=0.6)
            if row.accuracy.mean is not None:
                axes.errorbar(
                    row.accuracy.mean,
                    place + 0.22,
                    xerr=row.accuracy.std or 0.0,
                    fmt="|",
                    color=colour,
                    capsize=3,
                    markersize=9,
                )
        axes.set_yticks(range(len(results.rows)), [row.name for row in results.rows])
        axes.set_ylim(len(results.rows) - 0.4, -0.6)
        axes.set_title(f"{results.split.capitalize()} accuracy, %: each value, mean and deviation")
        return svg_of(figure, "strip", "Accuracies by method")

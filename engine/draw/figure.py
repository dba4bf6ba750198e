"""A picture as PNG or PDF by matplotlib, without a display and without ``dot``."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

from engine.draw.picture import Capsule, Line, Picture, Words

DPI = 300
POINTS_PER_INCH = 72.0
FONTS = (
    "Helvetica",
    "Arial",
    "Liberation Sans",
    "Nimbus Sans",
    "DejaVu Sans",
    "Noto Sans CJK SC",
    "Microsoft YaHei",
    "PingFang SC",
)


@cache
def fonts() -> tuple[str, ...]:
    """The families of our list that this machine has, best first; DejaVu Sans comes with matplotlib."""
    from matplotlib import font_manager

    known = {entry.name for entry in font_manager.fontManager.ttflist}
    return tuple(name for name in FONTS if name in known)


def measure() -> Callable[[str, float], float]:
    """Width of a text in a size, both in points, in the font that ``figure_bytes`` uses."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    @cache
    def width(text: str, size: float) -> float:
        if not text:
            return 0.0
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*[Gg]lyph.*")
            found = TextPath((0, 0), text.replace("$", r"\$"), size=size, prop=FontProperties(family=list(fonts())))
        # The side bearings that the outline leaves out.
        return float(found.get_extents().width) + 0.12 * size

    return width


def figure_bytes(picture: Picture, kind: Literal["png", "pdf"]) -> bytes:
    """The file; a unit of the picture is a point. The same picture gives the same bytes."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.figure import Figure

    settings: Any = {
        "font.family": list(fonts()),
        "pdf.fonttype": 42,
        "text.usetex": False,
        "text.parse_math": False,
    }
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # A glyph that no installed font has becomes a box; the picture is still worth having.
        warnings.filterwarnings("ignore", message=".*[Gg]lyph.*")
        figure = Figure(figsize=(picture.width / POINTS_PER_INCH, picture.height / POINTS_PER_INCH), facecolor="white")
        (FigureCanvasAgg if kind == "png" else FigureCanvasPdf)(figure)
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_axis_off()
        axes.set_xlim(0, picture.width)
        axes.set_ylim(picture.height, 0)
        for layer, shape in enumerate(picture.shapes):
            _add(axes, shape, layer)
        buffer = io.BytesIO()
        blank = {"Software": None} if kind == "png" else {"CreationDate": None, "Title": picture.title}
        figure.savefig(buffer, format=kind, dpi=DPI, metadata=blank, facecolor="white")
    return buffer.getvalue()


def _add(axes: Any, shape: Line | Capsule | Words, layer: int) -> None:
    from matplotlib.patches import PathPatch, Polygon
    from matplotlib.path import Path

    match shape:
        case Line():
            points = [shape.pieces[0][0], *(point for piece in shape.pieces for point in piece[1:])]
            codes = [Path.MOVETO, *[Path.CURVE4] * (3 * len(shape.pieces))]
            style: Any = (0, (3, 2.5)) if shape.dashed else "solid"
            axes.add_patch(
                PathPatch(
                    Path(points, codes),
                    fill=False,
                    edgecolor=shape.colour,
                    linewidth=shape.width,
                    linestyle=style,
                    zorder=layer,
                )
            )
            if shape.arrow:
                x, y = shape.pieces[-1][3]
                long, half = shape.width * 3.4, shape.width * 1.7
                axes.add_patch(
                    Polygon(
                        [(x, y), (x - long, y - half), (x - long, y + half)],
                        facecolor=shape.colour,
                        edgecolor="none",
                        zorder=layer,
                    )
                )
        case Capsule():
            axes.add_patch(
                PathPatch(_outline(shape), facecolor=shape.fill, edgecolor=shape.outline, linewidth=1.0, zorder=layer)
            )
        case Words():
            # Placed by the baseline, so that words with and without descenders stand level.
            axes.text(shape.x, shape.y + shape.size * 0.35, shape.text, fontsize=shape.size, color=shape.colour,
                      fontweight="bold" if shape.bold else "normal", ha="center" if shape.centred else "left",
                      va="baseline", zorder=layer, parse_math=False)  # fmt: skip


ROUND = 4 / 3 * (2**0.5 - 1)
"""How far the control points of a cubic quarter circle reach, as a share of the radius."""


def _outline(capsule: Capsule) -> Any:
    """The capsule as a path; matplotlib's own rounded box has corners that are no circles."""
    from matplotlib.path import Path

    r = capsule.height / 2 if capsule.radius is None else capsule.radius
    left, right = capsule.x - capsule.width / 2 + r, capsule.x + capsule.width / 2 - r
    upper, lower, k = capsule.y - capsule.height / 2 + r, capsule.y + capsule.height / 2 - r, ROUND * r
    top, bottom = upper - r, lower + r
    points = [
        (left, top), (right, top),
        (right + k, top), (right + r, upper - k), (right + r, upper),
        (right + r, lower),
        (right + r, lower + k), (right + k, bottom), (right, bottom),
        (left, bottom),
        (left - k, bottom), (left - r, lower + k), (left - r, lower),
        (left - r, upper),
        (left - r, upper - k), (left - k, top), (left, top),
        (left, top),
    ]  # fmt: skip
    side = [Path.LINETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3]
    return Path(points, [Path.MOVETO, *side, *side, Path.CLOSEPOLY])

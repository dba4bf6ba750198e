"""Draw the pictures of docs/fast-supernet.md: how the edges that leave a state become wide layers, and who keeps which name.

    .venv/bin/python tools/draw_fast_supernet.py

Writes docs/images/fast-supernet*.svg, each for light and for dark pages. A test holds counts and names in them against the
real modules, and the files against this script.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from matplotlib import rc_context
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyBboxPatch, Polygon

from app.theme import DARK, LIGHT, Theme
from engine.draw.text_width import helvetica_width
from engine.genotype.discretize import edge_index
from engine.genotype.primitives import DARTS_PRIMITIVES, PrimitiveDeclaration, declaration

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
SANS = ["Helvetica", "Arial", "Liberation Sans", "DejaVu Sans"]
MONO = ["SFMono-Regular", "Consolas", "Liberation Mono", "DejaVu Sans Mono"]
MONO_ADVANCE = 0.602  # em, of all of these but Consolas, which is narrower
POINTS_PER_INCH = 72

NODES = 4
PRIMITIVES = tuple(declaration(name) for name in DARTS_PRIMITIVES if name != "none")
CALLS = ("pool", "ReLU", "depthwise", "1×1", "batch norm", "product with α")
"""What the picture counts, in one forward pass over the edges that leave a state at stride 1."""

NAMED_CELL, NAMED_STATE, NAMED_PRIMITIVE, NAMED_POOL = 3, 2, "sep_conv_3x3", "max_pool_3x3"


def calls(edges: int, *, shared: bool) -> dict[str, int]:
    """How often each of ``CALLS`` is made for ``edges`` edges: by the textbook, or where they share all they can."""
    found = dict.fromkeys(CALLS, 0)
    times = 1 if shared else edges
    for primitive in PRIMITIVES:
        repeats = primitive.repeats if primitive.kind == "relu_dw_pw_bn" else 0
        is_pool = primitive.kind == "pool"
        found["pool"] += times * is_pool
        found["ReLU"] += times * (repeats - 1 if shared and repeats else repeats)  # The first is of the state: shared.
        found["depthwise"] += times * repeats
        found["1×1"] += times * repeats
        found["batch norm"] += times * (repeats + is_pool)
        found["product with α"] += 0 if shared else times
    if shared:
        found["ReLU"] += 1
        found["product with α"] += 1  # of matrices, for pools and skip together
    return found


def wide_name(part: str) -> str:
    """Where a fast supernet holds ``part`` of the edges that leave ``NAMED_STATE``."""
    return f"cells.{NAMED_CELL}.outgoing.{NAMED_STATE}.{part}"


def edge_names(part: str) -> list[str]:
    """What ``state_dict()`` calls ``part`` of each of these edges, in the order of their rows."""
    rows = [edge_index(NAMED_STATE, node) for node in range(NAMED_STATE - 1, NODES)]
    return [f"cells.{NAMED_CELL}.edges.{row}.{part}" for row in rows]


class Board:
    """A figure to draw on in pixels from its upper left corner. Words that leave their box are refused."""

    def __init__(self, width: float, height: float, theme: Theme) -> None:
        self.width, self.height, self.theme = width, height, theme
        self.figure = Figure(figsize=(width / POINTS_PER_INCH, height / POINTS_PER_INCH))
        FigureCanvasSVG(self.figure)
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_axis_off()
        self.axes.set_xlim(0, width)
        self.axes.set_ylim(height, 0)
        self._layer = 0
        # Opaque, so that it can be read on a page of either colour.
        self.box(1, 1, width - 2, height - 2, fill=theme.panel, outline=theme.border, corner=10)

    def box(
        self, left: float, top: float, width: float, height: float, *, fill: str, outline: str, corner: float = 7
    ) -> None:
        self._add(FancyBboxPatch(
            (left, top), width, height, boxstyle=f"round,pad=0,rounding_size={corner}", facecolor=fill, edgecolor=outline,
            linewidth=1.2,
        ))  # fmt: skip

    def words(
        self, x: float, y: float, text: str, *, size: float = 12, colour: str | None = None, bold: bool = False,
        mono: bool = False, align: Literal["left", "center"] = "center", room: float | None = None,
    ) -> None:  # fmt: skip
        """One line whose middle stands at the height ``y``; it may take ``room``, by default all up to the border."""
        needed = len(text) * MONO_ADVANCE * size if mono else helvetica_width(text, size) * (1.07 if bold else 1)
        to_border = self.width - 8 - x if align == "left" else 2 * min(x - 8, self.width - 8 - x)
        room = to_border if room is None else min(room, to_border)
        if needed > room:
            raise ValueError(f"«{text}» needs {needed:.0f} px and has {room:.0f}.")
        self._layer += 1
        self.axes.text(
            x, y + 0.35 * size, text, fontsize=size, color=colour or self.theme.text, ha=align, va="baseline",
            family="monospace" if mono else "sans-serif", weight="bold" if bold else "normal", zorder=self._layer, parse_math=False,
        )  # fmt: skip

    def line(
        self, *points: tuple[float, float], colour: str | None = None, width: float = 1.4, head: bool = False
    ) -> None:
        """Through points; ``head``: an arrow's at the last one."""
        colour = colour or self.theme.faint
        self._add(Line2D(*zip(*points, strict=True), color=colour, linewidth=width, solid_joinstyle="round"))
        if head:
            (x0, y0), (x, y) = points[-2:]
            length = ((x - x0) ** 2 + (y - y0) ** 2) ** 0.5
            along, across = ((x - x0) / length, (y - y0) / length), ((y0 - y) / length, (x - x0) / length)
            corners = [(x, y)] + [
                (x - 8 * along[0] + side * across[0], y - 8 * along[1] + side * across[1]) for side in (-3.6, 3.6)
            ]
            self._add(Polygon(corners, facecolor=colour, edgecolor="none"))

    def disc(self, x: float, y: float, radius: float, text: str) -> None:
        self._add(Circle((x, y), radius, facecolor=self.theme.sunken, edgecolor=self.theme.dim, linewidth=1.2))
        self.words(x, y, text, bold=True, room=2 * radius)

    def layers(
        self,
        primitive: PrimitiveDeclaration,
        left: float,
        top: float,
        width: float,
        height: float,
        lines: Sequence[str],
    ) -> None:
        """A box in a primitive's colours: its label and what it is made of, below each other in the middle."""
        theme = self.theme
        self.box(
            left, top, width, height, fill=theme.pill_fill(primitive.name), outline=theme.primitive(primitive.name)
        )
        first = top + height / 2 - 7 * len(lines)
        self.words(left + width / 2, first, primitive.label, bold=True, room=width - 4)
        for number, text in enumerate(lines, 1):
            self.words(left + width / 2, first + 14 * number, text, size=11, colour=theme.dim, room=width - 4)

    def _add(self, artist: Any) -> None:
        self._layer += 1
        artist.set(zorder=self._layer, clip_on=False)
        self.axes.add_artist(artist)

    def save(self, path: Path) -> None:
        """As SVG with text as text; the same picture gives the same bytes."""
        logging.getLogger("matplotlib.font_manager").setLevel(
            logging.ERROR
        )  # It has not all fonts that readers may have.
        settings: Any = {
            "svg.fonttype": "none", "svg.hashsalt": "nascope", "font.sans-serif": SANS, "font.monospace": MONO,
        }  # fmt: skip
        with rc_context(settings):
            self.figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)


# -- edges become wide layers -----------------------------------------------------------------------------------------

ROW, ROWS_HEIGHT = 62, 62 * NODES
STATE_X, FIRST_TERM, NODE_X = 44, 92, 934
TERM = "+ α ·"
WIDTHS = {"pool": 64.0, "identity": 46.0, "relu_dw_pw_bn": 94.0}


def draw_edges(theme: Theme) -> Board:
    """A state and the four edges that leave it, as the textbook has them and as the fast supernet has them."""
    board = Board(980, 858, theme)
    board.words(24, 30, "Textbook: a module for each edge and primitive", size=16, bold=True, align="left")
    _textbook(board, 56)
    board.words(24, 344, "Fast: the same edges side by side", size=16, bold=True, align="left")
    _fast(board, 420)
    _counts(board, 722)
    return board


def _textbook(board: Board, top: float) -> None:
    dim = board.theme.dim
    middle = top + ROWS_HEIGHT / 2
    for row in range(NODES):
        y = top + ROW * (row + 0.5)
        board.line((STATE_X, middle), (FIRST_TERM - 8, y))
        left: float = FIRST_TERM
        for number, primitive in enumerate(PRIMITIVES):
            sign = TERM if number else TERM[2:]
            board.words(left + 15, y, sign, colour=dim, room=34)
            left += 32
            width = WIDTHS[primitive.kind]
            lines = {"pool": ["BN"], "identity": []}.get(primitive.kind, ["ReLU dw pw BN"] * primitive.repeats)
            board.layers(primitive, left, y - 26, width, 52, lines)
            left += width + 2
        board.line((left + 4, y), (NODE_X - 24, y), head=True)
    _state_and_nodes(board, top)


def _state_and_nodes(board: Board, top: float) -> None:
    middle = top + ROWS_HEIGHT / 2
    board.disc(STATE_X, middle, 25, "state")
    for node in range(NODES):
        board.disc(NODE_X, top + ROW * (node + 0.5), 23, f"Σ {node}")


def _fast(board: Board, top: float) -> None:
    theme = board.theme
    middle, bottom = top + ROWS_HEIGHT / 2, top + ROWS_HEIGHT
    # Pools and skip: once, then one product for all edges.
    product_left, product_width = 204.0, 102.0
    maps = [primitive for primitive in PRIMITIVES if primitive.kind != "relu_dw_pw_bn"]
    for number, primitive in enumerate(maps):
        y = middle + (number - 1) * 62
        board.line((STATE_X, middle), (100, y))
        board.layers(primitive, 100, y - 21, 80, 42, ["BN"] if primitive.kind == "pool" else [])
        board.line((180, y), (product_left, y), head=True)
    _tall(board, product_left, top, product_width, theme.sunken, theme.dim)
    for number, text in enumerate(("one matrix", "product:", "α (4 × 3) ·", "3 images")):
        board.words(product_left + product_width / 2, middle + 16 * (number - 1.5), text, room=product_width - 8)
    # Convolutions: one ReLU, then layers as wide as all edges.
    fused = [primitive for primitive in PRIMITIVES if primitive.kind == "relu_dw_pw_bn"]
    width, step, first = 122.0, 144.0, 330.0
    lane = top - 30
    board.line((STATE_X, middle), (STATE_X, lane), (112, lane), head=True)
    board.box(112, lane - 14, 56, 28, fill=theme.sunken, outline=theme.dim)
    board.words(140, lane, "ReLU", bold=True, room=52)
    board.line((168, lane), (first + 3 * step + width / 2, lane))
    board.words(
        180,
        lane - 13,
        "once a state, then repeated for each edge: (N, C, H, W) to (N, 4·C, H, W)",
        colour=theme.dim,
        align="left",
    )
    for number, primitive in enumerate(fused):
        left = first + number * step
        board.words(left - 12, middle, "+", size=15, colour=theme.dim, room=20)
        board.line((left + width / 2, lane), (left + width / 2, top), head=True)
        _tall(board, left, top, width, theme.pill_fill(primitive.name), theme.primitive(primitive.name))
        lines = ["dw pw BN", *["ReLU dw pw BN"] * (primitive.repeats - 1), "α is the scale", "of the last BN"]
        y = middle - 9 * len(lines)
        board.words(left + width / 2, y, primitive.label, size=13, bold=True, room=width - 24)
        for place, text in enumerate(lines, 1):
            is_layer = place <= primitive.repeats
            board.words(
                left + width / 2, y + 4 + 16 * place + (0 if is_layer else 6), text,
                colour=theme.text if is_layer else theme.dim, room=width - 24,
            )  # fmt: skip
    end = first + 3 * step + width
    for row in range(NODES):
        y = top + ROW * (row + 0.5)
        board.line((end, y), (NODE_X - 24, y), head=True)
    board.words(
        first,
        bottom + 18,
        "every layer is one call: edge e owns the channels e·C to (e + 1)·C",
        colour=theme.dim,
        align="left",
    )
    board.words(100, bottom + 18, "once a state", colour=theme.dim, align="left")
    _state_and_nodes(board, top)


def _tall(board: Board, left: float, top: float, width: float, fill: str, outline: str) -> None:
    """A layer that all edges share, with marks where the part of each begins."""
    board.box(left, top, width, ROWS_HEIGHT, fill=fill, outline=outline)
    for row in range(NODES):
        y = top + ROW * row
        board.words(left + 9, y + 11, str(row), size=11, colour=board.theme.dim, room=14)
        if row:
            board.line((left, y), (left + 7, y), colour=outline)
            board.line((left + width - 7, y), (left + width, y), colour=outline)


def _counts(board: Board, top: float) -> None:
    theme = board.theme
    board.line((24, top), (board.width - 24, top), colour=theme.border)
    board.words(24, top + 24, "Calls in a forward pass", bold=True, align="left")
    columns = [272 + 126 * number for number in range(len(CALLS))]
    for x, name in zip(columns, CALLS, strict=True):
        board.words(x, top + 24, name, colour=theme.dim, room=122)
    for number, (title, shared) in enumerate((("textbook", False), ("fast, all edges together", True)), 1):
        y = top + 24 + 26 * number
        board.words(24, y, title, align="left")
        for x, count in zip(columns, calls(NODES, shared=shared).values(), strict=True):
            board.words(x, y, str(count), size=14, bold=shared)
    board.words(
        24, top + 112, "dw: depthwise convolution · pw: 1×1 convolution · BN: batch norm · Σ 0: the sum of node 0, over the edges "
        "from its other states too", colour=theme.dim, align="left",
    )  # fmt: skip


# -- names ------------------------------------------------------------------------------------------------------------


def draw_names(theme: Theme) -> Board:
    """Rows of one wide tensor, and the name that each edge has for its own."""
    board = Board(980, 420, theme)
    board.words(24, 30, "What the module holds", size=16, bold=True, align="left")
    board.words(460, 30, "What a file, a gradient or a momentum is called", size=16, bold=True, align="left")
    convolution = f"{NAMED_PRIMITIVE}.pw1"
    held = edge_names(f"{convolution}.weight")
    board.words(24, 62, wide_name(f"convolutions.groups.0.{convolution}"), size=11.5, mono=True, align="left")
    board.words(24, 81, f"one parameter ({len(held)}·C, C, 1, 1)", colour=theme.dim, align="left")
    _named_rows(board, 96, NAMED_PRIMITIVE, held, lambda row: f"rows {_times_c(row)} to {_times_c(row + 1)}")
    shared = edge_names(f"{NAMED_POOL}.bn.running_mean")
    board.words(24, 234, wide_name(f"maps.{NAMED_POOL}.bn.running_mean"), size=11.5, mono=True, align="left")
    board.words(24, 253, "one buffer (C): all edges read the same state", colour=theme.dim, align="left")
    _named_rows(board, 268, NAMED_POOL, shared, None)
    board.words(
        24, 394, "One table, places(), is read by state_dict() and load_state_dict(), and by split() and join() for gradients and "
        "momenta.", colour=theme.dim, align="left",
    )  # fmt: skip
    return board


def _named_rows(
    board: Board, top: float, primitive: str, names: Sequence[str], label: Callable[[int], str] | None
) -> None:
    theme, row_height = board.theme, 34
    left, width = 24.0, 230.0
    middle = top + row_height * len(names) / 2
    height = row_height * (1 if label is None else len(names))
    hue = theme.primitive(primitive)
    board.box(left, middle - height / 2, width, height, fill=theme.pill_fill(primitive), outline=hue)
    if label is None:
        board.words(left + width / 2, middle, "rows 0 to C", room=width - 8)
    for row, name in enumerate(names):
        y = top + row_height * (row + 0.5)
        if label is not None:
            board.words(left + width / 2, y, label(row), room=width - 8)
            if row:
                board.line((left, y - row_height / 2), (left + width, y - row_height / 2), colour=hue, width=1)
        start = y if label is not None else middle
        board.line((left + width, start), (left + width + 24, start), (430, y), (452, y), colour=hue, head=True)
        board.words(460, y, name, size=12.5, mono=True, align="left")


def _times_c(count: int) -> str:
    return {0: "0", 1: "C"}.get(count, f"{count}·C")


PICTURES: dict[str, Callable[[Theme], Board]] = {"fast-supernet": draw_edges, "fast-supernet-names": draw_names}


def main() -> None:
    """All pictures, for pages of both colours."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, draw in PICTURES.items():
        for theme in (LIGHT, DARK):
            path = IMAGES / f"{name}-{theme.name}.svg"
            draw(theme).save(path)
            print(f"Written: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

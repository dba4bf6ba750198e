"""Where everything of a cell's picture goes: operations as boxes between states, left to right.

Every operation is a box of its own ("pill") on the way from the state it reads to the node it feeds: so labels
cannot fall on lines, two edges between the same states are two boxes, and each is one thing to point at.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from engine.draw.crossings import order_layers
from engine.draw.curves import Cubic, Point, Rectangle, flat_cubic, through, touches
from engine.draw.layers import Layers, build_layers, stack_operations
from engine.draw.placement import place_rows
from engine.genotype.genotype import INPUT_STATES, Cell
from engine.genotype.primitives import declaration, is_registered

BoxKind = Literal["input", "node", "operation", "concat"]
PathKind = Literal["read", "write", "concat"]
Measure = Callable[[str], float]
"""Width of a label in the picture's unit, in the font that it will be drawn with."""


@dataclass(frozen=True)
class Sizes:
    """Measures of a picture, all in its unit (pixels on a screen, points on paper).

    Attributes:
        em: height of the labels' font.
        label_limit: longer labels are elided to this width.
    """

    em: float = 11.0
    label_limit: float = 104.0

    @property
    def pill_height(self) -> float:
        return 1.85 * self.em

    @property
    def node_size(self) -> float:
        return 2.15 * self.em

    @property
    def input_height(self) -> float:
        return 2.15 * self.em

    @property
    def pill_gap(self) -> float:
        """Clear height between two operations of one node."""
        return 0.5 * self.em

    @property
    def gap(self) -> float:
        """Clear height between two nodes with their operations."""
        return 1.15 * self.em

    @property
    def clearance(self) -> float:
        """Clear width or height between a line and a box that it passes."""
        return 0.55 * self.em

    @property
    def margin(self) -> float:
        """White around the picture: room for outlines and rings."""
        return 0.8 * self.em


DEFAULT_SIZES = Sizes()


@dataclass(frozen=True)
class Box:
    """A state, an operation or the output; ``x`` and ``y`` are its centre.

    Attributes:
        label: elided where it was too long; the whole text is ``title``.
        state: index of an input or node.
        node, place: which edge an operation is: the ``place``-th input of ``node``, both from 0.
        source: the state that an operation reads.
    """

    id: str
    kind: BoxKind
    x: float
    y: float
    width: float
    height: float
    label: str
    title: str = ""
    state: int | None = None
    node: int | None = None
    place: int | None = None
    source: int | None = None
    primitive: str = ""

    @property
    def left(self) -> Point:
        """Where lines arrive."""
        return self.x - self.width / 2, self.y

    @property
    def right(self) -> Point:
        """Where lines leave."""
        return self.x + self.width / 2, self.y

    def rectangle(self, around: float = 0.0) -> Rectangle:
        """Left, top, right, bottom, with this much added around."""
        return (
            self.x - self.width / 2 - around, self.y - self.height / 2 - around,
            self.x + self.width / 2 + around, self.y + self.height / 2 + around,
        )  # fmt: skip


@dataclass(frozen=True)
class Path:
    """A line from the right side of one box to the left side of another.

    Attributes:
        kind: ``read`` from a state to an operation, ``write`` from an operation to its node, ``concat`` to the output.
        start, end: ids of the boxes.
        primitive: of the operation that it belongs to; empty for ``concat``.
    """

    kind: PathKind
    start: str
    end: str
    pieces: tuple[Cubic, ...]
    node: int | None = None
    place: int | None = None
    primitive: str = ""


@dataclass(frozen=True)
class Layout:
    """A cell's picture: everything lies within ``(0, 0)`` to ``(width, height)``."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    paths: tuple[Path, ...]

    def box(self, identity: str) -> Box:
        """The box with this id.

        Raises:
            KeyError: there is none.
        """
        for box in self.boxes:
            if box.id == identity:
                return box
        raise KeyError(identity)

    def operations(self) -> tuple[Box, ...]:
        """The boxes that are operations."""
        return tuple(box for box in self.boxes if box.kind == "operation")


def state_id(state: int) -> str:
    """Id of a state's box."""
    return f"state{state}"


def operation_id(node: int, place: int) -> str:
    """Id of an operation's box."""
    return f"operation{node}.{place}"


CONCAT_ID = "concat"


def state_label(state: int) -> str:
    """k−2 and k−1 for the inputs, 0, 1, ... for the nodes."""
    return ("k−2", "k−1")[state] if state < INPUT_STATES else str(state - INPUT_STATES)


def operation_label(primitive: str) -> str:
    """The short form of a registered primitive, the bare name of any other."""
    return declaration(primitive).label if is_registered(primitive) else primitive


def elided(text: str, measure: Measure, limit: float) -> str:
    """The text, or its longest beginning with «…» that is no wider than ``limit``."""
    if measure(text) <= limit:
        return text
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if measure(text[:middle].rstrip(" _") + "…") <= limit:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip(" _") + "…"


@dataclass(frozen=True)
class Labels:
    """Labels of a cell's operations and the widths of its boxes, measured."""

    operations: tuple[tuple[str, str], ...]
    """``(primitive, label)``."""
    pill_widths: tuple[tuple[str, float], ...]
    """``(primitive, width)``."""
    input_width: float
    concat_width: float
    node_width: float


def measured_labels(primitives: Sequence[str], nodes: int, measure: Measure, sizes: Sizes) -> Labels:
    """Labels and widths for these primitives; common short labels all get pills of one width."""
    names = tuple(dict.fromkeys(primitives))
    labels = {name: elided(operation_label(name), measure, sizes.label_limit) for name in names}
    usual = measure("sep 3×3")
    return Labels(
        tuple(labels.items()),
        tuple((name, max(measure(labels[name]), usual) + 1.15 * sizes.em) for name in names),
        max(measure("k−2"), measure("k−1")) + 1.5 * sizes.em,
        measure("concat") + 1.3 * sizes.em,
        max(sizes.node_size, measure(str(max(nodes - 1, 0))) + sizes.em),
    )


def cell_layout(cell: Cell, measure: Measure, sizes: Sizes = DEFAULT_SIZES) -> Layout:
    """The picture of a cell: inputs left, concat right, no line through a box, few crossings.

    The same cell always gets the same picture; results are kept by cell.

    Args:
        measure: width of a label in the font it will be drawn with.
    """
    primitives = [edge.primitive for _, _, edge in cell.edges()]
    return _layout(cell, measured_labels(primitives, len(cell.nodes), measure, sizes), sizes)


@lru_cache(maxsize=512)
def _layout(cell: Cell, labels: Labels, sizes: Sizes) -> Layout:
    layers = build_layers(cell, sizes)
    order_layers(layers)
    stack_operations(layers, cell)
    place_rows(layers, sizes)
    return _assemble(cell, layers, labels, sizes)


@dataclass(frozen=True)
class _Column:
    """One layer's place from left to right: operations (where there are any), then states."""

    left: float
    pills: float
    pills_right: float
    state: float
    right: float


def _columns(cell: Cell, layers: Layers, labels: Labels, sizes: Sizes) -> list[_Column]:
    pill_widths = dict(labels.pill_widths)
    found: list[_Column] = []
    x = sizes.margin
    for rank, layer in enumerate(layers.layers):
        nodes = [vertex - INPUT_STATES for vertex in layer if INPUT_STATES <= vertex < cell.state_count]
        pills = max((pill_widths[edge.primitive] for node in nodes for edge in cell.nodes[node]), default=0.0)
        state = labels.node_width if nodes else labels.input_width if rank == 0 else labels.concat_width
        between = 1.15 * sizes.em if nodes else 0.0
        right = x + pills + between + state
        found.append(_Column(x, x + pills / 2, x + pills, right - state / 2, right))
        climbs = [
            abs(layers.y[link.start] - layers.y[link.end] - layers.offset(link.edge))
            for link in layers.links
            if layers.ranks[link.start] == rank
        ]
        x = right + min(max(2.0 * sizes.em, 0.3 * max(climbs, default=0.0)), 4.4 * sizes.em)
    return found


INPUT_TITLES = ("Output of the cell before the last, c_{k−2}", "Output of the last cell, c_{k−1}")


def _assemble(cell: Cell, layers: Layers, labels: Labels, sizes: Sizes) -> Layout:
    """Columns to x, then boxes and lines."""
    columns = _columns(cell, layers, labels, sizes)
    count = range(len(layers.ranks))
    shift = sizes.margin - min(layers.y[v] - layers.heights[v] / 2 for v in count)
    height = max(layers.y[v] + layers.heights[v] / 2 for v in count) + shift + sizes.margin
    texts, pill_widths = dict(labels.operations), dict(labels.pill_widths)

    boxes: dict[str, Box] = {}
    for state, vertex in enumerate(layers.states):
        x, y = columns[layers.ranks[vertex]].state, layers.y[vertex] + shift
        if state < INPUT_STATES:
            box = Box(state_id(state), "input", x, y, labels.input_width, sizes.input_height, state_label(state),
                      INPUT_TITLES[state], state=state)  # fmt: skip
        else:
            box = Box(state_id(state), "node", x, y, labels.node_width, sizes.node_size, state_label(state),
                      f"Node {state - INPUT_STATES}", state=state)  # fmt: skip
        boxes[box.id] = box
    for node, place, edge in cell.edges():
        vertex = layers.states[INPUT_STATES + node]
        y = layers.y[vertex] + layers.offset((node, place)) + shift
        box = Box(operation_id(node, place), "operation", columns[layers.ranks[vertex]].pills, y,
                  pill_widths[edge.primitive], sizes.pill_height, texts[edge.primitive], edge.primitive, node=node,
                  place=place, source=edge.source, primitive=edge.primitive)  # fmt: skip
        boxes[box.id] = box
    boxes[CONCAT_ID] = Box(CONCAT_ID, "concat", columns[-1].state, layers.y[layers.concat] + shift, labels.concat_width,
                           sizes.input_height, "concat", "Output: the nodes side by side, c_k")  # fmt: skip

    vertex_states = {vertex: state for state, vertex in enumerate(layers.states)}
    paths = []
    for chain in layers.chains:
        start = boxes[state_id(vertex_states[chain.vertices[0]])]
        end = boxes[CONCAT_ID if chain.edge is None else operation_id(*chain.edge)]
        points = [start.right, (columns[layers.ranks[chain.vertices[0]]].right, start.y)]
        for vertex in chain.vertices[1:-1]:
            column, y = columns[layers.ranks[vertex]], layers.y[vertex] + shift
            points += [(column.left, y), (column.right, y)]
        points += [(columns[layers.ranks[chain.vertices[-1]]].left, end.y), end.left]
        foreign = [box.rectangle(sizes.clearance * 0.9) for box in boxes.values() if box.id not in (start.id, end.id)]
        pieces = _smoothed(_with_stops(points, sizes.em), foreign)
        if chain.edge is None:
            paths.append(Path("concat", start.id, end.id, pieces))
            continue
        node, place = chain.edge
        target = boxes[state_id(INPUT_STATES + node)]
        primitive = end.primitive
        paths.append(Path("read", start.id, end.id, pieces, node, place, primitive))
        # A short pill beside a long one: past the long one first.
        clear = (columns[layers.ranks[chain.vertices[-1]]].pills_right, end.y)
        exit_points = [end.right, clear, target.left] if clear[0] > end.right[0] + 0.01 else [end.right, target.left]
        paths.append(Path("write", end.id, target.id, through(exit_points), node, place, primitive))
    return Layout(columns[-1].right + sizes.margin, height, tuple(boxes.values()), tuple(paths))


def _with_stops(points: list[Point], step: float) -> list[Point]:
    """The points without repeats, with further ones on long level parts: places where a curve may end."""
    found = [points[0]]
    for point in points[1:]:
        before = found[-1]
        if point == before:
            continue
        if point[1] == before[1]:
            pieces = max(1, round((point[0] - before[0]) / step))
            found += [(before[0] + (point[0] - before[0]) * number / pieces, point[1]) for number in range(1, pieces)]
        found.append(point)
    return found


def _smoothed(points: list[Point], foreign: list[Rectangle]) -> tuple[Cubic, ...]:
    """Pieces through some of the points: as few and as long as touch no foreign box, from whichever end gives fewer."""
    forwards = _greedy(points, lambda a, b: not touches([flat_cubic(a, b)], foreign))
    backwards = _greedy(points[::-1], lambda a, b: not touches([flat_cubic(b, a)], foreign))[::-1]
    return through(min(forwards, backwards, key=lambda kept: (len(kept), _climb(kept))))


REACH = 60
"""Stops that one curve may pass: more is not gentler, only slower to try."""


def _greedy(points: list[Point], free: Callable[[Point, Point], bool]) -> list[Point]:
    kept = [points[0]]
    start = 0
    while start < len(points) - 1:
        end = min(len(points) - 1, start + REACH)
        while end > start + 1 and not free(points[start], points[end]):
            end -= 1
        kept.append(points[end])
        start = end
    return kept


def _climb(points: Sequence[Point]) -> float:
    return sum(abs(b[1] - a[1]) for a, b in itertools.pairwise(points))

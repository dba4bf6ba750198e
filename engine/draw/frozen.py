"""A layout whose places stay while a search runs: every choice of operations fits into it, so a flip moves no node.

Each node has a row of its own, with a slot for each operation it keeps. Node 0 and 1 lie at the top, the others spiral
inwards from the bottom: then the next node's row is never between a state and the later nodes that may read it, and
every line finds a way past all boxes although the columns overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from engine.draw.curves import Cubic, Point, Rectangle, flat_cubic, through, touches, turn_back
from engine.draw.layout import (
    CONCAT_ID,
    DEFAULT_SIZES,
    INPUT_TITLES,
    Box,
    Labels,
    Layout,
    Measure,
    Path,
    Sizes,
    measured_labels,
    operation_id,
    state_id,
    state_label,
)
from engine.genotype.genotype import INPUT_STATES, Cell


def row_order(nodes: int) -> list[int]:
    """Nodes from the top row to the bottom one."""
    if nodes <= 2:
        return list(range(nodes))
    return [1, 0, *range(3, nodes, 2), *reversed(range(2, nodes, 2))]


@dataclass(frozen=True)
class FrozenLayout:
    """Fixed places for cells of so many nodes.

    Attributes:
        slots: for each node the operation boxes it has room for, from the top, empty of text.
    """

    width: float
    height: float
    states: tuple[Box, ...]
    concat: Box
    slots: tuple[tuple[Box, ...], ...]
    labels: Labels
    sizes: Sizes
    _routes: dict[tuple[str, str], tuple[Cubic, ...]] = field(default_factory=dict, compare=False)

    def fits(self, cell: Cell) -> bool:
        """Whether a cell has these nodes, no more operations a node than slots, and only measured primitives."""
        known = {name for name, _ in self.labels.operations}
        return (
            len(cell.nodes) == len(self.slots)
            and all(len(edges) <= len(slots) for edges, slots in zip(cell.nodes, self.slots, strict=True))
            and all(edge.primitive in known for _, _, edge in cell.edges())
        )

    def place(self, cell: Cell) -> Layout:
        """The picture of a cell in these places. Of a node's operations the one that reads the higher state is on top.

        Raises:
            ValueError: the cell does not fit; ask ``fits`` first.
        """
        if not self.fits(cell):
            raise ValueError("the cell has other nodes, operations or primitives than this layout was made for")
        texts = dict(self.labels.operations)
        boxes = [*self.states]
        paths = []
        for node, edges in enumerate(cell.nodes):
            order = sorted(range(len(edges)), key=lambda place: (self.states[edges[place].source].y, place))
            for slot, place in zip(self.slots[node], order, strict=False):
                edge = edges[place]
                box = replace(slot, id=operation_id(node, place), label=texts[edge.primitive], title=edge.primitive,
                              node=node, place=place, source=edge.source, primitive=edge.primitive)  # fmt: skip
                boxes.append(box)
                source, target = self.states[edge.source], self.states[INPUT_STATES + node]
                paths.append(Path("read", source.id, box.id, self._route(source, slot), node, place, edge.primitive))
                paths.append(
                    Path("write", box.id, target.id, through([box.right, target.left]), node, place, edge.primitive)
                )
        boxes.append(self.concat)
        for state in cell.concat:
            source = self.states[state]
            paths.append(Path("concat", source.id, CONCAT_ID, self._route(source, self.concat)))
        return Layout(self.width, self.height, tuple(boxes), tuple(paths))

    def _route(self, start: Box, end: Box) -> tuple[Cubic, ...]:
        """The line between two boxes past all places that a box may take."""
        key = (start.id, end.id)
        if key not in self._routes:
            around = self.sizes.clearance * 0.8
            everything = [*self.states, self.concat, *(slot for slots in self.slots for slot in slots)]
            foreign = [box.rectangle(around) for box in everything if box.id not in (start.id, end.id)]
            own = [start.rectangle(-0.01), end.rectangle(-0.01)]
            self._routes[key] = _free_way(start.right, end.left, foreign, own, self.sizes.em)
        return self._routes[key]


def frozen_layout(
    nodes: int,
    primitives: Sequence[str],
    measure: Measure,
    sizes: Sizes = DEFAULT_SIZES,
    *,
    inputs_per_node: int = 2,
) -> FrozenLayout:
    """Places for any cell of so many nodes with these primitives; made once, kept.

    Args:
        nodes: intermediate nodes, 1 or more.
        measure: width of a label in the font it will be drawn with.
        inputs_per_node: operations that a node keeps.
    """
    return _frozen(nodes, inputs_per_node, measured_labels(primitives, nodes, measure, sizes), sizes)


@lru_cache(maxsize=64)
def _frozen(nodes: int, inputs_per_node: int, labels: Labels, sizes: Sizes) -> FrozenLayout:
    em = sizes.em
    pill = max(width for _, width in labels.pill_widths)
    between = 1.1 * em
    pill_step = sizes.pill_height + sizes.pill_gap
    row_height = max(inputs_per_node * pill_step - sizes.pill_gap, sizes.node_size) + 0.95 * em
    # The next node's operations begin a little left of this node's right side: columns overlap, rows do not.
    step = labels.node_width + between + pill - 1.9 * em
    height = nodes * row_height - 0.95 * em + 2 * sizes.margin
    middle = height / 2

    rows = {node: row for row, node in enumerate(row_order(nodes))}
    apart = max(1.6 * row_height if nodes > 2 else row_height, sizes.input_height * 1.8) / 2
    x = sizes.margin + labels.input_width / 2
    height = max(height, 2 * (apart + sizes.input_height / 2 + sizes.margin))
    shift = height / 2 - middle
    states = [
        Box(state_id(state), "input", x, height / 2 + (apart if state else -apart), labels.input_width,
            sizes.input_height, state_label(state), INPUT_TITLES[state], state=state)
        for state in range(INPUT_STATES)
    ]  # fmt: skip
    first = sizes.margin + labels.input_width + 2.6 * em + pill + between + labels.node_width / 2
    slots: list[tuple[Box, ...]] = []
    for node in range(nodes):
        state = INPUT_STATES + node
        node_x = first + node * step
        node_y = sizes.margin + rows[node] * row_height + (row_height - 0.95 * em) / 2 + shift
        states.append(Box(state_id(state), "node", node_x, node_y, labels.node_width, sizes.node_size, state_label(state),
                          f"Node {node}", state=state))  # fmt: skip
        pill_x = node_x - labels.node_width / 2 - between - pill / 2
        slots.append(
            tuple(
                Box(f"slot{node}.{place}", "operation", pill_x, node_y + (place - (inputs_per_node - 1) / 2) * pill_step,
                    pill, sizes.pill_height, "", node=node)
                for place in range(inputs_per_node)
            )
        )  # fmt: skip
    last = first + (nodes - 1) * step + labels.node_width / 2
    concat_x = last + 2.0 * em + labels.concat_width / 2
    concat = Box(CONCAT_ID, "concat", concat_x, height / 2, labels.concat_width, sizes.input_height, "concat",
                 "Output: the nodes side by side, c_k")  # fmt: skip
    width = concat_x + labels.concat_width / 2 + sizes.margin
    return FrozenLayout(width, height, tuple(states), concat, tuple(slots), labels, sizes)


def _free_way(start: Point, end: Point, foreign: list[Rectangle], own: list[Rectangle], em: float) -> tuple[Cubic, ...]:
    """The gentlest of the ways tried that touches no box; the straight one where all do."""
    ways = _forward_ways(start, end, em) if end[0] - start[0] >= 1.6 * em else _backward_ways(start, end, em)
    first: tuple[Cubic, ...] | None = None
    for way in ways:
        if not touches(way, foreign) and not touches(way, own):
            return way
        first = first or way
    return first or (flat_cubic(start, end),)


def _forward_ways(start: Point, end: Point, em: float) -> Iterator[tuple[Cubic, ...]]:
    """One curve, longest first, with level parts before or behind it."""
    room = end[0] - start[0]
    stops = max(1, int(room / (0.5 * em)))
    offsets = [room * number / stops for number in range(stops + 1)]
    spans = [(a, b) for a in offsets for b in offsets if b - a >= min(1.6 * em, room)]
    for a, b in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
        points = [start, (start[0] + a, start[1]), (start[0] + b, end[1]), end]
        yield through([point for place, point in enumerate(points) if place == 0 or point != points[place - 1]])


def _backward_ways(start: Point, end: Point, em: float) -> Iterator[tuple[Cubic, ...]]:
    """Out to the right, back between the rows, in from the left."""
    down = end[1] - start[1]
    for swing in (4.2 * em, 3.4 * em, 2.6 * em):
        yield ((start, (start[0] + swing, start[1]), (end[0] - swing, end[1]), end),)
    for reach in (1.1 * em, 1.4 * em, 0.8 * em):
        for share in (0.5, 0.4, 0.6, 0.3, 0.7, 0.25, 0.2):
            yield turn_back(start, end, start[1] + down * share, reach)

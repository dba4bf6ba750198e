"""Layouts: nothing overlaps, no line runs through a box, the same cell gives the same picture."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.draw import Layout, Sizes, cell_layout
from engine.draw.crossings import crossings, order_layers
from engine.draw.curves import sampled
from engine.draw.frozen import frozen_layout, row_order
from engine.draw.layers import build_layers, node_ranks
from engine.draw.layout import elided, state_id
from engine.draw.placement import fit_in_order
from engine.draw.text_width import helvetica_width
from engine.genotype import CELL_KINDS, DARTS_PRIMITIVES, Cell, Edge
from engine.genotype.named import named_genotypes

SIZES = Sizes()
PUBLISHED = [
    pytest.param(genotype.cell(kind), id=f"{genotype.name}-{kind}")
    for genotype in named_genotypes()
    for kind in CELL_KINDS
]


def measure(text: str) -> float:
    return helvetica_width(text, SIZES.em)


def lay_out(cell: Cell) -> Layout:
    return cell_layout(cell, measure, SIZES)


@st.composite
def cells(draw: st.DrawFn, nodes: int | None = None, edges: int = 3) -> Cell:
    """Cells with double edges, loose nodes, inputs in the concat and primitives nobody registered."""
    names = st.sampled_from(
        [*DARTS_PRIMITIVES, "dw_conv_7x7", "a_primitive_with_a_name_that_is_far_too_long_for_a_pill"]
    )
    count = draw(st.integers(1, 12)) if nodes is None else nodes
    made = tuple(
        tuple(Edge(draw(names), draw(st.integers(0, 1 + node))) for _ in range(draw(st.integers(1, edges))))
        for node in range(count)
    )
    concat = draw(st.lists(st.integers(0, count + 1), min_size=1, unique=True))
    return Cell(made, tuple(concat))


def check(layout: Layout, cell: Cell) -> None:
    """Everything that holds for any picture of any cell. Independent of the layout's own geometry tests: dense sampling."""
    edges = sum(1 for _ in cell.edges())
    assert len(layout.boxes) == cell.state_count + edges + 1
    assert len(layout.paths) == 2 * edges + len(cell.concat)
    boxes = {box.id: box for box in layout.boxes}
    for a, b in itertools.combinations(layout.boxes, 2):
        apart_x = abs(a.x - b.x) - (a.width + b.width) / 2
        apart_y = abs(a.y - b.y) - (a.height + b.height) / 2
        assert max(apart_x, apart_y) > 1, (a, b)
    for box in layout.boxes:
        left, top, right, bottom = box.rectangle()
        assert left >= 0
        assert top >= 0
        assert right <= layout.width
        assert bottom <= layout.height
    for path in layout.paths:
        points = sampled(path.pieces, 60)
        assert points[0] == boxes[path.start].right
        assert points[-1] == boxes[path.end].left
        for before, after in itertools.pairwise(path.pieces):
            assert before[3] == after[0]
        for a, b, c, d in path.pieces:
            assert a[1] == pytest.approx(b[1], abs=1e-6)
            assert c[1] == pytest.approx(d[1], abs=1e-6)
        for x, y in points:
            assert 0 <= x <= layout.width
            assert 0 <= y <= layout.height
        for box in layout.boxes:
            if box.id in (path.start, path.end):
                continue
            left, top, right, bottom = box.rectangle()
            inside = [(x, y) for x, y in points if left < x < right and top < y < bottom]
            assert not inside, (path.start, path.end, box.id)
    inputs = [box for box in layout.boxes if box.kind == "input"]
    others = [box for box in layout.boxes if box.kind != "input"]
    assert max(box.rectangle()[2] for box in inputs) < min(box.rectangle()[0] for box in others)
    assert boxes[state_id(0)].y < boxes[state_id(1)].y
    concat = boxes["concat"]
    assert all(box.rectangle()[2] < concat.rectangle()[0] for box in layout.boxes if box is not concat)


@pytest.mark.parametrize("cell", PUBLISHED)
def test_published_cells_are_laid_out_cleanly(cell: Cell) -> None:
    check(lay_out(cell), cell)


@given(cells())
@settings(max_examples=40, deadline=None)
def test_any_cell_is_laid_out_cleanly(cell: Cell) -> None:
    check(lay_out(cell), cell)


@pytest.mark.parametrize("cell", PUBLISHED)
def test_lines_run_left_to_right_in_a_full_layout(cell: Cell) -> None:
    for path in lay_out(cell).paths:
        xs = [x for x, _ in sampled(path.pieces, 40)]

        assert xs == sorted(xs)


def test_the_same_cell_gives_the_same_picture_without_the_cache() -> None:
    from engine.draw.layout import _layout

    for parameter in PUBLISHED[:6]:
        cell = parameter.values[0]
        first = lay_out(cell)
        _layout.cache_clear()

        assert lay_out(cell) == first


@pytest.mark.parametrize(
    ("name", "kind", "most"), [("DARTS_V2", "reduction", 3), ("DARTS_V2", "normal", 6), ("PC_DARTS_cifar", "normal", 9)]
)
def test_crossings_stay_few(name: str, kind: str, most: int) -> None:
    genotype = next(genotype for genotype in named_genotypes() if genotype.name == name)
    layers = build_layers(genotype.cell(kind), SIZES)  # type: ignore[arg-type]
    as_written = crossings(layers)

    order_layers(layers)

    assert crossings(layers) <= min(as_written, most)


def test_restarts_never_end_worse_than_the_order_as_written() -> None:
    for parameter in PUBLISHED:
        layers = build_layers(parameter.values[0], SIZES)
        before = crossings(layers)

        assert order_layers(layers) <= before
        assert order_layers(layers) == crossings(layers)


def test_crossings_of_two_lines_are_counted() -> None:
    """Node 0 reads k−1, node 1 reads k−2: as written, their lines cross once; swapped, not at all."""
    cell = Cell(((Edge("skip_connect", 1),), (Edge("skip_connect", 0),)), (2, 3))
    layers = build_layers(cell, SIZES)

    assert crossings(layers) == 1
    assert order_layers(layers) == 0


def test_a_layout_of_a_published_cell_takes_less_than_a_tenth_of_a_second() -> None:
    import time

    from engine.draw.layout import _layout

    fastest = []
    for parameter in PUBLISHED:
        seconds = []
        for _ in range(3):
            _layout.cache_clear()
            begun = time.process_time()
            lay_out(parameter.values[0])
            seconds.append(time.process_time() - begun)
        fastest.append(min(seconds))

    assert max(fastest) < 0.1


def test_ranks_put_a_node_behind_all_that_it_reads() -> None:
    for parameter in PUBLISHED:
        cell = parameter.values[0]
        ranks = node_ranks(cell)

        for node, _, edge in cell.edges():
            assert ranks[node] > (0 if edge.source < 2 else ranks[edge.source - 2])


@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(0.1, 5), st.floats(0, 20)), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_heights_fit_in_order_are_the_least_squares_ones(things: list[tuple[float, float, float]]) -> None:
    """Against the conditions of an optimum: any block of touching things has its weighted mean shift at zero force."""
    wanted, weights, distances = [w for w, _, _ in things], [m for _, m, _ in things], [d for *_, d in things[1:]]

    found = fit_in_order(wanted, weights, distances)

    steps = [b - a for a, b in itertools.pairwise(found)]
    assert all(step >= distance - 1e-9 for step, distance in zip(steps, distances, strict=True))

    def cost(heights: list[float]) -> float:
        return sum(m * (y - w) ** 2 for y, w, m in zip(heights, wanted, weights, strict=True))

    # No feasible small move of a leading or trailing part does better.
    for cut in range(len(found)):
        for move in (-1e-3, 1e-3):
            for part in (range(cut, len(found)), range(cut + 1)):
                moved = [y + move * (place in part) for place, y in enumerate(found)]
                feasible = all(
                    b - a >= d - 1e-12 for (a, b), d in zip(itertools.pairwise(moved), distances, strict=True)
                )
                assert not feasible or cost(moved) >= cost(found) - 1e-6


def test_long_names_are_elided_to_the_limit() -> None:
    text = elided("a_primitive_with_a_very_long_name", measure, 80)

    assert text.endswith("…")
    assert measure(text) <= 80
    assert elided("skip", measure, 80) == "skip"


@pytest.mark.parametrize("nodes", range(1, 9))
def test_frozen_places_hold_every_choice_cleanly(nodes: int) -> None:
    """Every edge that a search may keep, in every slot, past every place that a box may take."""
    frozen = frozen_layout(nodes, DARTS_PRIMITIVES, measure, SIZES)
    for node in range(nodes):
        for sources in itertools.combinations_with_replacement(range(2 + node), 2):
            made = [(Edge("sep_conv_3x3", 0), Edge("skip_connect", 1))] * nodes
            made[node] = (Edge("dil_conv_5x5", sources[0]), Edge("max_pool_3x3", sources[1]))
            cell = Cell(tuple(made), tuple(range(2, 2 + nodes)))
            check(frozen.place(cell), cell)


@given(cells(nodes=4, edges=2), cells(nodes=4, edges=2))
@settings(max_examples=30, deadline=None)
def test_frozen_states_stay_whatever_is_chosen(first: Cell, second: Cell) -> None:
    names = [*DARTS_PRIMITIVES, "dw_conv_7x7", "a_primitive_with_a_name_that_is_far_too_long_for_a_pill"]
    frozen = frozen_layout(4, names, measure, SIZES)
    layouts = [frozen.place(cell) for cell in (first, second)]

    anchors = [{box.id: box for box in layout.boxes if box.kind != "operation"} for layout in layouts]
    assert anchors[0] == anchors[1]
    slots = {(box.x, box.y) for slots in frozen.slots for box in slots}
    assert all((box.x, box.y) in slots for layout in layouts for box in layout.operations())
    assert (layouts[0].width, layouts[0].height) == (layouts[1].width, layouts[1].height)


@given(st.integers(1, 30))
def test_rows_keep_the_next_node_out_of_the_way_of_later_ones(nodes: int) -> None:
    order = row_order(nodes)
    rows = {node: row for row, node in enumerate(order)}

    assert sorted(order) == list(range(nodes))
    for source in range(nodes):
        for reader in range(source + 2, nodes):
            low, high = sorted((rows[source], rows[reader]))
            assert not low < rows[source + 1] < high


def test_a_cell_that_does_not_fit_frozen_places_is_refused() -> None:
    frozen = frozen_layout(2, ["skip_connect"], measure, SIZES)
    cell = Cell(((Edge("skip_connect", 0),), (Edge("sep_conv_3x3", 1),)), (2, 3))

    assert not frozen.fits(cell)
    with pytest.raises(ValueError, match="other nodes"):
        frozen.place(cell)

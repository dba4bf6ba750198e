"""A drawing as plain shapes, the same for every writer; and how cells become one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from engine.draw.colours import INK, OUTPUT, PAPER, PILL_MIX, QUIET, STATE_FILL, mixed, primitive_hue
from engine.draw.curves import Cubic
from engine.draw.layout import Layout, Measure, Sizes, cell_layout
from engine.genotype.genotype import CellKind, Genotype


@dataclass(frozen=True)
class Line:
    """Cubic pieces, one after the other, stroked."""

    pieces: tuple[Cubic, ...]
    colour: str
    width: float
    dashed: bool = False
    arrow: bool = False
    """A small head at the end."""


@dataclass(frozen=True)
class Capsule:
    """A box with round ends around ``(x, y)``; a circle where it is as wide as high. ``radius`` is another one of its corners."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    outline: str
    title: str
    radius: float | None = None


@dataclass(frozen=True)
class Words:
    """A line of text; ``y`` is the height of its middle."""

    x: float
    y: float
    text: str
    size: float
    colour: str
    bold: bool = False
    centred: bool = True


@dataclass
class Picture:
    """Shapes on white, painted in order, within ``(0, 0)`` to ``(width, height)``."""

    width: float
    height: float
    title: str
    shapes: list[Line | Capsule | Words] = field(default_factory=list)


TITLES: dict[CellKind, str] = {"normal": "Normal cell", "reduction": "Reduction cell"}


def genotype_picture(
    genotype: Genotype, kinds: Sequence[CellKind], measure: Callable[[str, float], float], em: float = 10.0
) -> Picture:
    """The cells of a genotype, one above the other, each with its title where there are several.

    Args:
        measure: width of a text in a font of a size, in the picture's unit.
    """
    sizes = Sizes(em=em, label_limit=11 * em)
    label: Measure = lambda text: measure(text, em)  # noqa: E731 - a name for the reader, typed
    layouts = [cell_layout(genotype.cell(kind), label, sizes) for kind in kinds]
    heading = 2.4 * em if len(layouts) > 1 else 0.0
    space = 1.0 * em
    name = genotype.name or "Cell"
    picture = Picture(
        max(layout.width for layout in layouts),
        sum(layout.height + heading for layout in layouts) + space * (len(layouts) - 1),
        f"{name}: {' and '.join(TITLES[kind].lower() for kind in kinds)}",
    )
    top = 0.0
    for kind, layout in zip(kinds, layouts, strict=True):
        if heading:
            picture.shapes.append(
                Words(sizes.margin, top + heading * 0.6, TITLES[kind], em * 1.1, INK, bold=True, centred=False)
            )
        _add_cell(picture, layout, top + heading, em)
        top += heading + layout.height + space
    return picture


def _add_cell(picture: Picture, layout: Layout, down: float, em: float) -> None:
    stroke = 0.12 * em
    for path in sorted(layout.paths, key=lambda path: path.kind != "concat"):
        pieces = tuple(_lowered(piece, down) for piece in path.pieces)
        if path.kind == "concat":
            picture.shapes.append(Line(pieces, QUIET, stroke * 0.8, dashed=True))
        else:
            picture.shapes.append(Line(pieces, primitive_hue(path.primitive), stroke, arrow=path.kind == "write"))
    for box in layout.boxes:
        if box.kind == "operation":
            hue = primitive_hue(box.primitive)
            fill, outline = mixed(PAPER, hue, PILL_MIX), hue
        elif box.kind == "concat":
            fill, outline = mixed(PAPER, OUTPUT, PILL_MIX), OUTPUT
        else:
            fill, outline = STATE_FILL, QUIET
        picture.shapes.append(Capsule(box.x, box.y + down, box.width, box.height, fill, outline, box.title))
        picture.shapes.append(Words(box.x, box.y + down, box.label, em, INK, bold=box.kind == "node"))


def _lowered(piece: Cubic, down: float) -> Cubic:
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = piece
    return (ax, ay + down), (bx, by + down), (cx, cy + down), (dx, dy + down)

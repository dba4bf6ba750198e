"""A sub-network's picture in a file: the layout of ``stages.py`` as shapes, then SVG, PNG or PDF."""

from __future__ import annotations

from pathlib import Path

from engine.draw.colours import INK, PAPER, PILL_MIX, QUIET, STATE_FILL, mixed
from engine.draw.curves import flat_cubic
from engine.draw.picture import Capsule, Line, Picture, Words
from engine.draw.stages import CountedSubnet, Measure, StageLayout, stage_layout
from engine.draw.svg import svg_text
from engine.draw.text_width import helvetica_width
from engine.draw.write import Format, drawing_format, write_bytes
from engine.errors import DrawError

BLOCKS_LIMIT = 400
"""A network with more blocks is no picture any more."""
_DIM = "#5F6873"
_SHARE_MIX = 0.45


def subnet_picture(cost: CountedSubnet, name: str, facts: str, measure: Measure, em: float = 10.0) -> Picture:
    """The layout under a heading.

    Args:
        name: of the sub-network, as the heading.
        facts: what stands under it, quieter: its multiply-adds and parameters.
    """
    layout = stage_layout(cost, measure, em)
    heading = 4.6 * em
    picture = Picture(layout.width, layout.height + heading, f"{name}: {facts}")
    # Under each other: side by side they would collide where a reader's font is wider than the one that was measured.
    left = 1.2 * em
    picture.shapes.append(Words(left, 1.8 * em, name, 1.2 * em, INK, bold=True, centred=False))
    picture.shapes.append(Words(left, 3.5 * em, facts, em, _DIM, centred=False))
    _add(picture, layout, heading, em)
    picture.width = max(picture.width, left + 1.2 * max(1.2 * measure(name, em), measure(facts, em)) + left)
    return picture


def draw_subnet(cost: CountedSubnet, format: Format, *, name: str, facts: str) -> bytes:
    """The picture as the bytes of a file.

    Raises:
        DrawError: DOT, which is for cells, or a network of too many blocks.
    """
    if format == "dot":
        raise DrawError("DOT is for cells; a sub-network is no graph of operations.", mend="Use SVG, PNG or PDF.")
    blocks = sum(cost.architecture.depth)
    if blocks > BLOCKS_LIMIT:
        raise DrawError(f"the network has {blocks} blocks; at most {BLOCKS_LIMIT} make a picture.")
    if format == "svg":
        return svg_text(subnet_picture(cost, name, facts, helvetica_width)).encode()
    from engine.draw.figure import figure_bytes, measure

    return figure_bytes(subnet_picture(cost, name, facts, measure()), format)


def write_subnet(cost: CountedSubnet, path: Path, *, name: str, facts: str) -> None:
    """Write the picture to ``path``, in the format of its ending.

    Raises:
        DrawError: as ``draw_subnet``; an ending that is no format; a place that cannot be written.
    """
    format = drawing_format(path)
    write_bytes(path, lambda: draw_subnet(cost, format, name=name, facts=facts))


def _add(picture: Picture, layout: StageLayout, down: float, em: float) -> None:
    for rule in layout.rules:
        colour, width = (QUIET, 0.12 * em) if rule.kind == "flow" else (mixed(PAPER, QUIET, 0.5), 0.06 * em)
        picture.shapes.append(Line((flat_cubic((rule.x1, rule.y1 + down), (rule.x2, rule.y2 + down)),), colour, width))
    for mark in layout.marks:
        if mark.kind == "share":
            fill, outline = mixed(PAPER, mark.hue, _SHARE_MIX), mixed(PAPER, mark.hue, _SHARE_MIX)
        elif mark.kind in ("image", "classifier"):
            fill, outline = STATE_FILL, mark.hue
        else:
            fill, outline = mixed(PAPER, mark.hue, PILL_MIX), mark.hue
        picture.shapes.append(
            Capsule(mark.x, mark.y + down, mark.width, mark.height, fill, outline, mark.title, mark.radius)
        )
    for text in layout.texts:
        is_row = text.kind == "row"
        colour = _DIM if is_row else QUIET if text.text == "–" else INK
        picture.shapes.append(
            Words(text.x, text.y + down, text.text, text.size, colour, bold=text.kind == "name", centred=not is_row)
        )

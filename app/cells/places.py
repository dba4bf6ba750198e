"""Where the parts of a cell stand in a view of a given size."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize
from PySide6.QtGui import QFont, QFontInfo, QFontMetricsF

from app.cells.zoom_view import LARGEST_FIT
from engine.draw.frozen import frozen_layout
from engine.draw.layout import Layout, Sizes, cell_layout
from engine.genotype import Cell

FROZEN_IS_LARGER = 0.9
"""From this share of its scale on the fixed places win over a layout that would be tiny."""


def places(cell: Cell, primitives: Sequence[str], font: QFont, room: QSize, *, is_frozen: bool) -> Layout:
    """The layout of a cell: fixed places where they shall be kept, else its own one unless that would be tiny.

    Args:
        primitives: every one that the cells of this run may hold; the fixed places have room for all.
        room: of the view, in pixels.
    """
    metrics = QFontMetricsF(font)
    em = float(QFontInfo(font).pixelSize())
    sizes = Sizes(em=em, label_limit=9.5 * em)
    own = cell_layout(cell, metrics.horizontalAdvance, sizes)
    names = [name for name in primitives if name != "none"]
    frozen = frozen_layout(len(cell.nodes), names, metrics.horizontalAdvance, sizes)
    if not frozen.fits(cell):
        return own
    placed = frozen.place(cell)
    # A long chain in a narrow view would be tiny; the fixed places use the room in both directions.
    is_tiny = fitting_scale(own, room) < min(1.0, FROZEN_IS_LARGER * fitting_scale(placed, room))
    return placed if is_frozen or is_tiny else own


def fitting_scale(layout: Layout, room: QSize) -> float:
    """At what scale a layout fills the room."""
    return min(room.width() / layout.width, room.height() / layout.height, LARGEST_FIT)

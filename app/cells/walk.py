"""Walking through the operations of a cell with the arrow keys."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt

from app.cells.items import PillItem
from app.cells.scene import EdgeKey, edge_key

ARROWS = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)


def step(pills: Sequence[PillItem], selected: EdgeKey | None, key: Qt.Key) -> PillItem | None:
    """Up and down through the column, left to what feeds the source, right to what reads the node; None at an end."""
    if not pills:
        return None
    column = sorted(pills, key=lambda pill: (pill.box.y, pill.box.x))
    here = next((pill for pill in column if edge_key(pill) == selected), None)
    if here is None:
        return min(column, key=lambda pill: (pill.box.x, pill.box.y))
    source, node, _ = edge_key(here)
    if key == Qt.Key.Key_Right:
        near = [pill for pill in column if edge_key(pill)[0] == node + 2]
    elif key == Qt.Key.Key_Left:
        near = [pill for pill in column if edge_key(pill)[1] + 2 == source]
    else:
        place = column.index(here) + (1 if key == Qt.Key.Key_Down else -1)
        near = [column[place]] if 0 <= place < len(column) else []
    return min(near, key=lambda pill: abs(pill.box.y - here.box.y), default=None)

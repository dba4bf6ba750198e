"""The scene of one cell: items for a layout, kept and changed rather than made anew, and what is marked on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QAbstractAnimation, QObject, QRectF, QVariantAnimation
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QGraphicsScene

from app.cells.items import QUIET_OPACITY, BoxItem, LineItem, PillItem, StateItem
from engine.draw.layout import Layout, state_id

FADE_MILLISECONDS = 180

EdgeKey = tuple[int, int, str]
"""Source, node and primitive of an operation."""


def edge_key(pill: PillItem) -> EdgeKey:
    """Which operation a pill is."""
    box = pill.box
    return (box.source or 0, box.node or 0, box.primitive)


class CellScene(QGraphicsScene):
    """Shows a layout; knows nothing of runs."""

    def __init__(self, font: QFont, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._font = font
        self.layout_shown: Layout | None = None
        self._boxes: dict[str, BoxItem] = {}
        self._lines: dict[tuple[str, str], LineItem] = {}
        self._hovered: EdgeKey | None = None
        self._selected: EdgeKey | None = None
        self._fading: list[PillItem] = []
        self._fade = QVariantAnimation(self)
        self._fade.setStartValue(0.2)
        self._fade.setEndValue(1.0)
        self._fade.setDuration(FADE_MILLISECONDS)
        self._fade.valueChanged.connect(self._fade_step)

    def pills(self) -> list[PillItem]:
        """The operations, by node and place."""
        found = [item for item in self._boxes.values() if isinstance(item, PillItem)]
        return sorted(found, key=lambda item: (item.box.node or 0, item.box.place or 0))

    def box_item(self, identity: str) -> BoxItem | None:
        """The item of a box."""
        return self._boxes.get(identity)

    def lines(self) -> list[LineItem]:
        """All lines."""
        return list(self._lines.values())

    def set_font(self, font: QFont) -> None:
        """Take another font; the next layout must be measured with it."""
        self._font = font
        for item in self._boxes.values():
            item.set_font(font)

    def show_layout(self, layout: Layout | None, *, fade: bool = False) -> None:
        """Show a layout in place of the last; ``fade`` brings in the pills whose operation is new."""
        if layout == self.layout_shown:
            return
        before = {identity: edge_key(item) for identity, item in self._boxes.items() if isinstance(item, PillItem)}
        self.layout_shown = layout
        boxes = {} if layout is None else {box.id: box for box in layout.boxes}
        paths = {} if layout is None else {(path.start, path.end): path for path in layout.paths}
        for identity in self._boxes.keys() - boxes.keys():
            self.removeItem(self._boxes.pop(identity))
        for key in self._lines.keys() - paths.keys():
            self.removeItem(self._lines.pop(key))
        for identity, box in boxes.items():
            if identity in self._boxes:
                self._boxes[identity].set_box(box)
                continue
            item = PillItem(box, self._font) if box.kind == "operation" else StateItem(box, self._font)
            self._boxes[identity] = item
            self.addItem(item)
        for key, path in paths.items():
            if key in self._lines:
                self._lines[key].set_path(path)
            else:
                self._lines[key] = LineItem(path)
                self.addItem(self._lines[key])
        if layout is not None:
            self.setSceneRect(QRectF(0, 0, layout.width, layout.height))
        self._apply_marks()
        if fade:
            self._start_fade([pill for pill in self.pills() if before.get(pill.box.id) != edge_key(pill)])

    def set_weights(self, weights: Mapping[EdgeKey, float]) -> None:
        """Widths of the lines by softmax weight; operations without one get the usual width."""
        by_box = {pill.box.id: weights.get(edge_key(pill)) for pill in self.pills()}
        for line in self._lines.values():
            if line.path.kind != "concat":
                identity = line.path.end if line.path.kind == "read" else line.path.start
                line.set_weight(by_box.get(identity))

    def set_changed(self, is_changed: Callable[[EdgeKey], bool]) -> None:
        """Rings around changed operations."""
        for pill in self.pills():
            pill.set_changed(is_changed(edge_key(pill)))

    def set_found(self, keys: set[EdgeKey]) -> None:
        """Rings around operations that a search found."""
        for pill in self.pills():
            pill.set_found(edge_key(pill) in keys)

    def set_marks(self, hovered: EdgeKey | None, selected: EdgeKey | None) -> None:
        """Show which operation is under the mouse and which is selected, here or in another view."""
        if (hovered, selected) != (self._hovered, self._selected):
            self._hovered, self._selected = hovered, selected
            self._apply_marks()

    def _apply_marks(self) -> None:
        hover_here = self._hovered is not None and any(edge_key(pill) == self._hovered for pill in self.pills())
        ends = {mark: _ends(key) for mark, key in (("hovered", self._hovered), ("selected", self._selected))}
        strong: set[str] = set()
        for identity, item in self._boxes.items():
            if isinstance(item, PillItem):
                key = edge_key(item)
                item.set_marks(hovered=key == self._hovered, selected=key == self._selected)
                if key in (self._hovered, self._selected):
                    strong.add(identity)
                quiet = hover_here and key not in (self._hovered, self._selected)
                if item not in self._fading:
                    item.setOpacity(QUIET_OPACITY if quiet else 1.0)
            else:
                item.set_marks(hovered=identity in ends["hovered"], selected=identity in ends["selected"])
        for line in self._lines.values():
            is_strong = line.path.start in strong or line.path.end in strong
            line.set_highlighted(is_strong)
            line.setOpacity(QUIET_OPACITY if hover_here and not is_strong else 1.0)

    def _start_fade(self, pills: list[PillItem]) -> None:
        self._finish_fade()
        if pills:
            self._fading = pills
            self._fade.start(QAbstractAnimation.DeletionPolicy.KeepWhenStopped)

    def _fade_step(self, opacity: float) -> None:
        for pill in self._fading:
            pill.setOpacity(opacity)
        if opacity >= 1.0:
            self._fading = []

    def _finish_fade(self) -> None:
        self._fade.stop()
        for pill in self._fading:
            pill.setOpacity(1.0)
        self._fading = []


def _ends(key: EdgeKey | None) -> set[str]:
    """Ids of the states that an operation joins."""
    return set() if key is None else {state_id(key[0]), state_id(key[1] + 2)}

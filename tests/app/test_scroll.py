"""A column that scrolls is as high as its texts are, and no higher."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.cells.inspector import Inspector
from app.labels import Label
from app.scroll import ScrollColumn
from app.selection import Selection
from engine.genotype.named import named


def test_wrapped_texts_that_fit_need_no_bar(qtbot):
    column = ScrollColumn()
    qtbot.addWidget(column)
    text = Label("").wrapped()
    text.setText("One long sentence is taken for a square by Qt. " * 20)  # At this width it is seven lines high.
    column.column.addWidget(text)
    column.column.addStretch(1)
    column.resize(900, text.fontMetrics().height() * 8)
    column.show()
    qtbot.waitExposed(column)

    assert column.verticalScrollBar().maximum() == 0

    column.resize(200, 60)
    qtbot.waitUntil(lambda: column.verticalScrollBar().maximum() > 100)


def test_things_of_a_fixed_height_still_scroll(qtbot):
    column = ScrollColumn()
    qtbot.addWidget(column)
    high = QWidget()
    high.setMinimumHeight(500)
    column.column.addWidget(high)
    column.resize(200, 100)
    column.show()

    qtbot.waitUntil(lambda: column.verticalScrollBar().maximum() >= 400)


def test_the_inspector_ends_where_its_texts_end(qtbot):
    inspector = Inspector(Selection())
    qtbot.addWidget(inspector)
    inspector.resize(260, 400)
    inspector.set_genotype(named("PC_DARTS_cifar"))
    inspector.show()
    qtbot.waitUntil(lambda: inspector.verticalScrollBar().maximum() > 0)

    content = inspector.widget()
    assert content.height() == content.heightForWidth(content.width())

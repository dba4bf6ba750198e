from __future__ import annotations

import csv
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from fake_run import fake_config, fake_events
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.live.alpha_table import AlphaTableModel
from app.live.heatmap import AlphaHeatmap
from app.live.heatmap_paint import viridis
from app.run_model import RunModel
from app.selection import Operation, Selection
from app.theme import DARK, LIGHT, manager
from engine.genotype import declaration
from engine.genotype.discretize import softmax
from engine.runs import Event


def make_model(*, done: int = 20, method: str = "pc-darts", kind: str = "search", **values: object) -> RunModel:
    config = fake_config(kind, method=method, epochs=50, **values)
    model = RunModel(Path("pc-darts-3"), config.model_dump())
    model.feed(list(fake_events(config, done=done)))
    return model


def show(
    qtbot: QtBot, heatmap: AlphaHeatmap, model: RunModel | None, size: tuple[int, int] = (420, 210)
) -> AlphaHeatmap:
    qtbot.addWidget(heatmap)
    heatmap.resize(*size)
    heatmap.set_model(model)
    with qtbot.waitExposed(heatmap):
        heatmap.show()
    heatmap._refresher.now()
    return heatmap


def move_mouse(heatmap: AlphaHeatmap, place: QPointF) -> None:
    event = QMouseEvent(
        QEvent.Type.MouseMove, place, QPointF(heatmap.mapToGlobal(place)), Qt.MouseButton.NoButton, Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(heatmap, event)


@pytest.fixture(autouse=True)
def light() -> None:
    manager().set_choice("light")


@pytest.mark.parametrize("size", [(240, 140), (420, 210), (900, 600), (1280, 300)])
@pytest.mark.parametrize("place", [(0, 0), (5, 3), (13, 7), (9, 0)])
def test_hover_and_click_reach_the_operation_under_the_mouse(
    qtbot: QtBot, size: tuple[int, int], place: tuple[int, int]
) -> None:
    selection = Selection()
    heatmap = show(qtbot, AlphaHeatmap("normal", selection), make_model(), size)
    row, column = place
    source, node = heatmap.grid.edges[row]
    expected = Operation("normal", source, node, heatmap.grid.primitives[column])
    cell = heatmap.cell_rect(row, column)

    # The middle and the corners.
    for point in (cell.center(), cell.topLeft() + QPointF(0.5, 0.5), cell.bottomRight() - QPointF(1, 1)):
        move_mouse(heatmap, point)
        assert selection.hover == expected
    qtbot.mouseClick(heatmap, Qt.MouseButton.LeftButton, pos=cell.center().toPoint())
    assert selection.operation == expected

    move_mouse(heatmap, QPointF(1, 1))
    assert selection.hover is None


def test_cells_cover_the_area_without_overlap(qtbot: QtBot) -> None:
    heatmap = show(qtbot, AlphaHeatmap("normal", Selection()), make_model(), (433, 217))
    layout = heatmap.layout_now()

    for row in range(14):
        for column in range(8):
            cell = layout.cell(row, column)
            assert float(cell.left()).is_integer()
            assert float(cell.top()).is_integer()
            if column:
                assert cell.left() == layout.cell(row, column - 1).right()
            if row:
                assert cell.top() == layout.cell(row - 1, column).bottom()
    assert layout.cell(13, 7).bottomRight() == layout.cells.bottomRight()


def test_colours_follow_the_values(qtbot: QtBot) -> None:
    model = make_model()
    heatmap = show(qtbot, AlphaHeatmap("normal", Selection()), model, (900, 200))
    image = heatmap.grab().toImage()
    weights = softmax(model.history.alphas[-1].normal)

    for row in range(14):
        for column in range(8):
            if (row, column) in heatmap.grid.chosen:
                continue
            wanted = viridis()[round(weights[row, column] / heatmap.grid.high * 255)]
            found = image.pixelColor(heatmap.cell_rect(row, column).topLeft().toPoint() + QPointF(4, 3).toPoint())
            assert all(abs(a - b) <= 1 for a, b in zip(found.getRgb()[:3], wanted.getRgb()[:3], strict=True))


def test_chosen_operations_are_framed_in_white_and_the_selected_one_in_accent(qtbot: QtBot) -> None:
    selection = Selection()
    heatmap = show(qtbot, AlphaHeatmap("normal", selection), make_model())
    row, column = min(heatmap.grid.chosen)
    edge = heatmap.cell_rect(row, column).topLeft().toPoint() + QPointF(8, 0).toPoint()
    assert heatmap.grab().toImage().pixelColor(edge) == QColor("white")

    selection.select(heatmap.grid.operation(4, 4))
    edge = heatmap.cell_rect(4, 4).topLeft().toPoint() + QPointF(8, -1).toPoint()
    assert heatmap.grab().toImage().pixelColor(edge).name().upper() == LIGHT.accent


def test_shows_the_alphas_of_the_shown_epoch(qtbot: QtBot) -> None:
    model, selection = make_model(), Selection()
    heatmap = show(qtbot, AlphaHeatmap("reduction", selection), model)
    np.testing.assert_allclose(heatmap.grid.raw, model.history.alphas[-1].reduction)

    selection.show_epoch(16)
    heatmap._refresher.now()
    record = model.history.alphas_at_epoch(16)
    assert record is not None
    np.testing.assert_allclose(heatmap.grid.raw, record.reduction)

    selection.show_epoch(None)
    model.feed(
        [Event(1, 400, 20, "alphas", {"normal": np.zeros((14, 8)).tolist(), "reduction": np.ones((14, 8)).tolist()})]
    )
    heatmap._refresher.now()
    np.testing.assert_array_equal(heatmap.grid.raw, np.ones((14, 8)))


def test_scale_is_the_same_at_every_epoch(qtbot: QtBot) -> None:
    selection = Selection()
    heatmap = show(qtbot, AlphaHeatmap("normal", selection), make_model(done=45))
    live = heatmap.grid.high

    selection.show_epoch(3)
    heatmap._refresher.now()
    assert heatmap.grid.high == live

    heatmap.set_mode("raw")
    assert heatmap.grid.low == -heatmap.grid.high
    assert heatmap.grid.high >= np.abs(heatmap.grid.raw).max()


def test_description_tells_value_rank_and_raw_alpha(qtbot: QtBot) -> None:
    model = make_model(method="darts")
    heatmap = show(qtbot, AlphaHeatmap("normal", Selection()), model)
    raw = model.history.alphas[-1].normal

    said = heatmap.describe(6, 4)

    rank = int((raw[6] > raw[6, 4]).sum()) + 1
    assert said.startswith(f"k−1 → node 2 · sep 3×3 · {softmax(raw)[6, 4]:.3f} · rank {rank} of 8 · alpha raw ")
    assert heatmap.describe(4, 0).startswith("node 0 → node 1 · none")


def test_facts(qtbot: QtBot) -> None:
    selection = Selection()
    heatmap = AlphaHeatmap("normal", selection)
    facts: list[str] = []
    heatmap.fact_changed.connect(facts.append)
    show(qtbot, heatmap, make_model())
    assert facts[-1] == "softmax of alpha"

    selection.show_epoch(3)
    heatmap._refresher.now()
    assert facts[-1] == "softmax of alpha · epoch 4 · frozen to epoch 15"

    heatmap.set_mode("weighted")
    assert facts[-1].startswith("alpha × beta")


def test_alpha_times_beta_is_offered_only_with_betas(qtbot: QtBot) -> None:
    for method, offered in (("pc-darts", True), ("darts", False)):
        heatmap = show(qtbot, AlphaHeatmap("normal", Selection()), make_model(method=method, done=3))
        menu = heatmap.make_menu()
        assert ("alpha × beta" in [action.text() for action in menu.actions()]) == offered
        menu.deleteLater()


def test_arrow_keys_move_the_selection_and_escape_clears_it(qtbot: QtBot) -> None:
    selection = Selection()
    heatmap = show(qtbot, AlphaHeatmap("normal", selection), make_model())

    qtbot.keyClick(heatmap, Qt.Key.Key_Down)
    assert heatmap.grid.place(selection.operation) == min(heatmap.grid.chosen)
    selection.select(heatmap.grid.operation(0, 0))
    for key, place in (
        (Qt.Key.Key_Up, (0, 0)), (Qt.Key.Key_Down, (1, 0)), (Qt.Key.Key_Right, (1, 1)), (Qt.Key.Key_End, (1, 7)),
        (Qt.Key.Key_Right, (1, 7)), (Qt.Key.Key_Home, (1, 0)),
    ):  # fmt: skip
        qtbot.keyClick(heatmap, key)
        assert heatmap.grid.place(selection.operation) == place
    assert heatmap.accessibleDescription() == heatmap.describe(1, 0)
    qtbot.keyClick(heatmap, Qt.Key.Key_Escape)
    assert selection.operation is None


def test_an_operation_of_the_other_cell_is_not_marked(qtbot: QtBot) -> None:
    selection = Selection()
    heatmap = show(qtbot, AlphaHeatmap("normal", selection), make_model())
    before = heatmap.grab().toImage()

    selection.select(Operation("reduction", 0, 0, "none"))

    assert heatmap.grab().toImage() == before


def test_other_nodes_and_primitives(qtbot: QtBot) -> None:
    config = fake_config(method="darts", epochs=5, nodes=6, space="no-none")
    model = RunModel(Path("run"), config.model_dump())
    draw = np.random.default_rng(0)
    alphas = {kind: draw.standard_normal((27, 7)).tolist() for kind in ("normal", "reduction")}
    model.feed([Event(0, 0, 0, "started", {"steps_per_epoch": 5}), Event(1, 0, 0, "alphas", alphas)])
    heatmap = show(qtbot, AlphaHeatmap("normal", Selection()), model, (300, 160))

    assert (len(heatmap.grid.edges), len(heatmap.grid.primitives)) == (27, 7)
    assert len(heatmap.grid.chosen) == 12
    heatmap.grab()


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (None, "One row an edge"),
        ("retrain", "A retraining has no alphas"),
        ("random", "A random cell has no alphas"),
        ("fresh", "The first alphas"),
    ],
)
def test_empty_states_teach(qtbot: QtBot, model: str | None, words: str) -> None:
    made = None
    if model == "retrain":
        made = make_model(kind="retrain", done=1)
    elif model == "random":
        made = RunModel(Path("run"), fake_config(method="random").model_dump())
    elif model == "fresh":
        made = make_model(done=0)
    heatmap = show(qtbot, AlphaHeatmap("normal", Selection()), made)

    assert heatmap.accessibleDescription().startswith(words)
    assert heatmap.grid.values is None
    assert heatmap.sizeHint().height() == AlphaHeatmap("normal", Selection()).sizeHint().height()
    move_mouse(heatmap, heatmap.cell_rect(2, 2).center())
    heatmap.grab()


def test_svg_has_rows_columns_and_bar_as_text(qtbot: QtBot, tmp_path: Path) -> None:
    manager().set_choice("dark")
    heatmap = show(qtbot, AlphaHeatmap("normal", Selection()), make_model(), (900, 300))
    heatmap.save(tmp_path / "alphas.svg")

    root = ElementTree.fromstring((tmp_path / "alphas.svg").read_text(encoding="utf-8"))
    labels = ["".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert set(heatmap.grid.row_labels()) <= set(labels)
    assert {declaration(name).label for name in heatmap.grid.primitives} <= set(labels)
    assert f"{heatmap.grid.high:g}" in labels
    for kind in ("png", "pdf"):
        heatmap.save(tmp_path / f"alphas.{kind}")
        assert (tmp_path / f"alphas.{kind}").stat().st_size > 1000


def test_csv_is_exact(qtbot: QtBot, tmp_path: Path) -> None:
    model = make_model()
    heatmap = show(qtbot, AlphaHeatmap("normal", Selection()), model)
    heatmap.save(tmp_path / "alphas.csv")

    with (tmp_path / "alphas.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = np.array([float(row["alpha"]) for row in rows]).reshape(14, 8)
    np.testing.assert_array_equal(found, model.history.alphas[-1].normal)
    assert sum(row["chosen"] == "1" for row in rows) == 8


def test_table_is_a_twin_that_follows_and_selects(qtbot: QtBot) -> None:
    model, selection = make_model(), Selection()
    heatmap = show(qtbot, AlphaHeatmap("normal", selection), model)
    table = heatmap.open_table()
    assert heatmap.open_table() is table

    index = table.model.index(3, 4)
    assert float(table.model.data(index).split()[0]) == pytest.approx(heatmap.grid.values[3, 4], abs=5e-5)  # type: ignore[index]
    assert table.model.headerData(3, Qt.Orientation.Vertical) == "k−1 → 1"
    table.table.setCurrentIndex(index)
    assert selection.operation == heatmap.grid.operation(3, 4)

    selection.show_epoch(2)
    heatmap._refresher.now()
    assert table.model.grid is heatmap.grid
    table.copy()
    assert QApplication.clipboard().text().startswith("edge\tnone\tmax_pool_3x3")

    table.close()
    qtbot.waitUntil(lambda: heatmap._table is None)


def test_table_names_cells_for_screen_readers(qtbot: QtBot) -> None:
    heatmap = show(qtbot, AlphaHeatmap("normal", Selection()), make_model())
    model = AlphaTableModel(heatmap.grid)

    said = model.data(model.index(*min(heatmap.grid.chosen)), Qt.ItemDataRole.AccessibleTextRole)

    assert "→" in said
    assert said.endswith("chosen")


def test_theme_recolours(qtbot: QtBot) -> None:
    heatmap = show(qtbot, AlphaHeatmap("normal", Selection()), make_model())

    for choice, colours in (("dark", DARK), ("light", LIGHT)):
        manager().set_choice(choice)  # type: ignore[arg-type]
        assert heatmap.grab().toImage().pixelColor(1, heatmap.height() - 2).name().upper() == colours.panel


def test_rows_are_named_without_touching(qtbot: QtBot) -> None:
    heatmap = show(qtbot, AlphaHeatmap("normal", Selection()), make_model(), (300, 120))
    layout = heatmap.layout_now()

    assert layout.row_label_every >= 2
    assert layout.row_label_every * layout.cell_size[1] >= 0.8 * layout.line_height

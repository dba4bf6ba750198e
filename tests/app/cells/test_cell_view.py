"""A cell on screen: one selection with the other views, frozen places while live, find, walk, zoom."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fake_run import fake_config, fake_events
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.cells.cell_view import CellView
from app.cells.items import PillItem
from app.cells.scene import edge_key
from app.cells.zoom_view import LARGEST_FIT
from app.run_model import RunModel
from app.selection import Operation, Selection
from app.theme import manager
from engine.genotype import Cell, Edge, Genotype
from engine.genotype.named import named
from engine.runs import Event, Status


def make_model(done: int = 12, state: str = "running", epochs: int = 20) -> RunModel:
    config = fake_config(method="darts", epochs=epochs)
    model = RunModel(Path("run"), config.model_dump())
    model.feed(list(fake_events(config, done=done, steps_per_epoch=2)))
    model.set_status(Status(state, epochs=epochs))  # type: ignore[arg-type]
    return model


def show(qtbot: QtBot, view: CellView, width: int = 480, height: int = 300) -> CellView:
    qtbot.addWidget(view)
    view.resize(width, height)
    view.show()
    qtbot.waitExposed(view)
    return view


def pills(view: CellView) -> dict[tuple[int, int, str], PillItem]:
    return {edge_key(pill): pill for pill in view.cell_scene().pills()}


def place_of(view: CellView, pill: PillItem) -> QPoint:
    return view.mapFromScene(pill.pos())


def edges_of(genotype: Genotype, kind: str) -> set[tuple[int, int, str]]:
    return {(edge.source, node, edge.primitive) for node, _, edge in genotype.cell(kind).edges()}  # type: ignore[arg-type]


def test_it_shows_the_cell_of_the_newest_alphas_and_of_any_epoch(qtbot: QtBot) -> None:
    selection, model = Selection(), make_model()
    view = show(qtbot, CellView("normal", selection))
    view.set_model(model)

    newest = model.genotype(None)
    assert newest is not None
    assert set(pills(view)) == edges_of(newest, "normal")

    selection.show_epoch(2)
    early = model.genotype(2)
    assert early is not None
    assert edges_of(early, "normal") != edges_of(newest, "normal")
    assert set(pills(view)) == edges_of(early, "normal")
    assert view.fact.startswith("epoch 3")

    selection.show_epoch(None)
    assert set(pills(view)) == edges_of(newest, "normal")


def test_hover_is_shared_and_highlights_the_operation_with_its_ends(qtbot: QtBot) -> None:
    selection = Selection()
    view = show(qtbot, CellView("normal", selection))
    view.set_genotype(named("DARTS_V2"))
    pill = pills(view)[2, 3, "dil_conv_3x3"]

    QTest.mouseMove(view.viewport(), place_of(view, pill))

    assert selection.hover == Operation("normal", 2, 3, "dil_conv_3x3")
    assert pill.hovered
    scene = view.cell_scene()
    ends = [scene.box_item(identity) for identity in ("state2", "state5")]
    assert all(item is not None and item.hovered for item in ends)
    assert [line.highlighted for line in scene.lines()].count(True) == 2
    others = [other for other in scene.pills() if other is not pill]
    assert all(other.opacity() < 1 for other in others)

    QTest.mouseMove(view.viewport(), QPoint(2, 2))
    assert selection.hover is None
    assert not pill.hovered
    assert all(other.opacity() == 1 for other in others)


def test_hover_in_another_view_highlights_here_without_dimming_for_a_stranger(qtbot: QtBot) -> None:
    selection = Selection()
    view = show(qtbot, CellView("normal", selection))
    view.set_genotype(named("DARTS_V2"))

    selection.set_hover(Operation("normal", 1, 3, "max_pool_3x3"))

    assert all(pill.opacity() == 1 and not pill.hovered for pill in view.cell_scene().pills())
    selection.set_hover(Operation("reduction", 2, 3, "skip_connect"))
    assert not any(item is not None and item.hovered for item in map(view.cell_scene().box_item, ("state2", "state5")))


def test_click_selects_and_a_click_beside_lets_go(qtbot: QtBot) -> None:
    selection = Selection()
    view = show(qtbot, CellView("reduction", selection))
    view.set_genotype(named("DARTS_V2"))
    pill = pills(view)[2, 1, "skip_connect"]

    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place_of(view, pill))
    assert selection.operation == Operation("reduction", 2, 1, "skip_connect")
    assert pill.selected

    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(3, 3))
    assert selection.operation is None
    assert not pill.selected


def test_a_selection_made_elsewhere_shows_here_even_for_an_operation_not_chosen(qtbot: QtBot) -> None:
    selection = Selection()
    view = show(qtbot, CellView("normal", selection))
    view.set_genotype(named("DARTS_V2"))

    selection.select(Operation("normal", 2, 3, "dil_conv_3x3"))
    assert [key for key, pill in pills(view).items() if pill.selected] == [(2, 3, "dil_conv_3x3")]

    selection.select(Operation("normal", 1, 3, "max_pool_3x3"))
    assert not any(pill.selected for pill in view.cell_scene().pills())
    ends = [view.cell_scene().box_item(identity) for identity in ("state1", "state5")]
    assert all(item is not None and item.selected for item in ends)


def test_places_do_not_move_while_the_run_is_live_and_no_view_jumps(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cells.cell_view.FOLLOW_SECONDS", -1.0)  # Draw each piece, however fast they come.
    config = fake_config(method="darts", epochs=20)
    events = list(fake_events(config, done=20, steps_per_epoch=2))
    selection, model = Selection(), RunModel(Path("run"), config.model_dump())
    model.set_status(Status("running", epochs=20))
    view = show(qtbot, CellView("normal", selection))
    view.set_model(model)
    seen: set[frozenset[tuple[int, int, str]]] = set()
    anchors, transforms, places = set(), set(), set()

    for start in range(0, len(events), 10):
        model.feed(events[start : start + 10])
        layout = view.cell_scene().layout_shown
        if layout is None:
            continue
        seen.add(frozenset(pills(view)))
        anchors.add(tuple((box.id, box.x, box.y) for box in layout.boxes if box.kind != "operation"))
        places |= {(box.x, box.y) for box in layout.operations()}
        transforms.add(view.transform().m11())

    assert len(seen) > 2, "the run must change its mind for this test to mean anything"
    assert len(anchors) == 1
    assert len(places) == 8
    assert len(transforms) == 1

    model.set_status(Status("finished", epochs=20))
    assert not view.is_frozen
    final = view.cell_scene().layout_shown
    assert final is not None
    assert tuple((box.id, box.x, box.y) for box in final.boxes if box.kind != "operation") not in anchors


def test_epochs_of_a_finished_run_are_shown_in_frozen_places(qtbot: QtBot) -> None:
    selection, model = Selection(), make_model(done=20, state="finished")
    view = show(qtbot, CellView("normal", selection))
    view.set_model(model)
    anchors = set()

    for epoch in range(20):
        selection.show_epoch(epoch)
        layout = view.cell_scene().layout_shown
        assert layout is not None
        anchors.add(tuple((box.x, box.y) for box in layout.boxes if box.kind != "operation"))

    assert len(anchors) == 1


def test_changed_operations_wear_a_ring_until_the_next_epoch(qtbot: QtBot) -> None:
    selection, model = Selection(), make_model(done=20, state="finished")
    view = show(qtbot, CellView("normal", selection))
    view.set_model(model)
    assert not any(pill.changed for pill in view.cell_scene().pills())
    ringed_at_all = False

    for epoch in range(1, 20):
        before, now = model.genotype(epoch - 1), model.genotype(epoch)
        assert before is not None
        assert now is not None
        selection.show_epoch(epoch)
        ringed = {key for key, pill in pills(view).items() if pill.changed}
        assert ringed == edges_of(now, "normal") - edges_of(before, "normal")
        changes = len(ringed)
        end = "" if not changes else " · 1 change" if changes == 1 else f" · {changes} changes"
        assert view.fact == f"epoch {epoch + 1}{end}"
        ringed_at_all |= bool(ringed)

    assert ringed_at_all


def test_a_flip_within_an_epoch_is_ringed_and_the_ring_expires(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    selection, model = Selection(), make_model(done=1)
    view = show(qtbot, CellView("normal", selection))
    view.set_model(model)
    record = model.alphas(None)
    assert record is not None
    alphas = record.normal.copy()
    alphas[0] = 0
    alphas[0, 6] = 5
    now = [100.0]
    monkeypatch.setattr("app.cells.rings.time.monotonic", lambda: now[0])

    model.feed(
        [
            Event(
                0,
                record.step + 1,
                record.epoch,
                "alphas",
                {"normal": alphas.tolist(), "reduction": record.reduction.tolist()},
            )
        ]
    )
    assert pills(view)[0, 0, "dil_conv_3x3"].changed

    now[0] = 200.0
    view._mark_changes()
    assert not any(pill.changed for pill in view.cell_scene().pills())


def test_lines_are_wider_for_larger_weights(qtbot: QtBot) -> None:
    selection, model = Selection(), make_model(done=20, state="finished")
    view = show(qtbot, CellView("normal", selection))
    view.set_model(model)
    record = model.alphas(None)
    assert record is not None
    from engine.genotype.discretize import edge_index, operation_weights

    weights = operation_weights(record.normal)
    pairs = []
    for line in view.cell_scene().lines():
        if line.path.kind == "read":
            pill = view.cell_scene().box_item(line.path.end)
            assert isinstance(pill, PillItem)
            source, node, primitive = edge_key(pill)
            pairs.append((weights[edge_index(source, node), model.primitives.index(primitive)], line.width))
    pairs.sort()
    widths = [width for _, width in pairs]
    assert widths == sorted(widths)
    assert widths[0] < widths[-1]


def test_the_tooltip_tells_weight_margin_change_and_what_it_does(qtbot: QtBot) -> None:
    selection, model = Selection(), make_model(done=20, state="finished")
    view = show(qtbot, CellView("normal", selection))
    view.set_model(model)
    key, pill = next(iter(pills(view).items()))

    text = view.tooltip_at(place_of(view, pill))

    record = model.alphas(None)
    assert record is not None
    from engine.genotype.discretize import edge_index, operation_weights

    row = operation_weights(record.normal)[edge_index(key[0], key[1])]
    weight = row[model.primitives.index(key[2])]
    second = max(row[i] for i, name in enumerate(model.primitives) if name not in ("none", key[2]))
    assert f"{weight:.3f}" in text
    assert f"{weight - second:.3f} ahead of" in text
    assert "changed in epoch" in text or "unchanged since" in text
    from engine.genotype import declaration

    assert declaration(key[2]).summary in text
    state = view.cell_scene().box_item("state0")
    assert state is not None
    assert "c_{k−2}" in view.tooltip_at(view.mapFromScene(state.pos()))


def test_markup_in_a_primitives_name_is_shown_as_it_stands(qtbot: QtBot) -> None:
    cell = Cell(((Edge("<b>x</b>", 0), Edge("skip_connect", 1)),), (2,))
    view = show(qtbot, CellView("normal", Selection()))
    view.set_genotype(Genotype(cell, cell))

    text = view.tooltip_at(place_of(view, pills(view)[0, 0, "<b>x</b>"]))

    assert "&lt;b&gt;x&lt;/b&gt;" in text
    assert "<b>x</b>" not in text
    assert "Not registered" in text


def test_find_selects_one_after_another_and_escape_closes(qtbot: QtBot) -> None:
    selection = Selection()
    view = show(qtbot, CellView("normal", selection))
    view.set_genotype(named("DARTS_V2"))
    view.setFocus()

    qtbot.keyClick(view, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    bar = view._search.bar
    assert bar.isVisible()
    qtbot.keyClicks(bar.field, "sep 3x3")
    found = [key for key, pill in pills(view).items() if pill.found]
    assert len(found) == 5
    assert {primitive for *_, primitive in found} == {"sep_conv_3x3"}
    visited = [selection.operation]
    for _ in range(5):
        qtbot.keyClick(bar.field, Qt.Key.Key_Return)
        visited.append(selection.operation)
    assert len(set(visited[:5])) == 5
    assert visited[5] == visited[0]

    bar.field.setText("k-2 -> node 3")
    assert selection.operation == Operation("normal", 0, 3, "skip_connect")
    bar.field.setText("nothing like that")
    assert not any(pill.found for pill in view.cell_scene().pills())

    qtbot.keyClick(bar.field, Qt.Key.Key_Escape)
    assert not bar.isVisible()


def test_arrows_walk_along_the_operations(qtbot: QtBot) -> None:
    selection = Selection()
    view = show(qtbot, CellView("normal", selection))
    view.set_genotype(named("DARTS_V2"))

    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert selection.operation is not None
    selection.select(Operation("normal", 1, 0, "sep_conv_3x3"))
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert selection.operation == Operation("normal", 2, 3, "dil_conv_3x3")
    qtbot.keyClick(view, Qt.Key.Key_Left)
    assert selection.operation is not None
    assert selection.operation.node == 0
    visited = set()
    for key in (*[Qt.Key.Key_Up] * 8, *[Qt.Key.Key_Down] * 8):
        qtbot.keyClick(view, key)
        visited.add(selection.operation)
    assert len(visited) == 8
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert selection.operation is None


def wheel(view: CellView, at: QPointF, turns: int = 1) -> None:
    event = QWheelEvent(
        at, QPointF(view.viewport().mapToGlobal(at)), QPoint(), QPoint(0, 120 * turns), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(view.viewport(), event)


def test_it_fits_on_resize_until_the_person_zooms(qtbot: QtBot) -> None:
    view = show(qtbot, CellView("normal", Selection()), 300, 180)
    view.set_genotype(named("NASNet"))
    small = view.transform().m11()
    view.resize(420, 300)
    larger = view.transform().m11()
    assert larger > small
    view.resize(4000, 3000)
    assert view.transform().m11() == pytest.approx(LARGEST_FIT)

    view.resize(420, 300)
    wheel(view, QPointF(100, 100))
    zoomed = view.transform().m11()
    assert zoomed == pytest.approx(larger * 1.18)
    view.resize(300, 180)
    assert view.transform().m11() == zoomed

    qtbot.keyClick(view, Qt.Key.Key_0, Qt.KeyboardModifier.ControlModifier)
    assert view.transform().m11() == pytest.approx(small)
    layout = view.cell_scene().layout_shown
    assert layout is not None
    shown = view.mapToScene(view.viewport().rect()).boundingRect()
    assert shown.contains(view.cell_scene().sceneRect())


def test_dragging_pans_and_selects_nothing(qtbot: QtBot) -> None:
    selection = Selection()
    view = show(qtbot, CellView("normal", selection))
    view.set_genotype(named("DARTS_V2"))
    pill = pills(view)[2, 3, "dil_conv_3x3"]
    start = place_of(view, pill)

    QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, 5):
        QTest.mouseMove(view.viewport(), start + QPoint(-15 * step, 0))
    QTest.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=start + QPoint(-60, 0))

    assert selection.operation is None
    assert abs(place_of(view, pill).x() - (start.x() - 60)) <= 3


def test_an_empty_view_says_what_to_do_and_a_monster_is_not_drawn(qtbot: QtBot) -> None:
    view = show(qtbot, CellView("normal", Selection()))
    assert view._empty.text() == "Choose a run or a named cell."
    model = RunModel(Path("run"), fake_config(method="darts").model_dump())
    view.set_model(model)
    assert "first alphas" in view._empty.text()
    view.set_genotype(named("DARTS_V1"))
    assert view._empty.isHidden()

    monster = Cell(tuple(tuple(Edge("skip_connect", 0) for _ in range(64)) for _ in range(5)), (2,))
    view.set_genotype(replace(named("DARTS_V1"), normal=monster))
    assert "320 operations" in view._empty.text()
    assert view.cell_scene().pills() == []


def test_facts_tell_size_and_error_of_named_cells(qtbot: QtBot) -> None:
    view = show(qtbot, CellView("normal", Selection()))

    with qtbot.waitSignal(view.fact_changed) as heard:
        view.set_genotype(named("PC_DARTS_cifar"))

    assert heard.args == ["3.6 M parameters · 2.57 % error"]


def test_a_hidden_view_catches_up_when_it_is_shown(qtbot: QtBot) -> None:
    config = fake_config(method="darts", epochs=20)
    events = list(fake_events(config, done=20, steps_per_epoch=2))
    model = RunModel(Path("run"), config.model_dump())
    view = CellView("normal", Selection())
    qtbot.addWidget(view)
    view.set_model(model)

    model.feed(events)
    assert pills(view) == {}

    view.show()
    newest = model.genotype(None)
    assert newest is not None
    assert set(pills(view)) == edges_of(newest, "normal")


def test_another_model_lets_go_of_the_first(qtbot: QtBot) -> None:
    first, second = make_model(done=3), make_model(done=20, state="finished")
    view = show(qtbot, CellView("normal", Selection()))
    view.set_model(first)
    view.set_model(second)
    shown = set(pills(view))

    first.feed([Event(0, 100, 9, "alphas", {"normal": [[0.0] * 7 + [3.0]] * 14, "reduction": [[0.0] * 8] * 14})])

    assert set(pills(view)) == shown
    view.set_genotype(None)
    assert pills(view) == {}


def test_both_themes_paint_and_differ(qtbot: QtBot) -> None:
    view = show(qtbot, CellView("normal", Selection()))
    view.set_genotype(named("DARTS_V2"))
    pictures = []
    try:
        for choice in ("light", "dark"):
            manager().set_choice(choice)  # type: ignore[arg-type]
            pictures.append(view.grab().toImage())
    finally:
        manager().set_choice("light")

    assert pictures[0] != pictures[1]


def test_a_row_of_alphas_that_fits_no_space_breaks_nothing(qtbot: QtBot) -> None:
    model = RunModel(Path("run"), fake_config(method="darts").model_dump())
    model.set_status(Status("running", epochs=50))
    view = show(qtbot, CellView("normal", Selection()))
    view.set_model(model)

    model.feed([Event(0, 1, 0, "alphas", {"normal": [[0.0, 1.0]] * 14, "reduction": [[0.0] * 8] * 14})])

    assert pills(view) == {}


def test_pieces_of_a_log_that_come_fast_are_drawn_together(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    config = fake_config(method="darts", epochs=20)
    events = list(fake_events(config, done=20, steps_per_epoch=2))
    selection, model = Selection(), RunModel(Path("run"), config.model_dump())
    view = show(qtbot, CellView("normal", selection))
    view.set_model(model)
    drawn = []
    monkeypatch.setattr(view, "_refresh", lambda: drawn.append(model.history.step))
    monkeypatch.setattr("app.cells.cell_view.FOLLOW_SECONDS", 60.0)
    view._followed = -1000.0

    for start in range(0, len(events), 10):
        model.feed(events[start : start + 10])
    assert len(drawn) == 1

    view._follow_timer.setInterval(0)
    view._follow_timer.start()
    qtbot.waitUntil(lambda: len(drawn) == 2)
    assert drawn[-1] == model.history.step

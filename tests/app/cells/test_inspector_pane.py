"""The inspector: numbers against the discretization's own, texts for every case, nothing clipped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_run import fake_config, fake_events, write_fake_run
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.cells.explained import Explained
from app.cells.inspector import Inspector
from app.cells.notice import Notice, parted
from app.cells.notice_stack import noticed
from app.run_model import RunModel
from app.selection import Operation, Selection
from engine.explain import explain_records
from engine.genotype import CELL_KINDS
from engine.genotype.discretize import edge_index, edge_weights, operation_weights
from engine.genotype.named import named
from engine.runs import Event, Status


def make_model(method: str = "pc-darts", done: int = 31, state: str = "running") -> RunModel:
    config = fake_config(method=method)
    model = RunModel(Path("run"), config.model_dump(), name="My run")
    model.feed(list(fake_events(config, done=done, steps_per_epoch=2)))
    model.set_status(Status(state, epochs=50))  # type: ignore[arg-type]
    return model


def show(qtbot: QtBot, selection: Selection, width: int = 270, height: int = 820) -> Inspector:
    pane = Inspector(selection)
    qtbot.addWidget(pane)
    pane.resize(width, height)
    pane.show()
    qtbot.waitExposed(pane)
    return pane


def chosen(model: RunModel, node: int = 2, place: int = 1) -> Operation:
    genotype = model.genotype(None)
    assert genotype is not None
    edge = genotype.normal.nodes[node][place]
    return Operation("normal", edge.source, node, edge.primitive)


def test_a_chosen_operation_is_told_with_the_numbers_of_the_discretization(qtbot: QtBot) -> None:
    selection, model = Selection(), make_model()
    pane = show(qtbot, selection)
    pane.set_model(model)
    operation = chosen(model)

    selection.select(operation)

    record = model.alphas(None)
    assert record is not None
    assert record.normal_betas is not None
    row = edge_index(operation.source, operation.node)
    weights = operation_weights(record.normal)[row]
    beta = edge_weights(record.normal_betas)[row]
    column = model.primitives.index(operation.primitive)
    rivals = [weights[i] for i, name in enumerate(model.primitives) if name not in ("none", operation.primitive)]
    values = pane.table.values()
    assert values["alpha (softmax)"] == f"{weights[column]:.3f}"
    assert values["edge weight (beta)"] == f"{beta:.3f}"
    assert values["alpha × beta"] == f"{weights[column] * beta:.3f}"
    assert values["runner-up"].endswith(f"{max(rivals):.3f}")
    assert values["margin"].startswith(f"{weights[column] - max(rivals):.3f}")
    assert values["held by none"] == f"{weights[0]:.3f}"
    text = pane.text()
    assert "→ node 2, normal" in text
    assert "chosen, 2nd of 2 inputs" in text
    assert "Why this operation?" in text
    assert "edges differ" in text or "edge differs" in text or "same cells" in text


def test_operations_that_lost_are_told_as_not_chosen(qtbot: QtBot) -> None:
    selection, model = Selection(), make_model()
    pane = show(qtbot, selection)
    pane.set_model(model)
    operation = chosen(model)
    loser = next(name for name in model.primitives if name not in ("none", operation.primitive))

    selection.select(Operation("normal", operation.source, operation.node, loser))
    assert "not chosen" in pane.text()
    assert "behind it by" in pane.table.values()

    genotype = model.genotype(None)
    assert genotype is not None
    explained = Explained(model).nodes("normal", None)
    dropped = explained[2].dropped[0]
    selection.select(Operation("normal", dropped.source, 2, dropped.primitive))
    assert "best here, edge not kept" in pane.text()
    assert "drops the edge" in pane.text()


def test_without_betas_there_is_no_row_for_them(qtbot: QtBot) -> None:
    selection, model = Selection(), make_model("darts")
    pane = show(qtbot, selection)
    pane.set_model(model)

    selection.select(chosen(model))

    assert "edge weight (beta)" not in pane.table.values()
    assert "alpha × beta" not in pane.table.values()


def test_the_epoch_slider_takes_the_inspector_back(qtbot: QtBot) -> None:
    selection, model = Selection(), make_model()
    pane = show(qtbot, selection)
    pane.set_model(model)
    operation = chosen(model)
    selection.select(operation)
    now = pane.table.values()["alpha (softmax)"]

    selection.show_epoch(20)

    record = model.alphas(20)
    assert record is not None
    weight = operation_weights(record.normal)[edge_index(operation.source, operation.node)][
        model.primitives.index(operation.primitive)
    ]
    assert pane.table.values()["alpha (softmax)"] == f"{weight:.3f}" != now


@pytest.mark.parametrize("kind", CELL_KINDS)
def test_explanations_that_remember_agree_with_those_made_from_all_records(kind: str) -> None:
    model = make_model(done=40)
    explained = Explained(model)
    records = model.history.alphas_by_epoch()

    for epoch in (3, 39, 17, 38, 0):
        expected = explain_records([record for record in records if record.epoch <= epoch], kind, model.primitives)  # type: ignore[arg-type]
        assert explained.nodes(kind, epoch) == expected  # type: ignore[arg-type]


def test_diagnoses_of_the_run_are_shown_the_worst_first_and_only_those_known_by_then(qtbot: QtBot) -> None:
    selection, model = Selection(), make_model()
    pane = show(qtbot, selection)
    pane.set_model(model)
    said = (
        (5, "a", "info", "None holds much. It often does."),
        (9, "b", "severe", "The loss is no number. Lower the rate."),
        (9, "c", "warning", "Skips rise: 3 of 8. Six mean collapse."),
        (12, "c", "warning", "Skips rise: 5 of 8. Six mean collapse."),
    )
    model.feed(
        [Event(0, 100 + i, epoch, "diagnosis", {"code": code, "severity": severity, "message": message, "numbers": {}})
         for i, (epoch, code, severity, message) in enumerate(said)]
    )  # fmt: skip
    pane.refresh()

    def cards() -> list[str]:
        return [card.accessibleName() for card in pane.findChildren(Notice) if not card.isHidden()]

    assert cards() == [said[1][3], said[3][3], said[0][3]]
    selection.show_epoch(10)
    assert cards() == [said[1][3], said[2][3], said[0][3]]
    selection.show_epoch(2)
    assert cards() == []


def test_messages_are_parted_after_their_first_sentence() -> None:
    assert parted("Skip share is 0.25 now. It grew.") == ("Skip share is 0.25 now", "It grew.")
    assert parted("One sentence.") == ("One sentence", "")


def test_nothing_selected_teaches_and_sums_up(qtbot: QtBot) -> None:
    selection, model = Selection(), make_model()
    pane = show(qtbot, selection)
    assert "Choose a run or a named cell" in pane.text()
    assert "k−2 and k−1" in pane.text()

    pane.set_model(model)
    text = pane.text()
    assert "My run" in text
    assert "Click an operation" in text
    assert "8 operations" in text
    assert "If this were the final cell" in text

    pane.set_model(RunModel(Path("run"), fake_config().model_dump()))
    assert "first alphas" in pane.text()


def test_a_named_genotype_shows_its_passport_and_explains_its_operations(qtbot: QtBot) -> None:
    selection = Selection()
    pane = show(qtbot, selection)
    pane.set_genotype(named("DARTS_V2"))

    values = pane.table.values()
    assert values["CIFAR-10 error"] == "2.76 ± 0.09 %"
    assert values["parameters"] == "3.3 M"
    assert values["search cost"] == "1 GPU day"
    assert "Liu" in values["paper"]
    assert "4 nodes make 8 operations" in pane.text()

    selection.select(Operation("normal", 2, 3, "dil_conv_3x3"))
    text = pane.text()
    assert "node 0 → node 3, normal" in text
    assert "Node 3 takes dil 3×3 of node 0 and adds skip of k−2." in text
    assert "sees 5×5" in text
    assert "Why this operation?" not in text

    selection.select(Operation("normal", 1, 3, "max_pool_3x3"))
    assert "CIFAR-10 error" in pane.text()


def test_a_published_error_that_nobody_published_is_not_shown(qtbot: QtBot) -> None:
    pane = show(qtbot, Selection())

    pane.set_genotype(named("SDARTS_RS_c10_s5_random"))

    assert "CIFAR-10 error" not in pane.table.values()


@pytest.mark.parametrize("width", [240, 300])
@pytest.mark.parametrize("case", ["operation", "summary", "passport", "nothing"])
def test_no_text_is_clipped_in_a_narrow_pane(qtbot: QtBot, width: int, case: str) -> None:
    selection, model = Selection(), make_model()
    pane = show(qtbot, selection, width)
    if case == "passport":
        pane.set_genotype(named("DARTS_V2"))
    elif case != "nothing":
        pane.set_model(model)
    if case == "operation":
        selection.select(chosen(model))
    qtbot.waitUntil(lambda: pane.widget().width() == pane.viewport().width())

    right = pane.viewport().width()
    for label in pane.findChildren(QLabel):
        if not label.isVisible() or not label.text():
            continue
        corner = label.mapTo(pane.widget(), label.rect().topRight())
        assert corner.x() <= right, label.text()
        metrics = label.fontMetrics()
        if label.wordWrap():
            room = metrics.boundingRect(0, 0, label.width(), 10_000, Qt.TextFlag.TextWordWrap, label.text())
            assert room.height() <= label.height() + 1, label.text()
            assert room.width() <= label.width() + 1, label.text()
        else:
            assert metrics.horizontalAdvance(label.text()) <= label.width() + 1, label.text()


def test_the_edges_history_reads_off_any_epoch(qtbot: QtBot) -> None:
    selection, model = Selection(), make_model()
    pane = show(qtbot, selection)
    pane.set_model(model)
    operation = chosen(model)
    selection.select(operation)
    history = pane._history

    assert history.isVisible()
    area = history._area()
    text = history.readout(area.left() + area.width() * 20 / 49)
    record = model.alphas(20)
    assert record is not None
    weights = operation_weights(record.normal)[edge_index(operation.source, operation.node)]
    lines = text.splitlines()
    assert lines[0] == "Epoch 21"
    assert [float(line.split()[0]) for line in lines[1:]] == [round(float(w), 3) for w in np.sort(weights)[::-1]]
    assert history.readout(-100).startswith("Epoch 1\n")
    assert history.ceiling >= weights.max()


def test_a_long_search_gives_the_history_few_points(qtbot: QtBot) -> None:
    from app.cells.edge_history import POINTS_LIMIT, EdgeHistory

    history = EdgeHistory()
    qtbot.addWidget(history)
    epochs = list(range(5000))
    history.set_series(epochs, np.full((5000, 2), 0.5), ("skip_connect", "none"), "skip_connect", last_epoch=4999)

    assert len(history._epochs) <= POINTS_LIMIT + 1
    assert history._epochs[-1] == 4999
    assert history.ceiling == 0.6
    history.resize(200, 100)
    assert history.grab().size().width() == 200


def test_live_events_renew_it_but_not_at_every_batch(qtbot: QtBot) -> None:
    config = fake_config()
    events = list(fake_events(config, done=31, steps_per_epoch=2))
    half = len(events) // 2
    selection, model = Selection(), RunModel(Path("run"), config.model_dump())
    model.feed(events[:half])
    pane = show(qtbot, selection)
    pane.set_model(model)
    selection.select(chosen(model))
    before = pane.text()

    model.feed(events[half:-20])
    model.feed(events[-20:])
    assert pane.text() == before
    qtbot.waitUntil(lambda: pane.text() != before, timeout=3000)


def test_hovering_the_history_shows_nothing_before_it_has_data(qtbot: QtBot) -> None:
    pane = show(qtbot, Selection())

    assert pane._history.readout(QPointF(50, 5).x()) == ""


GAP = {
    "soft_accuracy_percent": 98.6, "discrete_accuracy_percent": 9.7, "recalibrated_accuracy_percent": 11.1, "gap_percent": 87.5,
    "split": "validation", "images": 216,
}  # fmt: skip


def test_the_discretization_gap_of_a_finished_search_is_shown_with_what_it_means(qtbot: QtBot) -> None:
    selection, model = Selection(), make_model("darts", done=50, state="finished")
    pane = show(qtbot, selection)
    pane.set_model(model)
    assert "Discretization gap" not in pane.text()

    model.feed([Event(0, 99, 49, "discretization_gap", GAP)])
    pane.refresh()

    text = pane.text()
    assert "all operations, mixed: 98.6 %" in text
    assert "chosen cells alone: 11.1 %" in text
    assert "gap: 87.5 points" in text
    assert "only a retraining tells" in text
    selection.show_epoch(20)
    assert "Discretization gap" not in pane.text()  # It was measured with the last alphas.


def test_a_gap_that_was_measured_on_demand_counts_more_than_that_of_the_end(qtbot: QtBot, tmp_path: Path) -> None:
    run = write_fake_run(tmp_path / "run", method="darts", epochs=2, done=2, state="finished")
    run.add_result(
        "discretization_gap", **{**GAP, "soft_accuracy_percent": 90.0, "recalibrated_accuracy_percent": 89.0}
    )
    model = RunModel(run.path, run.config_document())
    model.feed(list(fake_events(run.config(), done=2)))
    model.feed([Event(0, 99, 1, "discretization_gap", GAP)])
    pane = show(qtbot, Selection())

    pane.set_model(model)

    assert "gap: 1.0 points" in pane.text()
    assert "nearly as well" in pane.text()


def test_a_diagnosis_that_the_shown_alphas_no_longer_support_is_told_as_past(qtbot: QtBot) -> None:
    model = make_model("darts")
    record = model.alphas(30)
    assert record is not None
    severe = {"code": "skip_collapse", "severity": "severe", "message": "6 of 8 are skips. Collapse.", "numbers": {}}
    model.feed([Event(0, 100, 10, "diagnosis", severe)])

    (one,) = [one for one in noticed(model, None) if one.code == "skip_collapse"]
    assert one.is_past
    assert one.when == "Seen in epoch 11, no longer"

    skips = np.zeros_like(record.normal)
    skips[:, 3] = 5.0
    model.feed([Event(0, 200, 31, "alphas", {"normal": skips.tolist(), "reduction": record.reduction.tolist()})])
    (one,) = [one for one in noticed(model, None) if one.code == "skip_collapse"]
    assert not one.is_past


def test_a_random_cell_is_not_said_to_have_been_chosen(qtbot: QtBot) -> None:
    config = fake_config(method="random")
    model = RunModel(Path("run"), config.model_dump())
    model.feed([Event(0, 0, 0, "genotype", {"genotype": named("DARTS_V1").as_json(), "changed": []})])
    pane = show(qtbot, Selection())

    pane.set_model(model)

    assert "Drawn uniformly" in pane.text()
    assert "why it was chosen" not in pane.text()


def test_a_run_that_ended_without_a_cell_promises_none(qtbot: QtBot) -> None:
    model = RunModel(Path("run"), fake_config().model_dump())
    model.set_status(Status("failed"))
    pane = show(qtbot, Selection())

    pane.set_model(model)

    assert "ended before there was a cell" in pane.text()

from __future__ import annotations

import csv
import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from fake_run import fake_config, fake_events
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QImage, QMouseEvent, QWheelEvent
from pytestqt.qtbot import QtBot

from app.live.curve_words import readout
from app.live.curves import CurvePanel, link_x
from app.live.measures import CHOICES, choices, mean_entropy, measure, points
from app.run_model import RunModel
from app.selection import Selection
from app.theme import DARK, LIGHT, manager
from engine.runs import Event


def make_model(*, done: int = 31, epochs: int = 50, kind: str = "search", extra_steps: int = 0) -> RunModel:
    config = fake_config(kind, epochs=epochs)
    model = RunModel(Path("pc-darts-3"), config.model_dump())
    model.feed(list(fake_events(config, done=done, extra_steps=extra_steps)))
    return model


def show(qtbot: QtBot, panel: CurvePanel, model: RunModel | None, size: tuple[int, int] = (420, 170)) -> CurvePanel:
    qtbot.addWidget(panel)
    panel.resize(*size)
    panel.set_model(model)
    with qtbot.waitExposed(panel):
        panel.show()
    panel._refresher.now()
    return panel


@pytest.fixture(autouse=True)
def light() -> None:
    manager().set_choice("light")


@pytest.mark.parametrize("key", CHOICES)
def test_every_choice_draws_its_lines_in_the_axis(qtbot: QtBot, key: str) -> None:
    panel = show(qtbot, CurvePanel(Selection(), key), make_model())

    figure = panel.figure
    assert figure.curves
    assert (figure.left, figure.right) == (0.0, 50.0)
    for curve in figure.curves:
        x, y = curve.line
        assert (np.diff(x) >= 0).all()
        assert np.nanmin(y) >= figure.y.low - 1e-9
        assert np.nanmax(y) <= figure.y.high + 1e-9
    assert panel.accessibleName() == measure(key).title
    assert panel.accessibleDescription()


def test_train_is_raw_and_smoothed_and_validation_has_a_point_an_epoch(qtbot: QtBot) -> None:
    model = make_model(done=10)
    panel = show(qtbot, CurvePanel(Selection(), "loss"), model)

    train, alphas, validation = panel.figure.curves
    assert (train.role, alphas.role, validation.role) == ("train", "alphas", "validation")
    assert train.raw is not None
    assert validation.raw is None
    np.testing.assert_allclose(validation.line[0], np.arange(1, 11))
    np.testing.assert_array_equal(validation.line[1], model.history.series["epoch.validation_loss"].values)


def test_a_retraining_has_no_line_of_the_alphas(qtbot: QtBot) -> None:
    panel = show(qtbot, CurvePanel(Selection(), "loss"), make_model(kind="retrain"))

    assert [curve.role for curve in panel.figure.curves] == ["train", "validation"]


def test_search_without_validation_split_says_whose_images_judged_it(qtbot: QtBot) -> None:
    model = make_model(done=2)
    model.feed([Event(1, 39, 1, "epoch", {"validation_loss": 1.0, "validation_split": "alphas"})])

    assert measure("loss", model).lines[-1].label == "alphas' images"


def test_smoothing_zero_draws_the_raw_line_alone(qtbot: QtBot) -> None:
    panel = show(qtbot, CurvePanel(Selection(), "loss"), make_model(done=5))
    panel.set_smoothing(0.0)
    panel._refresher.now()

    train = panel.figure.curves[0]
    assert train.raw is None
    np.testing.assert_allclose(train.line[1], panel._model.history.series["step.loss"].values)  # type: ignore[union-attr]


def test_fact_tells_validation_accuracy_of_the_shown_epoch(qtbot: QtBot) -> None:
    model, selection = make_model(), Selection()
    panel = CurvePanel(selection, "accuracy")
    facts: list[str] = []
    panel.fact_changed.connect(facts.append)
    show(qtbot, panel, model)

    values = model.history.series["epoch.validation_accuracy_percent"].values
    assert facts[-1] == f"validation {values[-1]:.1f} %"

    selection.show_epoch(9)
    panel._refresher.now()
    assert facts[-1] == f"validation {values[9]:.1f} %"


def test_entropy_of_equal_alphas_is_log_of_their_number() -> None:
    assert mean_entropy(np.zeros((14, 8))) == pytest.approx(math.log(8))
    decided = np.full((2, 8), -1e3)
    decided[:, 0] = 0
    assert mean_entropy(decided) == pytest.approx(0)


def test_entropy_has_a_point_an_epoch() -> None:
    series = points(make_model(done=7).history, "entropy.normal")

    assert series is not None
    np.testing.assert_array_equal(series.steps, np.arange(1, 8) * 20 - 1)
    assert (series.times > 0).all()


def test_log_axis_shows_decades_and_leaves_out_zero(qtbot: QtBot) -> None:
    model = make_model(done=5)
    model.feed([Event(1, 100, 5, "step", {"loss": 0.0})])
    panel = show(qtbot, CurvePanel(Selection(), "loss"), model)

    panel.set_log(True)
    panel._refresher.now()

    figure = panel.figure
    assert float(figure.y.low).is_integer()
    assert np.isnan(figure.curves[0].raw[1][-1])  # type: ignore[index]
    assert {label for _, label in figure.y.ticks} <= {"0.001", "0.01", "0.1", "1", "10"}


def test_click_shows_the_nearest_epoch_and_the_newest_goes_live(qtbot: QtBot) -> None:
    selection = Selection()
    panel = show(qtbot, CurvePanel(selection, "loss"), make_model())

    for epochs, expected in ((10.2, 9), (0.1, 0), (31.2, None), (44.0, None)):
        place = QPointF(panel.plot.x_of(epochs), panel.plot.area().center().y())
        qtbot.mouseClick(panel.plot.viewport(), Qt.MouseButton.LeftButton, pos=place.toPoint())
        assert selection.epoch == expected


def test_shown_epoch_is_a_line_at_its_end(qtbot: QtBot) -> None:
    selection = Selection()
    panel = show(qtbot, CurvePanel(selection, "loss"), make_model())
    assert panel.figure.marker is None

    selection.show_epoch(24)
    panel._refresher.now()
    assert panel.figure.marker == 25.0


def test_drag_pans_and_is_no_click(qtbot: QtBot) -> None:
    selection = Selection()
    panel = show(qtbot, CurvePanel(selection, "loss"), make_model())
    panel.set_range(10, 20)
    panel._refresher.now()
    area = panel.plot.area()

    start = area.center()
    for kind, place, buttons in (
        (QEvent.Type.MouseButtonPress, start, Qt.MouseButton.LeftButton),
        (QEvent.Type.MouseMove, start + QPointF(area.width() / 5, 0), Qt.MouseButton.LeftButton),
        (QEvent.Type.MouseButtonRelease, start + QPointF(area.width() / 5, 0), Qt.MouseButton.NoButton),
    ):
        button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
        event = QMouseEvent(kind, place, place, button, buttons, Qt.KeyboardModifier.NoModifier)
        {
            QEvent.Type.MouseButtonPress: panel.plot.mousePressEvent,
            QEvent.Type.MouseMove: panel.plot.mouseMoveEvent,
            QEvent.Type.MouseButtonRelease: panel.plot.mouseReleaseEvent,
        }[kind](event)

    assert panel.figure.left == pytest.approx(8.0)
    assert panel.figure.right == pytest.approx(18.0)
    assert selection.epoch is None


def test_wheel_zooms_about_the_mouse_and_reset_shows_all(qtbot: QtBot) -> None:
    panel = show(qtbot, CurvePanel(Selection(), "loss"), make_model())
    place = QPointF(panel.plot.x_of(20.0), 60)
    event = QWheelEvent(
        place, place, QPointF(0, 0).toPoint(), QPointF(0, 120).toPoint(), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    panel.plot.wheelEvent(event)

    assert panel.figure.right - panel.figure.left == pytest.approx(40.0)
    assert panel.plot.x_of(20.0) == pytest.approx(place.x(), abs=0.5)

    panel.reset_zoom()
    panel._refresher.now()
    assert (panel.figure.left, panel.figure.right) == (0.0, 50.0)


def test_linked_panels_zoom_together(qtbot: QtBot) -> None:
    selection, model = Selection(), make_model()
    first, second = CurvePanel(selection, "loss"), CurvePanel(selection, "accuracy")
    for panel in (first, second):
        show(qtbot, panel, model)
    link_x((first, second))

    first.plot.range_wanted.emit(5.0, 15.0)
    second._refresher.now()
    assert (second.figure.left, second.figure.right) == (5.0, 15.0)

    second.reset_zoom()
    first._refresher.now()
    assert (first.figure.left, first.figure.right) == (0.0, 50.0)


def test_follow_keeps_the_newest_epochs_in_view(qtbot: QtBot) -> None:
    model = make_model(done=20)
    panel = show(qtbot, CurvePanel(Selection(), "loss"), model)
    panel.set_follow(True)
    panel._refresher.now()
    width = panel.figure.right - panel.figure.left

    model.feed([Event(1, step, step // 20, "step", {"loss": 1.0}) for step in range(400, 500)])
    panel._refresher.now()

    assert panel.figure.left < 25.0 <= panel.figure.right
    assert panel.figure.right - panel.figure.left == pytest.approx(width)


def test_axis_holds_still_while_numbers_stay_in_it(qtbot: QtBot) -> None:
    model = make_model(done=3)
    panel = show(qtbot, CurvePanel(Selection(), "loss"), model)
    before = panel.figure.y

    model.feed(list(fake_events(fake_config(epochs=50), done=12))[1:])
    panel._refresher.now()

    assert panel.figure.y == before


def test_one_wild_point_does_not_flatten_the_lines(qtbot: QtBot) -> None:
    model = make_model(done=10)
    panel = show(qtbot, CurvePanel(Selection(), "loss"), model)
    model.feed([Event(1, 200, 10, "step", {"loss": 100.0})])
    panel._refresher.now()

    assert panel.figure.y.high < 50


def test_readout_tells_epoch_step_raw_and_smoothed_of_every_line(qtbot: QtBot) -> None:
    model = make_model(done=10)
    panel = show(qtbot, CurvePanel(Selection(), "loss"), model)

    said = readout(panel._curves, 5.0)

    assert "epoch 5 · step 99" in said
    assert f"{model.history.series['step.loss'].values[99]:.3f}" in said
    assert f"{panel._curves._traces['step.loss'].smoothed[99]:.3f}" in said
    assert f"{model.history.series['epoch.validation_loss'].values[4]:.3f}" in said


def test_hidden_panels_do_not_draw(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_model(done=2)
    panel = show(qtbot, CurvePanel(Selection(), "loss"), model)
    panel.hide()
    drawn: list[int] = []
    monkeypatch.setattr(panel._refresher, "_draw", lambda: drawn.append(1))

    model.feed([Event(1, step, 2, "step", {"loss": 1.0}) for step in range(40, 45)])
    assert not panel._refresher._timer.isActive()
    assert not drawn

    panel.show()
    qtbot.waitUntil(lambda: bool(drawn), timeout=2000)


def test_changes_that_come_fast_are_drawn_together(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_model(done=2)
    panel = show(qtbot, CurvePanel(Selection(), "loss"), model)
    drawn: list[int] = []
    monkeypatch.setattr(panel._refresher, "_draw", lambda: drawn.append(1))

    for step in range(40, 90):
        model.feed([Event(1, step, 2, "step", {"loss": 1.0})])
    qtbot.waitUntil(lambda: bool(drawn), timeout=2000)

    assert len(drawn) == 1


def test_empty_state_is_one_sentence(qtbot: QtBot) -> None:
    panel = show(qtbot, CurvePanel(Selection(), "loss"), None)

    assert panel.figure.sentence.endswith(".")
    assert panel.figure.curves == ()
    assert panel.accessibleDescription() == panel.figure.sentence

    panel.set_model(make_model(done=2))
    panel._refresher.now()
    assert panel.figure.sentence == ""
    panel.set_model(None)
    panel._refresher.now()
    assert panel.figure.sentence


def test_resume_of_the_run_never_draws_backwards(qtbot: QtBot) -> None:
    model = make_model(done=6)
    panel = show(qtbot, CurvePanel(Selection(), "loss"), model)
    model.feed([Event(5, 70, 3, "resumed")])
    model.feed([Event(9e9 + step, step, step // 20, "step", {"loss": 1.0}) for step in range(70, 130)])
    panel._refresher.now()

    for curve in panel.figure.curves:
        for line in filter(None, (curve.line, curve.raw)):
            assert (np.diff(line[0]) >= 0).all()
    assert panel.figure.curves[0].line[0][-1] == pytest.approx(6.5)


def test_another_choice_tells_its_title(qtbot: QtBot) -> None:
    panel = show(qtbot, CurvePanel(Selection(), "loss"), make_model(done=2))

    with qtbot.waitSignal(panel.title_changed) as told:
        panel.set_choice("gradients")
    panel._refresher.now()

    assert told.args == ["Gradient norms"]
    assert panel.is_log
    assert [curve.dashed for curve in panel.figure.curves] == [False, True]  # the alphas are frozen still


def test_options_show_and_set_the_state(qtbot: QtBot) -> None:
    panel = show(qtbot, CurvePanel(Selection(), "loss"), make_model(done=2))
    options = panel._options
    options.set_state("loss", 0.9, smooths=True, log=False, follow=False)

    options.smoothing.setValue(970)
    options.log.setChecked(True)
    options.choice.setCurrentIndex(1)
    options.choice.activated.emit(1)

    assert panel.smoothing == 0.97
    assert panel.choice == "accuracy"
    assert options.smoothing.maximum() == 999


def test_menu_offers_choices_and_exports(qtbot: QtBot) -> None:
    panel = show(qtbot, CurvePanel(Selection(), "loss"), make_model(done=2))

    menu = panel.make_menu()
    texts = [action.text() for action in menu.actions()]
    menu.deleteLater()

    for kind in ("PNG", "SVG", "PDF", "CSV"):
        assert any(kind in text for text in texts)
    assert "Copy picture" in texts


def test_svg_is_white_and_has_its_labels_as_text(qtbot: QtBot, tmp_path: Path) -> None:
    manager().set_choice("dark")
    panel = show(qtbot, CurvePanel(Selection(), "loss"), make_model())
    panel.save(tmp_path / "loss.svg")

    text = (tmp_path / "loss.svg").read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    labels = {"".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"Loss", "train", "validation", "alphas' batch", "0", "50"} <= labels
    assert root.attrib["viewBox"]
    assert LIGHT.train.lower() in text.lower()
    assert DARK.panel.lower() not in text.lower()


def test_png_and_pdf_are_written(qtbot: QtBot, tmp_path: Path) -> None:
    panel = show(qtbot, CurvePanel(Selection(), "accuracy"), make_model(done=5))
    for kind in ("png", "pdf"):
        panel.save(tmp_path / f"accuracy.{kind}")

    image = QImage(str(tmp_path / "accuracy.png"))
    assert image.width() > 3 * 400
    assert image.pixelColor(2, 2).name() == "#ffffff"
    assert (tmp_path / "accuracy.pdf").read_bytes().startswith(b"%PDF")


def test_a_picture_that_cannot_be_written_raises(qtbot: QtBot, tmp_path: Path) -> None:
    panel = show(qtbot, CurvePanel(Selection(), "loss"), make_model(done=2))

    for kind in ("png", "svg", "pdf", "csv"):
        with pytest.raises(OSError):
            panel.save(tmp_path / "no folder" / f"loss.{kind}")


def test_csv_holds_every_number_of_every_series_exactly(qtbot: QtBot, tmp_path: Path) -> None:
    model = make_model(done=4)
    model.feed([Event(7.25, 80, 4, "step", {"loss": None})])
    panel = show(qtbot, CurvePanel(Selection(), "loss"), model)
    panel.save(tmp_path / "run.csv")

    with (tmp_path / "run.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for name, series in model.history.series.items():
        mine = [row for row in rows if row["series"] == name]
        assert [int(row["step"]) for row in mine] == [int(step) for step in series.steps]
        assert [float(row["unix_seconds"]) for row in mine] == list(series.times)
        values = [float(row["value"]) if row["value"] else math.nan for row in mine]
        np.testing.assert_array_equal(values, series.values)
    assert sum(row["series"] == "entropy.reduction" for row in rows) == 4


def test_theme_recolours_the_plot(qtbot: QtBot) -> None:
    panel = show(qtbot, CurvePanel(Selection(), "loss"), make_model(done=5))

    for choice, colours in (("dark", DARK), ("light", LIGHT)):
        manager().set_choice(choice)  # type: ignore[arg-type]
        image = panel.plot.grab().toImage()
        assert image.pixelColor(1, 1).name().upper() == colours.panel
        assert panel.plot._line_items[0].opts["pen"].color().name().upper() == colours.train


def test_keys_step_through_epochs(qtbot: QtBot) -> None:
    selection = Selection()
    panel = show(qtbot, CurvePanel(selection, "loss"), make_model())

    qtbot.keyClick(panel, Qt.Key.Key_Left)
    assert selection.epoch == 29
    qtbot.keyClick(panel, Qt.Key.Key_Right)
    assert selection.epoch is None
    qtbot.keyClick(panel, Qt.Key.Key_Left)
    qtbot.keyClick(panel, Qt.Key.Key_Escape)
    assert selection.epoch is None


def test_smoothing_suits_the_length_of_the_run_until_it_is_chosen(qtbot: QtBot) -> None:
    panel = show(qtbot, CurvePanel(Selection(), "loss"), make_model(done=2, epochs=3))
    assert panel.smoothing == 0.6
    panel.set_model(make_model(done=2, epochs=50))
    assert panel.smoothing == pytest.approx(1 - 2 / (1000 / 80 + 1), abs=0.005)

    panel.set_smoothing(0.3)
    panel.set_model(make_model(done=2, epochs=3))
    assert panel.smoothing == 0.3


def test_dots_stand_at_the_newest_point_only(qtbot: QtBot) -> None:
    panel = show(qtbot, CurvePanel(Selection(), "loss"), make_model(done=20))
    assert all(curve.end() is not None for curve in panel.figure.curves)

    panel.set_range(5, 10)
    panel._refresher.now()

    assert all(curve.end() is None for curve in panel.figure.curves)


def supernet_model(**values: object) -> RunModel:
    config = fake_config("two-stage", method="bignas", data="digits", epochs=6, **values)
    model = RunModel(Path("net"), config.model_dump())
    model.feed(list(fake_events(config, done=3, extra_steps=2, steps_per_epoch=6)))
    return model


def test_a_supernet_has_the_lines_of_its_networks_and_nothing_about_alphas(qtbot: QtBot) -> None:
    model = supernet_model()
    sources = {line.source for key in choices(model) for line in measure(key, model).lines}

    assert "entropy" not in choices(model)
    assert not any("alpha" in source or "entropy" in source for source in sources)
    words = " ".join([measure(key, model).empty + measure(key, model).title for key in choices(model)])
    assert "alpha" not in words.lower()
    assert {f"epoch.{whose}validation_accuracy_percent" for whose in ("", "smallest_", "sampled_")} <= sources
    for source in sources - {"memory.device_mib"}:
        assert points(model.history, source) is not None, source


def test_the_header_tells_the_newest_accuracies_of_a_supernet(qtbot: QtBot) -> None:
    panel = CurvePanel(Selection(), "accuracy")
    qtbot.addWidget(panel)
    facts, titles = [], []
    panel.fact_changed.connect(facts.append)
    panel.title_changed.connect(titles.append)
    model = supernet_model()
    last = model.history.last["epoch"].data

    panel.set_model(model)
    panel._refresher.now()

    names = {"biggest": "", "sampled": "sampled_", "smallest": "smallest_"}
    expected = [f"{name} {last[f'{whose}validation_accuracy_percent']:.1f} %" for name, whose in names.items()]
    assert facts == [" · ".join(expected)]
    assert titles == ["Validation accuracy"]
    panel.set_model(None)
    assert panel.title == "Accuracy"


def test_without_distillation_no_loss_is_of_soft_labels(qtbot: QtBot) -> None:
    assert any("soft" in line.label for line in measure("loss", supernet_model()).lines)
    assert not any("soft" in line.label for line in measure("loss", supernet_model(distillation=False)).lines)


def test_the_chooser_offers_what_a_run_can_have(qtbot: QtBot) -> None:
    panel = CurvePanel(Selection(), "loss")
    qtbot.addWidget(panel)
    panel.set_model(supernet_model())
    panel._open_options()
    options = panel._options.choice
    assert [options.itemData(row) for row in range(options.count())] == [key for key in CHOICES if key != "entropy"]

    panel._options.hide()
    panel.set_model(None)
    panel._open_options()
    assert options.count() == len(CHOICES)
    panel._options.hide()

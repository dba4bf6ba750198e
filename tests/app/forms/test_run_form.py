"""The form as a person sees it: its size, its groups, an emptied number, and what keeps it from starting."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton, QSpinBox, QToolButton

from app.forms.draft import RunDraft
from app.forms.forecast import answer_in_words
from app.forms.run_form import RunForm


@pytest.fixture
def form(qtbot):
    made = RunForm(RunDraft("search"))
    qtbot.addWidget(made)
    made.show()
    return made


def test_it_opens_as_high_as_it_says(form):
    assert form.size() == form.sizeHint()


def test_an_emptied_number_is_no_number(form, qtbot):
    box = form.findChild(QSpinBox, "limit_images")
    assert box.text() == "empty"
    form.set_value("limit_images", 300)
    qtbot.waitUntil(lambda: form.draft.said == {"limit_images": 300})

    box.selectAll()
    QTest.keyClick(box, Qt.Key.Key_Delete)
    box.interpretText()

    qtbot.waitUntil(lambda: form.draft.value("limit_images") is None)
    assert form.draft.said == {}
    assert form.draft.is_ready


def test_a_number_that_must_be_there_comes_back(form, qtbot):
    box = form.findChild(QSpinBox, "epochs")
    before = box.value()

    box.selectAll()
    QTest.keyClick(box, Qt.Key.Key_Delete)
    QTest.keyClick(box, Qt.Key.Key_Tab)

    assert box.value() == before


def test_the_foot_names_settings_that_are_out_of_sight(form, qtbot):
    form.set_value("learning_rate", "bad")
    form.set_value("momentum", "3")
    qtbot.waitUntil(lambda: not form.start_button.isEnabled())

    said = [label.text() for label in form.findChildren(QLabel)]

    assert "Before it can start: Learning rate, Momentum" in said
    assert form.findChild(QToolButton, "group_weights").isChecked()


def test_every_group_has_a_name_and_tells_all_its_settings(form):
    header = form.findChild(QToolButton, "group_data")
    texts = [label.toolTip() for label in header.parentWidget().findChildren(QLabel)]
    assert any("limit images" in text and "cutout" in text for text in texts)


def test_the_forecast_sentence_does_not_move(form):
    button = form.findChild(QPushButton, "forecast")
    widths = set()
    for text in ("Forecast", "Stop asking"):
        button.setText(text)
        widths.add(max(button.sizeHint().width(), button.minimumWidth()))
    assert len(widths) == 1


@pytest.mark.parametrize(
    ("seconds", "words"), [(541, "About 9 min."), (97, "About 1 min 37 s."), (119.9, "About 2 min."), (3630, "About 1 h.")]
)  # fmt: skip
def test_a_forecast_claims_no_seconds_it_does_not_know(seconds, words):
    assert answer_in_words({"hours": seconds / 3600}) == words

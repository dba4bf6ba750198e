"""The forecast in the form: a child that is asked, its answer, and the batch that is taken over."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton

from app.forms.draft import RunDraft
from app.forms.forecast import answer_in_words
from app.forms.run_form import RunForm
from engine.genotype.named import named

ANSWER = {
    "hours": 10 / 3, "peak_memory_mib": 5222.4, "free_memory_mib": 8192.0, "fits": True, "largest_batch_size": 96,
    "learning_rate": 0.0375, "messages": ["A sentence for the tooltip."],
}  # fmt: skip
SENTENCE = "About 3 h 20 min, 5.1 GiB of 8.0 GiB, fits; largest batch 96 (learning rate 0.0375)."


@pytest.fixture
def form_with(qtbot, tmp_path):
    """Makes forms whose child prints an answer; ``asked`` has the words of each question."""
    asked: list[list[str]] = []

    def make(answer: object, *, code: int = 0, seconds: float = 0.0, errors: str = "", draft: RunDraft | None = None):
        file = tmp_path / "answer.json"
        file.write_text(json.dumps(answer))

        def command(words):
            asked.append(list(words))
            program = (
                f"import sys, time; time.sleep({seconds}); print(open({str(file)!r}).read());"
                f"sys.stderr.write({errors!r}); sys.exit({code})"
            )
            return [sys.executable, "-c", program]

        form = RunForm(draft or RunDraft("search"), command=command)
        qtbot.addWidget(form)
        form.show()
        return form, asked

    return make


def parts(form):
    return (
        form.findChild(QPushButton, "forecast"),
        form.findChild(QLabel, "forecast_text"),
        form.findChild(QPushButton, "use_batch"),
    )


def test_answer_is_shown_and_the_batch_can_be_used(form_with, qtbot):
    form, asked = form_with(ANSWER)
    button, text, use = parts(form)
    assert use.isHidden()
    form.set_value("epochs", 30)
    qtbot.waitUntil(lambda: form.draft.value("epochs") == 30)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: text.text() == SENTENCE, timeout=20_000)

    assert asked[0][:4] == ["search", "--method", "darts", "--data"]
    assert asked[0][-2:] == ["--forecast", "--json"]
    assert "epochs=30" in asked[0]
    assert "A sentence for the tooltip." in text.toolTip()
    assert use.isVisible()
    qtbot.mouseClick(use, Qt.MouseButton.LeftButton)
    assert form.draft.value("batch_size") == 96
    assert form.draft.value("learning_rate") == 0.0375
    assert form.draft.is_ready
    assert "--set batch_size=96 --set learning_rate=0.0375" in form.draft.command_line()
    assert "changed since" in text.text()  # The answer was about the other batch.
    assert use.isHidden()


def test_keyboard_reaches_the_button(form_with, qtbot):
    form, _ = form_with(ANSWER)
    button, text, use = parts(form)
    assert button.focusPolicy() & Qt.FocusPolicy.TabFocus
    button.setFocus()
    qtbot.keyClick(button, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: text.text() == SENTENCE, timeout=20_000)
    assert use.focusPolicy() & Qt.FocusPolicy.TabFocus
    qtbot.keyClick(use, Qt.Key.Key_Space)
    assert form.draft.value("batch_size") == 96


def children():
    """Processes that the form has started; multiprocessing's helpers of earlier tests in this process stay."""
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if not any("multiprocessing" in word for word in child.cmdline())
    ]


def test_changed_setting_ends_the_question(form_with, qtbot):
    form, _ = form_with(ANSWER, seconds=60)
    button, text, use = parts(form)
    button.click()
    qtbot.waitUntil(lambda: bool(children()), timeout=10_000)
    assert button.text() == "Stop asking"
    form.set_value("channels", 4)
    qtbot.waitUntil(lambda: "changed since" in text.text(), timeout=5_000)

    assert not children()
    assert button.text() == "Forecast"
    assert use.isHidden()


def test_name_of_the_run_changes_nothing(form_with, qtbot):
    form, _ = form_with({**ANSWER, "fits": True})
    button, text, _ = parts(form)
    button.click()
    qtbot.waitUntil(lambda: text.text() == SENTENCE, timeout=20_000)
    form.set_value("name", "mine")
    qtbot.wait(50)

    assert text.text() == SENTENCE


def test_person_stops_asking(form_with, qtbot):
    form, _ = form_with(ANSWER, seconds=60)
    button, text, _ = parts(form)
    button.click()
    qtbot.waitUntil(lambda: bool(children()), timeout=10_000)
    button.click()

    assert not children()
    assert button.text() == "Forecast"
    assert "real steps" in text.text()


def test_closing_the_form_ends_the_question(form_with, qtbot):
    form, _ = form_with(ANSWER, seconds=60)
    parts(form)[0].click()
    qtbot.waitUntil(lambda: bool(children()), timeout=10_000)
    begin = time.monotonic()
    form.reject()

    assert not children()
    assert time.monotonic() - begin < 5


@pytest.mark.parametrize(
    ("answer", "errors", "words"),
    [
        ({"error": {"what": "there is no such folder.", "where": "data", "mend": "Choose another."}}, "", "data: there is no such folder. Choose another."),
        ([], "nascope: out of luck\n", "nascope: out of luck"),
        ({}, "", "exit code 2"),
    ],
)  # fmt: skip
def test_failure_is_told_in_words(form_with, qtbot, answer, errors, words):
    form, _ = form_with(answer, code=2, errors=errors)
    button, text, use = parts(form)
    button.click()
    qtbot.waitUntil(lambda: words in text.text(), timeout=20_000)

    assert text.text().startswith("No forecast")
    assert use.isHidden()
    assert button.isEnabled()


def test_settings_that_make_no_run_cannot_be_asked_about(form_with, qtbot):
    form, asked = form_with(ANSWER)
    form.set_value("learning_rate", "fast")
    qtbot.waitUntil(lambda: not form.start_button.isEnabled())

    assert not parts(form)[0].isEnabled()
    assert not asked


def test_cells_of_a_retraining_go_through_a_file(form_with, qtbot):
    genotype = named("PC_DARTS_cifar")
    form, asked = form_with(
        ANSWER, draft=RunDraft("retrain", genotype=genotype, genotype_spec="/some/run"), seconds=0.5
    )
    parts(form)[0].click()
    qtbot.waitUntil(lambda: bool(asked), timeout=10_000)
    file = Path(asked[0][1])
    assert json.loads(file.read_text())["normal"] == genotype.as_json()["normal"]
    qtbot.waitUntil(lambda: parts(form)[1].text() == SENTENCE, timeout=20_000)
    assert not file.exists()


def test_words_of_answers_with_less():
    assert answer_in_words({"hours": 5 / 3600, "peak_memory_mib": None}) == "About 5 s."
    full = {**ANSWER, "fits": False, "largest_batch_size": None}
    assert answer_in_words(full) == "About 3 h 20 min, 5.1 GiB of 8.0 GiB, does not fit."


def test_optional_settings_are_empty_and_go_back_to_empty(form_with, qtbot):
    form, _ = form_with(ANSWER)
    line = form._rows["limit_portion"].editor.widget
    assert line.text() == ""
    line.setText("0.5")
    qtbot.waitUntil(lambda: form.draft.value("limit_portion") == 0.5)
    line.setText("")
    qtbot.waitUntil(lambda: form.draft.value("limit_portion") is None)

    assert form.draft.is_ready
    assert "limit_portion" not in form.draft.said
    assert form._rows["index_file"].editor.value() is None

"""What a person sees while a run goes on."""

from __future__ import annotations

import io
import re
import sys

import pytest

from engine.cli.output import duration
from engine.cli.progress import Pace, ProgressView
from engine.runs import Event


def event(kind: str, t: float, step: int = 0, epoch: int = 0, **data: object) -> Event:
    return Event(t, step, epoch, kind, data)


def test_time_left_is_remaining_steps_at_the_present_pace():
    pace = Pace()

    for step in range(11):
        pace.add(100.0 + 2.0 * step, step)

    assert pace.seconds_left(100) == pytest.approx((99 - 10) * 2.0)


def test_pace_is_that_of_the_last_minute():
    pace = Pace()
    pace.add(0.0, 0)
    for step in range(1, 200):
        pace.add(1000.0 + step, step)

    assert pace.seconds_left(300) == pytest.approx(100.0)


def test_pace_begins_anew_after_a_resume():
    pace = Pace()
    pace.add(0.0, 50)
    pace.add(1.0, 51)

    pace.add(500.0, 40)

    assert pace.seconds_left(100) is None


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (65, "1:05"), (3599.6, "1:00:00"), (7384, "2:03:04")])
def test_durations_read_as_a_clock(seconds, text):
    assert duration(seconds) == text


def test_off_a_terminal_there_is_a_line_an_epoch(capsys):
    with ProgressView("a search") as view:
        view(event("started", 0.0, epochs=2, steps_per_epoch=2, device="cpu", splits={"train": 1000}))
        for step in range(4):
            view(event("step", 1.0 + step, step, step // 2, loss=2.0 - step / 10, images_per_second=1234.5))
            if step % 2:
                view(event("epoch", 1.5 + step, step, step // 2, validation_accuracy_percent=50.0 + step))
        view(event("finished", 9.0, 3, 1))

    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "a search: on cpu; images: train 1,000"
    assert lines[1].startswith("epoch 1 of 2  step 2/2  loss 1.900")
    assert "0:02 left" in lines[1]
    assert "validation 53.0 %  1,234 images/s" in lines[2]
    assert len(lines) == 3


def test_a_long_epoch_is_not_silent(capsys):
    with ProgressView("a search") as view:
        view(event("started", 0.0, epochs=1, steps_per_epoch=1000, device="cpu"))
        for step in range(100):
            view(event("step", 1.0 + step, step, 0, loss=1.0))

    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("epoch")]
    assert 2 <= len(lines) <= 4


def test_warnings_are_shown_and_notes_of_diagnosis_are_not(capsys):
    with ProgressView("a search") as view:
        view(event("diagnosis", 1.0, severity="warning", message="Skips take over [all]."))
        view(event("diagnosis", 1.0, severity="info", message="Nothing special."))

    assert capsys.readouterr().err == "warning: Skips take over [all].\n"


def test_on_a_terminal_there_is_a_bar(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")

    with ProgressView("a search") as view:
        view(event("started", 0.0, epochs=2, steps_per_epoch=10, device="cpu"))
        view(event("step", 1.0, 4, 0, loss=1.5))
        view._live.refresh()

    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())
    assert "epoch 1 of 2  step 5/10  loss 1.500" in shown
    assert "25%" in shown


def test_a_reader_that_has_gone_does_not_end_the_run(monkeypatch):
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Gone())

    with ProgressView("a search") as view:
        view(event("started", 0.0, epochs=1, steps_per_epoch=1, device="cpu"))
        view(event("epoch", 1.0, 0, 0))

    assert view.epochs == 1


def test_an_accuracy_of_the_alphas_half_is_not_called_held_out(capsys):
    with ProgressView("a search") as view:
        view(event("started", 0.0, epochs=1, steps_per_epoch=2, device="cpu"))
        view(event("epoch", 1.5, 1, 0, validation_accuracy_percent=50.0, validation_split="alphas"))

    assert "validation 50.0 % (alphas' half)" in capsys.readouterr().err

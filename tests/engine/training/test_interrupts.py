"""Signals become a flag between steps; a second Ctrl-C gives up waiting."""

from __future__ import annotations

import os
import signal

import pytest

from engine.training.interrupts import Interrupts


@pytest.mark.parametrize(
    ("number", "reason"),
    [(signal.SIGINT, "interrupt"), (signal.SIGTERM, "terminate"), (signal.SIGHUP, "terminate")],
)
def test_a_signal_is_a_reason_to_stop(number: int, reason: str) -> None:
    before = signal.getsignal(number)

    with Interrupts() as interrupts:
        os.kill(os.getpid(), number)
        assert interrupts.reason == reason

    assert signal.getsignal(number) is before


def test_a_second_ctrl_c_gives_up_waiting() -> None:
    with Interrupts() as interrupts:
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupts.reason == "interrupt"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_under_nohup_a_closed_terminal_is_nothing() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts:
            os.kill(os.getpid(), signal.SIGHUP)
            assert interrupts.reason is None
    finally:
        signal.signal(signal.SIGHUP, before)

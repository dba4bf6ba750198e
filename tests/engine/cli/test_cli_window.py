"""``nascope`` without a command: a child process, its exit code, and clear words where no window can open."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from engine.cli import window


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Command lines of the window's process, replaced by one that ends with 7."""
    started: list[list[str]] = []
    real = subprocess.Popen

    def popen(command: list[str], **options: object) -> subprocess.Popen[bytes]:
        started.append(command)
        return real([sys.executable, "-c", "import sys; sys.exit(7)"])

    monkeypatch.setattr(window.subprocess, "Popen", popen)
    monkeypatch.setattr(window, "has_display", lambda: True)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    return started


def test_no_command_opens_the_window_and_passes_its_exit_code_on(nascope, child):
    assert nascope().code == 7
    assert child == [[sys.executable, "-P", "-m", "app"]]


def test_a_genotype_name_opens_in_the_window(nascope, child):
    nascope("DARTS_V2")

    assert child[0][-1] == "DARTS_V2"


def test_a_run_folder_opens_in_the_window(nascope, child, make_run):
    folder = make_run()

    nascope(folder.path)

    assert child[0][-1] == str(folder.path)


def test_file_with_a_name_opens_in_the_window(nascope, child, tmp_path):
    file = tmp_path / "cells.py"
    file.write_text("A = 1")

    nascope(f"{file}:A")

    assert child[0][-1] == f"{file}:A"


def test_a_command_wins_over_a_folder_of_its_name(nascope, child, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()

    assert nascope("runs").code == 0
    assert child == []


def test_two_things_to_open_are_refused(nascope, child):
    answer = nascope("DARTS_V2", "DARTS_V1")

    assert answer.code == 2
    assert child == []


def test_without_qt_one_clear_line(nascope, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    answer = nascope()

    assert answer.code == 2
    assert "nascope[gui]" in answer.err
    assert answer.err.count("\n") == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux may have no display")
def test_without_a_display_one_clear_line(nascope, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())

    answer = nascope()

    assert answer.code == 2
    assert "no display" in answer.err

"""Genotypes out of the window: types, endings, errors, clipboard."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from app.cells.export import copy_picture, export_genotype, file_types, with_ending
from engine.genotype import genotype_from_json
from engine.genotype.named import named
from engine.genotype.text import parse_text

HEADS = {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"digraph"}


@pytest.fixture
def dialog(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the person answers in the dialogs, and what they are told."""
    answers = {"name": "", "type": "", "told": "", "asked": "", "default": ""}

    def save(parent: object, title: str, name: str, types: str) -> tuple[str, str]:
        answers["default"] = name
        return answers["name"], answers["type"]

    monkeypatch.setattr(QFileDialog, "getSaveFileName", save)
    monkeypatch.setattr(QMessageBox, "warning", lambda parent, title, text: answers.update(told=text))

    def question(parent: object, title: str, text: str) -> QMessageBox.StandardButton:
        answers["asked"] = text
        return QMessageBox.StandardButton.No

    monkeypatch.setattr(QMessageBox, "question", question)
    return answers


@pytest.mark.parametrize(("title", "ending"), file_types().items())
def test_each_type_adds_its_ending_and_is_written(
    title: str, ending: str, dialog: dict[str, str], tmp_path: Path, qtbot: QtBot
) -> None:
    genotype = named("DARTS_V2")
    dialog.update(name=str(tmp_path / "mine"), type=title)

    path = export_genotype(None, genotype, "DARTS V2: best/of 3")

    assert path == tmp_path / f"mine.{ending}"
    assert dialog["default"] == "DARTS-V2-best-of-3"
    content = path.read_bytes()
    if ending == "json":
        assert genotype_from_json(json.loads(content)).same_cells(genotype)
    elif ending == "txt":
        ((name, read),) = parse_text(content.decode())
        assert name == "DARTS_V2"
        assert read.same_cells(genotype)
    else:
        assert HEADS[ending] in content[:200]


def test_an_ending_that_was_typed_wins(dialog: dict[str, str], tmp_path: Path, qtbot: QtBot) -> None:
    dialog.update(name=str(tmp_path / "mine.svg"), type=next(iter(file_types())))

    assert export_genotype(None, named("DARTS_V2"), "x") == tmp_path / "mine.svg"
    assert with_ending(Path("pc-darts-v1.2"), "pdf") == Path("pc-darts-v1.2.pdf")


def test_cancel_writes_nothing(dialog: dict[str, str], tmp_path: Path, qtbot: QtBot) -> None:
    assert export_genotype(None, named("DARTS_V2"), "x") is None
    assert dialog["told"] == ""


def test_a_failure_is_told_and_a_file_behind_an_added_ending_is_not_lost(
    dialog: dict[str, str], tmp_path: Path, qtbot: QtBot
) -> None:
    dialog.update(name=str(tmp_path / "missing" / "mine"), type="Picture, SVG (*.svg)")
    assert export_genotype(None, named("DARTS_V2"), "x") is None
    assert "missing does not exist" in dialog["told"]

    (tmp_path / "mine.svg").write_text("precious")
    dialog.update(name=str(tmp_path / "mine"))
    assert export_genotype(None, named("DARTS_V2"), "x") is None
    assert "mine.svg" in dialog["asked"]
    assert (tmp_path / "mine.svg").read_text() == "precious"


def test_the_clipboard_gets_picture_and_text(qtbot: QtBot) -> None:
    copy_picture(named("DARTS_V2"), ("normal",))

    content = QGuiApplication.clipboard().mimeData()
    assert content.hasImage()
    assert content.text().startswith("Genotype(normal=")
    assert b"<svg" in bytes(content.data("image/svg+xml").data())

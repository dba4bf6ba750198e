"""The window's work with other programs: logs of the original code come in, networks go out."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from fake_run import write_fake_run
from pressing import trigger
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog

from app.opening import recognize
from app.retrain_view import result_facts
from engine.config import resolve
from engine.genotype import genotype_from_json
from engine.genotype.named import named
from engine.genotype.text import as_text

CELLS = as_text(named("DARTS_V1"))


def write_log(path: Path, *, epochs: int = 3, wanted: int = 3, alphas: bool = True) -> Path:
    lines = [
        f"args = Namespace(batch_size=64, epochs={wanted}, init_channels=16, layers=8, learning_rate=0.025, seed=2)"
    ]
    for epoch in range(epochs):
        lines += [f"epoch {epoch} lr 2.5e-02", f"genotype = {CELLS}"]
        for shift in (0, 3) if alphas else ():
            rows = [
                "[" + ", ".join(f"{0.09 + 0.01 * ((k + edge + epoch + shift) % 8):.4f}" for k in range(8)) + "]"
                for edge in range(14)
            ]
            lines.append("tensor([" + ",\n        ".join(rows) + "], device='cuda:0')")
        lines += [f"train {step:03d} {2 - epoch / 4 - step / 900:.4f} 40.0 80.0" for step in range(0, 391, 50)]
        lines += [f"train_acc {60 + epoch}.5", "valid 000 1.5 50.0 90.0", f"valid_acc {58 + epoch}.5"]
    path.write_text(
        "\n".join(
            f"2020-03-04 10:{n // 60:02d}:{n % 60:02d},000 {line}" if not line.startswith("tensor") else line
            for n, line in enumerate(lines)
        )
    )
    return path


def imported(qtbot, window):
    qtbot.waitUntil(lambda: window.model is not None and "started" in window.model.history.last, timeout=10_000)
    qtbot.waitUntil(lambda: bool({"finished", "stopped"} & window.model.history.last.keys()), timeout=10_000)
    return window.model


def test_a_log_from_the_menu_becomes_a_run_on_screen(qtbot, open_window, tmp_path, monkeypatch, home):
    log = write_log(tmp_path / "log.txt")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(log), ""))
    window = open_window()

    trigger(qtbot, window, "import_log")

    model = imported(qtbot, window)
    assert model.path.is_relative_to(home / "runs")
    assert [record.epoch for record in model.history.alphas] == [0, 1, 2]
    assert model.genotype(None).same_cells(named("DARTS_V1"))  # as printed, whatever the alphas say
    assert model.genotype(1).same_cells(named("DARTS_V1"))
    assert "Imported from" in window.frame.notice.text
    assert "disagree" in window.frame.notice.text
    assert window.frame.run_view.isVisibleTo(window)
    assert "finished" in window.state()


def test_a_dropped_log_that_broke_off_cannot_go_on(qtbot, open_window, tmp_path):
    log = write_log(tmp_path / "mine.log", epochs=2, wanted=50)
    window = open_window()
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(log))])

    window.dropEvent(QDropEvent(QPointF(1, 1), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier))  # fmt: skip

    imported(qtbot, window)
    qtbot.waitUntil(lambda: window.state() == "stopped", timeout=10_000)
    assert not window.commands["resume"].isVisible()
    assert window.commands["export"].isEnabled()


def test_an_imported_retraining_says_how_often_it_looked_at_the_test_split(qtbot, open_window, tmp_path):
    lines = ["args = Namespace(arch='DARTS_V2', epochs=2, init_channels=36, layers=20)"]
    for epoch in range(2):
        lines += [f"epoch {epoch} lr 2.5e-02", "train 000 2.3 10.0 50.0", "train_acc 30.5", f"valid_acc {36.5 - epoch}"]
    (tmp_path / "train.log").write_text("\n".join(lines))
    window = open_window()

    window.work.open_text(str(tmp_path / "train.log"))

    imported(qtbot, window)
    page = window.frame.retrain_view
    assert page._number.text() == "35.5 %"
    assert "2 times" in page._counted.text()
    facts = dict(result_facts(window.model))
    assert facts["best on the test split"] == "36.5 %, epoch 1"
    assert "validation accuracy" not in facts


def test_closing_waits_for_an_import(qtbot, open_window, tmp_path, monkeypatch, home):
    import time

    from app import log_import

    reading = log_import.import_log
    monkeypatch.setattr(log_import, "import_log", lambda path: (time.sleep(0.5), reading(path))[1])
    window = open_window()
    begin = time.monotonic()
    window.work.open_text(str(write_log(tmp_path / "log.txt")))
    assert time.monotonic() - begin < 0.4  # the window goes on

    window.close()

    (run,) = (home / "runs").iterdir()
    assert (run / "status.json").read_text().count("finished") == 1


def test_what_is_no_log_is_told(qtbot, open_window, tmp_path, monkeypatch):
    (tmp_path / "poem.txt").write_text("roses are red\n")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "poem.txt"), ""))
    window = open_window()

    trigger(qtbot, window, "import_log")

    qtbot.waitUntil(lambda: "poem.txt" in window.frame.notice.text, timeout=10_000)
    assert window.model is None


def test_logs_and_experiment_folders_are_recognized(tmp_path):
    (tmp_path / "search-EXP-20200304-100000").mkdir()
    log = write_log(tmp_path / "search-EXP-20200304-100000" / "log.txt")
    assert recognize(str(log)).kind == "log"
    assert recognize(str(log.parent)).kind == "log"
    (tmp_path / "cells.txt").write_text(f"the best of epoch 3: {CELLS}")
    assert recognize(str(tmp_path / "cells.txt")).kind == "genotype"


@pytest.fixture
def retrained(home):
    run = write_fake_run(home / "runs" / "retrained", kind="retrain", data="digits", epochs=3, done=3, state="finished")
    (run.path / "checkpoint-last.pt").write_bytes(b"fake")
    return run


def choose_file(monkeypatch, path, wanted):
    seen = {}

    def save(parent, title, name, types):
        seen["types"] = types
        return str(path), next((known for known in types.split(";;") if wanted in known), "")

    monkeypatch.setattr(QFileDialog, "getSaveFileName", save)
    return seen


_CHILD = "import sys; from pathlib import Path; Path(sys.argv[-1]).write_text(' '.join(sys.argv[1:])); print('Written: it', 'Largest difference: 1e-08', sep=chr(10), file=sys.stderr)"


def test_a_trained_network_is_written_by_a_child(qtbot, open_window, retrained, tmp_path, monkeypatch):
    window = open_window(command=lambda words: [sys.executable, "-c", _CHILD, *words])
    window.show_run(retrained.path)
    choose_file(monkeypatch, tmp_path / "net", "ONNX")

    trigger(qtbot, window, "export")

    qtbot.waitUntil(lambda: "Largest difference" in window.frame.notice.text, timeout=20_000)
    assert (tmp_path / "net.onnx").read_text() == f"export {retrained.path} --format onnx --out {tmp_path / 'net.onnx'}"


def test_a_failed_export_says_why(qtbot, open_window, retrained, tmp_path, monkeypatch):
    script = "import sys; print('nascope: no epoch is trained yet.', file=sys.stderr); sys.exit(2)"
    window = open_window(command=lambda words: [sys.executable, "-c", script])
    window.show_run(retrained.path)
    choose_file(monkeypatch, tmp_path / "net.safetensors", "Genotype")  # the typed ending wins

    trigger(qtbot, window, "export")

    qtbot.waitUntil(lambda: "no epoch is trained" in window.frame.notice.text, timeout=20_000)


def test_cells_without_weights_offer_the_source_alone(qtbot, open_window, tmp_path, monkeypatch):
    script = "import sys, shutil; shutil.copy(sys.argv[2], sys.argv[-1])"
    window = open_window(command=lambda words: [sys.executable, "-c", script, *words])
    window.show_genotype(named("NASNet"), "NASNet")
    seen = choose_file(monkeypatch, tmp_path / "net", "module")

    trigger(qtbot, window, "export")

    qtbot.waitUntil(lambda: (tmp_path / "net.py").exists() and not window.control._children, timeout=20_000)
    import json

    assert genotype_from_json(json.loads((tmp_path / "net.py").read_text())).same_cells(named("NASNet"))
    assert "ONNX" not in seen["types"]
    assert not window.control._scratch

    choose_file(monkeypatch, tmp_path / "cells.py", "Papers")
    trigger(qtbot, window, "export")
    assert "Genotype(" in (tmp_path / "cells.py").read_text()


def test_imported_settings_can_start_a_run_of_its_own(tmp_path):
    """The configuration of an imported run is a configuration like any other."""
    from engine.config import read_config_file
    from engine.runs.original import import_log

    found = import_log(write_log(tmp_path / "log.txt"), out=tmp_path / "run")
    values = {
        name: value for name, value in read_config_file(found.folder.path / "config.json").items() if name != "kind"
    }
    assert resolve("search", file_values=values).channels == 16

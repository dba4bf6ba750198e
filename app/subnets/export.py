"""Asking where a chosen network shall go, and in which form."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from engine.runs.files import write_atomically
from engine.subnets import Architecture

RECORD = "json"
"""The format that needs no engine: the architecture alone, without weights."""


def _tr(text: str) -> str:
    return QCoreApplication.translate("export", text)


def file_types() -> dict[str, tuple[str, str]]:
    """The dialog's types, each with its ending and its name for ``nascope export``."""
    return {
        _tr("Record of the architecture (*.json)"): ("json", RECORD),
        _tr("Network as a PyTorch module (*.py)"): ("py", "module"),
        _tr("Trained network, ONNX (*.onnx)"): ("onnx", "onnx"),
        _tr("Trained network, torch.export (*.pt2)"): ("pt2", "pt2"),
        _tr("Trained weights, PyTorch (*.pt)"): ("pt", "torch"),
        _tr("Trained weights, safetensors (*.safetensors)"): ("safetensors", "safetensors"),
    }


def ask_where(parent: QWidget | None, name: str) -> tuple[Path, str] | None:
    """The file and the format; None where the person changed their mind. A typed ending wins over the chosen type."""
    types = file_types()
    chosen, chosen_type = QFileDialog.getSaveFileName(parent, _tr("Export the network"), name, ";;".join(types))
    if not chosen:
        return None
    typed = Path(chosen)
    by_ending = dict(types.values())
    known = by_ending.get(typed.suffix.lower().lstrip("."))
    if known is not None:
        return typed, known
    ending, format = types.get(chosen_type, ("json", RECORD))
    path = typed.with_name(f"{typed.name}.{ending}")
    if path.exists():  # The dialog asked about the name without the ending.
        text = _tr("{name} exists already. Replace it?").format(name=path.name)
        if QMessageBox.question(parent, _tr("Export the network"), text) != QMessageBox.StandardButton.Yes:
            return None
    return path, format


def record_text(architecture: Architecture) -> str:
    """The record as ``nascope`` commands read it, for files and the clipboard."""
    return json.dumps(architecture.as_json(), indent=1, ensure_ascii=False) + "\n"


def write_record(architecture: Architecture, path: Path) -> None:
    """Write the record.

    Raises:
        OSError: it cannot be written.
    """
    write_atomically(path, record_text(architecture))

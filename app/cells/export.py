"""A genotype out of the window: into a file of the person's choice, or as a picture onto the clipboard."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QByteArray, QCoreApplication, QMimeData
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from engine.draw import draw_genotype, write_drawing
from engine.errors import DrawError, NascopeError
from engine.genotype import CELL_KINDS, CellKind, Genotype
from engine.genotype.text import as_text

ENDINGS = ("json", "txt", "svg", "png", "pdf", "dot")


def _tr(text: str) -> str:
    return QCoreApplication.translate("export", text)


def file_types() -> dict[str, str]:
    """The dialog's types for cells, each with its ending."""
    return {
        _tr("Genotype (*.json)"): "json",
        _tr("Papers' text (*.txt)"): "txt",
        _tr("Picture, SVG (*.svg)"): "svg",
        _tr("Picture, PNG 300 dpi (*.png)"): "png",
        _tr("Picture, PDF (*.pdf)"): "pdf",
        _tr("Graphviz (*.dot)"): "dot",
    }


def network_types(*, is_trained: bool) -> dict[str, tuple[str, str]]:
    """The dialog's types for networks, each with its ending and its name for ``nascope export``.

    Without trained weights there is only the network's source.
    """
    found = {_tr("Network as a PyTorch module (*.py)"): ("py", "module")}
    if is_trained:
        found |= {
            _tr("Trained network, ONNX (*.onnx)"): ("onnx", "onnx"),
            _tr("Trained network, torch.export (*.pt2)"): ("pt2", "pt2"),
            _tr("Trained weights, PyTorch (*.pt)"): ("pt", "torch"),
            _tr("Trained weights, safetensors (*.safetensors)"): ("safetensors", "safetensors"),
        }
    return found


def export_genotype(
    parent: QWidget | None,
    genotype: Genotype,
    default_name: str,
    *,
    is_trained: bool = False,
    write_network: Callable[[Path, str], None] | None = None,
) -> Path | None:
    """Ask where to and write it; returns the file, None where the person changed their mind or it failed (and was told).

    Args:
        is_trained: whether there is a network with trained weights, not its source alone.
        write_network: takes the file and the format of ``nascope export`` where a network was chosen, which the engine
            writes; None offers cells only. The answer is None then.
    """
    networks = network_types(is_trained=is_trained) if write_network is not None else {}
    types = file_types() | {title: ending for title, (ending, _) in networks.items()}
    name = re.sub(r"[^\w.-]+", "-", default_name).strip("-.") or "cell"
    chosen, chosen_type = QFileDialog.getSaveFileName(parent, _tr("Export"), name, ";;".join(types))
    if not chosen:
        return None
    typed = Path(chosen)
    # A typed ending wins over the chosen type; .py is the papers' text unless the module was chosen.
    by_ending = {ending: format for ending, format in networks.values() if ending != "py"}
    known = typed.suffix.lower().lstrip(".") in by_ending
    path = typed if known else with_ending(typed, types.get(chosen_type, "json"))
    if path != typed and path.exists():
        # The dialog asked about the name without the ending.
        text = _tr("{name} exists already. Replace it?").format(name=path.name)
        if QMessageBox.question(parent, _tr("Export"), text) != QMessageBox.StandardButton.Yes:
            return None
    ending = path.suffix.lower().lstrip(".")
    format = by_ending.get(ending) or ("module" if networks.get(chosen_type) == (ending, "module") else None)
    if format is not None and write_network is not None:
        write_network(path, format)
        return None
    try:
        write_genotype(genotype, path)
    except NascopeError as error:
        QMessageBox.warning(parent, _tr("Not exported"), str(error))
        return None
    return path


def with_ending(path: Path, ending: str) -> Path:
    """The path with the chosen ending, unless it has one of ours already."""
    if path.suffix.lower().lstrip(".") in (*ENDINGS, "gv", "py"):
        return path
    return path.with_name(f"{path.name}.{ending}")


def write_genotype(genotype: Genotype, path: Path) -> None:
    """Write it in the format of the ending.

    Raises:
        DrawError: an ending that is no format, or a file that cannot be written.
    """
    ending = path.suffix.lower()
    if ending == ".json":
        _write_text(path, json.dumps(genotype.as_json(), indent=1, ensure_ascii=False) + "\n")
    elif ending in (".txt", ".py"):
        name = genotype.name if genotype.name.isidentifier() else "genotype"
        _write_text(path, f"{name} = {as_text(genotype)}\n")
    else:
        write_drawing(genotype, path)


def copy_picture(genotype: Genotype, kinds: Sequence[CellKind] = CELL_KINDS) -> None:
    """Put the picture on the clipboard: PNG for documents, SVG for drawing programs, the papers' text for editors."""
    png = draw_genotype(genotype, "png", kinds=kinds)
    content = QMimeData()
    content.setImageData(QImage.fromData(png))
    content.setData("image/svg+xml", QByteArray(draw_genotype(genotype, "svg", kinds=kinds)))
    content.setText(as_text(genotype))
    QGuiApplication.clipboard().setMimeData(content)


def _write_text(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise DrawError(f"the file cannot be written: {error.strerror or error}.", where=str(path)) from error

"""Pictures and tables of a view as files: PNG, SVG and PDF on white with real text, CSV with every digit."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QMarginsF, QRect, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QGuiApplication, QImage, QPageSize, QPainter, QPdfWriter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QFileDialog, QMenu, QMessageBox, QWidget

from app.live.fonts import chart_font
from app.theme import LIGHT

Paint = Callable[[QPainter, QRectF], None]
"""Paints into a rectangle measured in 96ths of an inch, in the light palette, with fonts sized in pixels (``chart_font``)."""

FORMATS = ("png", "svg", "pdf")

_DOTS_PER_INCH = 96
_PNG_SCALE = 300 / _DOTS_PER_INCH
_PDF_RESOLUTION = 1200
_MM_PER_INCH = 25.4


def save_picture(path: Path, size: QSize, paint: Paint, title: str) -> None:
    """Write a picture; the ending of the path says which kind.

    Args:
        size: in 96ths of an inch.
        title: stands in the file's description.

    Raises:
        OSError: the file cannot be written.
        ValueError: the ending is none of ``FORMATS``.
    """
    kind = path.suffix.lower().lstrip(".")
    if kind not in FORMATS:
        raise ValueError(f"«{path.name}» ends in none of {', '.join(FORMATS)}.")
    # Qt's writers only print a warning where a file cannot be opened.
    with path.open("wb"):
        pass
    if kind == "png":
        if not picture_image(size, paint, scale=_PNG_SCALE).save(str(path)):
            raise OSError(f"«{path}» could not be written.")
    elif kind == "svg":
        generator = QSvgGenerator()
        generator.setFileName(str(path))
        generator.setSize(size)
        generator.setViewBox(QRect(0, 0, size.width(), size.height()))
        generator.setResolution(_DOTS_PER_INCH)
        generator.setTitle(title)
        _paint_on(generator, size, paint, scale=1.0)
    else:
        writer = QPdfWriter(str(path))
        writer.setTitle(title)
        writer.setCreator("nascope")
        millimetres = QSizeF(size) * (_MM_PER_INCH / _DOTS_PER_INCH)
        writer.setResolution(_PDF_RESOLUTION)
        writer.setPageSize(QPageSize(millimetres, QPageSize.Unit.Millimeter, "", QPageSize.SizeMatchPolicy.ExactMatch))
        writer.setPageMargins(QMarginsF(0, 0, 0, 0))
        _paint_on(writer, size, paint, scale=_PDF_RESOLUTION / _DOTS_PER_INCH)


def picture_image(size: QSize, paint: Paint, *, scale: float = 2.0) -> QImage:
    """The picture as pixels on white."""
    image = QImage(QSize(round(size.width() * scale), round(size.height() * scale)), QImage.Format.Format_RGB32)
    image.setDotsPerMeterX(round(_DOTS_PER_INCH * scale / _MM_PER_INCH * 1000))
    image.setDotsPerMeterY(round(_DOTS_PER_INCH * scale / _MM_PER_INCH * 1000))
    image.fill(QColor(LIGHT.panel))
    _paint_on(image, size, paint, scale=scale)
    return image


def copy_picture(size: QSize, paint: Paint) -> None:
    """Put the picture on the clipboard."""
    QGuiApplication.clipboard().setImage(picture_image(size, paint))


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table; floats keep every digit, NaN is an empty field.

    Raises:
        OSError: the file cannot be written.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([_field(value) for value in row] for row in rows)


def ask_path(parent: QWidget | None, name: str, kind: str) -> Path | None:
    """Ask where to save a file of this kind; adds the ending. None where the person changed their mind."""
    label = {
        "png": QCoreApplication.translate("Pictures", "PNG picture"),
        "svg": QCoreApplication.translate("Pictures", "SVG picture"),
        "pdf": QCoreApplication.translate("Pictures", "PDF page"),
        "csv": QCoreApplication.translate("Pictures", "CSV table"),
    }[kind]
    heading = QCoreApplication.translate("Pictures", "Save")
    chosen, _ = QFileDialog.getSaveFileName(parent, heading, f"{name}.{kind}", f"{label} (*.{kind})")
    if not chosen:
        return None
    path = Path(chosen)
    return path if path.suffix.lower() == f".{kind}" else path.with_name(f"{path.name}.{kind}")


def save_asked(parent: QWidget | None, name: str, kind: str, write: Callable[[Path], None]) -> None:
    """Ask for a path and write to it; tells the person where that failed, and what to do."""
    path = ask_path(parent, name, kind)
    if path is None:
        return
    try:
        write(path)
    except OSError as error:
        text = QCoreApplication.translate("Pictures", "{path} could not be written: {reason}. Choose another folder.")
        QMessageBox.warning(
            parent,
            QCoreApplication.translate("Pictures", "Not saved"),
            text.format(path=path, reason=error.strerror or str(error)),
        )


def add_save_actions(menu: QMenu, name: str, write: Callable[[Path], None]) -> None:
    """Add «Save as …» for every picture format and CSV; ``write`` gets the path and raises OSError where it cannot."""
    owner = menu.parentWidget()
    for kind, text in (
        ("png", QCoreApplication.translate("Pictures", "Save as PNG…")),
        ("svg", QCoreApplication.translate("Pictures", "Save as SVG…")),
        ("pdf", QCoreApplication.translate("Pictures", "Save as PDF…")),
        ("csv", QCoreApplication.translate("Pictures", "Save numbers as CSV…")),
    ):
        menu.addAction(text).triggered.connect(partial(_save_triggered, owner, name, kind, write))


def paint_titled(painter: QPainter, area: QRectF, title: str, paint: Paint) -> None:
    """A title in semibold over a body, with a margin around."""
    font = chart_font(1.0, bold=True)
    height = QFontMetricsF(font).height()
    inner = area.adjusted(height * 0.6, height * 0.5, -height * 0.6, -height * 0.5)
    painter.setFont(font)
    painter.setPen(QColor(LIGHT.text))
    painter.drawText(QRectF(inner.left(), inner.top(), inner.width(), height), Qt.AlignmentFlag.AlignLeft, title)
    paint(painter, inner.adjusted(0, height * 1.3, 0, 0))


def _save_triggered(
    parent: QWidget | None, name: str, kind: str, write: Callable[[Path], None], checked: bool = False
) -> None:
    save_asked(parent, name, kind, write)


def _paint_on(device: QImage | QSvgGenerator | QPdfWriter, size: QSize, paint: Paint, *, scale: float) -> None:
    painter = QPainter(device)
    try:
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        painter.scale(scale, scale)
        area = QRectF(0, 0, size.width(), size.height())
        painter.fillRect(area, QColor(LIGHT.panel))
        paint(painter, area)
    finally:
        painter.end()


def _field(value: object) -> object:
    if isinstance(value, float):
        return "" if value != value else repr(float(value))
    return value

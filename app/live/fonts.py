"""Fonts of painted views: shares of the system's font, fixed in pixels so that screen, PNG, SVG and PDF agree."""

from __future__ import annotations

from PySide6.QtGui import QFont, QFontInfo

from app.labels import scaled_font

TICK = 0.84
"""Ticks, rows and columns."""


def chart_font(scale: float = TICK, *, bold: bool = False) -> QFont:
    """The system's font at a share of its size. In points it would grow with the resolution of a PDF."""
    found = scaled_font(scale, bold=bold)
    found.setPixelSize(max(8, QFontInfo(found).pixelSize()))
    return found

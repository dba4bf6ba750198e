"""Whether things may move."""

from __future__ import annotations

from PySide6.QtWidgets import QStyle, QWidget


def motion_allowed(widget: QWidget) -> bool:
    """False where the desktop asks for no animations."""
    return widget.style().styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration, None, widget) > 0

"""The look of lines of text that stand alone, outside of forms."""

from __future__ import annotations

from app.theme import Theme


def line_sheet(colours: Theme) -> str:
    """The style sheet of one line; put it on the line itself, never on what it stands on."""
    return (
        f"QLineEdit {{ background: {colours.panel}; border: 1px solid {colours.border}; border-radius: 6px;"
        f" padding: 0.4em 0.6em; color: {colours.text}; }}"
        f"QLineEdit:focus {{ border-color: {colours.accent}; }}"
    )

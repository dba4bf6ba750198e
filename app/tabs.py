"""The look of tabs over panels and inside of them."""

from __future__ import annotations

from app.theme import Theme


def tab_sheet(colours: Theme) -> str:
    """The style sheet of a ``QTabBar``; made anew with the theme."""
    return (
        f"QTabBar::tab {{ background: transparent; color: {colours.dim}; border: 1px solid transparent; padding: 0.35em 1em; margin-right: 0.3em; border-radius: 6px; }}"
        f"QTabBar::tab:selected {{ background: {colours.select}; color: {colours.text}; font-weight: 600; }}"
        f"QTabBar::tab:hover:!selected {{ background: {colours.grid}; }}"
        f"QTabBar::tab:selected:focus {{ border-color: {colours.accent}; }}"
    )

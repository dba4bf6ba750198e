"""Pressing what a person would press: once it can be pressed."""

from __future__ import annotations


def trigger(qtbot, window, name: str) -> None:
    """Trigger one of the window's actions as soon as it is enabled: buttons follow a state with the next refresh."""
    action = window.commands[name]
    qtbot.waitUntil(action.isEnabled, timeout=20_000)
    action.trigger()

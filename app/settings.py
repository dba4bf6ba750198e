"""What the window remembers of a person's habits; never anything about a run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

from PySide6.QtCore import QByteArray, QSettings

from app.theme import ThemeChoice
from engine.runs import home

RECENT_LIMIT = 12


def store() -> QSettings:
    """The settings; in a file beside the runs where ``NASCOPE_HOME`` is set, else where the desktop keeps them."""
    if os.environ.get("NASCOPE_HOME"):
        return QSettings(str(home() / "window.ini"), QSettings.Format.IniFormat)
    return QSettings("nascope", "nascope")


def theme_choice() -> ThemeChoice:
    """``system``, ``light`` or ``dark``."""
    found = _text("theme", "system")
    return cast(ThemeChoice, found) if found in ("system", "light", "dark") else "system"


def set_theme_choice(choice: ThemeChoice) -> None:
    """Remember the theme."""
    store().setValue("theme", choice)


def language() -> str:
    """``system`` or a locale such as ``zh_CN``."""
    return _text("language", "system")


def set_language(locale: str) -> None:
    """Remember the language; it is spoken from the next start on."""
    store().setValue("language", locale)


def engines_at_a_time() -> int:
    """How many queued runs compute at once."""
    try:
        return max(1, min(16, int(cast(Any, store().value("engines", 1)))))
    except (TypeError, ValueError):
        return 1


def set_engines_at_a_time(number: int) -> None:
    """Remember how many runs compute at once."""
    store().setValue("engines", number)


def recent() -> list[Path]:
    """Runs and genotype files opened from elsewhere, newest first."""
    found = store().value("recent", [])
    paths = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    return [Path(str(path)) for path in paths][:RECENT_LIMIT]


def add_recent(path: Path) -> None:
    """Remember an opened run or genotype file."""
    rest = [known for known in recent() if known != path]
    store().setValue("recent", [str(known) for known in [path, *rest]][:RECENT_LIMIT])


def forget_recent(path: Path) -> None:
    """No longer list this path."""
    store().setValue("recent", [str(known) for known in recent() if known != path])


def bytes_of(key: str) -> QByteArray:
    """A saved geometry or splitter state; empty where there is none."""
    found = store().value(key)
    return found if isinstance(found, QByteArray) else QByteArray()


def set_bytes(key: str, value: QByteArray) -> None:
    """Save a geometry or splitter state."""
    store().setValue(key, value)


def last_shown() -> str:
    """Folder of the run, or name of the cell, that was on screen when the window closed."""
    return _text("shown", "")


def set_last_shown(key: str) -> None:
    """Remember what is on screen."""
    store().setValue("shown", key)


def forget_layout() -> None:
    """Drop every saved geometry and splitter state."""
    settings = store()
    settings.remove("geometry")
    settings.remove("splitter")
    settings.remove("inspector")


def _text(key: str, default: str) -> str:
    found = store().value(key, default)
    return found if isinstance(found, str) else default

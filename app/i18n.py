"""Languages of the window: which there are, and the loading of their texts and of Qt's own."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QLibraryInfo, QLocale, QTranslator
from PySide6.QtWidgets import QApplication

import resources

LANGUAGES = {"en": "English", "zh_CN": "简体中文"}
"""Locale and the language's name in itself."""

_TRANSLATIONS = Path(resources.__file__).parent / "translations"


def spoken(choice: str) -> str:
    """The locale of a choice; ``system`` takes the desktop's where there is a translation, else English."""
    if choice in LANGUAGES:
        return choice
    system = QLocale.system()
    if system.language() == QLocale.Language.Chinese:
        return "zh_CN"
    return system.name() if system.name() in LANGUAGES else "en"


def install(application: QApplication, choice: str) -> list[QTranslator]:
    """Load the texts of a language, nascope's and Qt's; returns what was loaded (English needs nothing)."""
    locale = spoken(choice)
    QLocale.setDefault(QLocale(locale))
    loaded = []
    for name, folder in (
        ("qtbase", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)),
        ("nascope", str(_TRANSLATIONS)),
    ):
        translator = QTranslator(application)
        if translator.load(f"{name}_{locale}", folder):
            application.installTranslator(translator)
            loaded.append(translator)
    return loaded

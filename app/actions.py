"""Every action of the window, by its object name, and the menus that hold them."""

from __future__ import annotations

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from app import settings
from app.i18n import LANGUAGES


class Actions:
    """The actions by name; the window connects them.

    Attributes:
        by_name: every action.
        themes, languages, engines: exclusive choices; their data is the choice.
    """

    def __init__(self, window: QWidget) -> None:
        self._window = window
        tr = window.tr
        self.by_name: dict[str, QAction] = {}
        self._add(
            "new_run", tr("New run"), "Ctrl+N", tr("Search for cells, or train a supernet of many networks (Ctrl+N)")
        )
        self._add("open", tr("Open…"), "Ctrl+O", tr("Open a genotype, a run or a configuration (Ctrl+O)"))
        self._add("open_folder", tr("Open run folder…"), "Ctrl+Shift+O")
        self._add("import_log", tr("Import…"), "", tr("Make a run of a log of the original DARTS or PC-DARTS code"))
        self._add("new_study", tr("New study…"), tip=tr("Start the study that a file describes: methods by seeds"))
        self._add("export", tr("Export…"), "Ctrl+E")
        self._add("quit", tr("Quit"), "Ctrl+Q")
        self._add("pause", tr("Pause"))
        self._add("resume", tr("Resume"))
        self._add("stop", tr("Stop"), "Ctrl+.")
        self._add("select", tr("Select…"), "Ctrl+L")
        self.by_name["select"].setObjectName("select_subnets")  # The button beside the networks is «select».
        self._add("retrain", tr("Retrain…"), "Ctrl+R")
        self._add("test", tr("Test"), "Ctrl+T")
        self._add("report", tr("Open report"))
        self._add("show_folder", tr("Open folder"))
        self._add("rename", tr("Rename…"))
        self._add("tag", tr("Tags…"))
        self._add("trash", tr("Put in the trash"))
        self._add("inspector_shown", tr("Inspector"), "Ctrl+I", checkable=True)
        self._add("library_shown", tr("Library"), "Ctrl+B", checkable=True)
        self._add("reset_layout", tr("Reset layout"))
        self._add("shortcut_sheet", tr("Keys"), "F1")
        self._add("about_nascope", tr("About nascope"))
        self.themes = self._choices(
            {"system": tr("System"), "light": tr("Light"), "dark": tr("Dark")}, settings.theme_choice()
        )
        self.languages = self._choices({"system": tr("System"), **LANGUAGES}, settings.language())
        self.engines = self._choices(
            {str(number): str(number) for number in (1, 2, 3, 4)}, str(settings.engines_at_a_time())
        )
        self.menu = self._make_menu()

    def __getitem__(self, name: str) -> QAction:
        return self.by_name[name]

    def menu_bar(self, bar: QMenuBar) -> None:
        """The same menus in a menu bar, where the desktop has its own place for one."""
        for action in self.menu.actions():
            bar.addAction(action)

    def _add(self, name: str, text: str, keys: str = "", tip: str = "", *, checkable: bool = False) -> None:
        action = QAction(text, self._window)
        action.setObjectName(name)
        action.setToolTip(tip or text)
        action.setCheckable(checkable)
        if keys:
            action.setShortcut(QKeySequence(keys))
        self._window.addAction(action)  # So that its keys work while it stands in no open menu.
        self.by_name[name] = action

    def _choices(self, titles: dict[str, str], current: str) -> QActionGroup:
        group = QActionGroup(self._window)
        for data, title in titles.items():
            action = QAction(title, group)
            action.setData(data)
            action.setCheckable(True)
            action.setChecked(data == current)
        return group

    def _make_menu(self) -> QMenu:
        tr = self._window.tr
        menu = QMenu(self._window)
        file = menu.addMenu(tr("&File"))
        self._fill(file, "new_run", "new_study", "", "open", "open_folder", "", "import_log", "export", "", "quit")
        run = menu.addMenu(tr("&Run"))
        self._fill(
            run,
            "pause",
            "resume",
            "stop",
            "",
            "select",
            "retrain",
            "test",
            "",
            "report",
            "show_folder",
            "",
            "rename",
            "tag",
            "trash",
        )
        run.addSeparator()
        run.addMenu(self._group_menu(tr("Runs at a time"), self.engines, run))
        view = menu.addMenu(tr("&View"))
        self._fill(view, "library_shown", "inspector_shown", "")
        view.addMenu(self._group_menu(tr("Theme"), self.themes, view))
        view.addMenu(self._group_menu(tr("Language"), self.languages, view))
        self._fill(view, "", "reset_layout")
        help_menu = menu.addMenu(tr("&Help"))
        self._fill(help_menu, "shortcut_sheet", "about_nascope")
        return menu

    def _fill(self, menu: QMenu, *names: str) -> None:
        for name in names:
            if name:
                menu.addAction(self.by_name[name])
            else:
                menu.addSeparator()

    def _group_menu(self, title: str, group: QActionGroup, parent: QWidget) -> QMenu:
        menu = QMenu(title, parent)
        menu.addActions(group.actions())
        return menu

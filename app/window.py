"""The main window: library, pages, inspector, and the wiring between them."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, QTimer
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QMainWindow

from app import bars, geometry, settings
from app.actions import Actions
from app.child import CommandLine, engine_words
from app.closing import Closing
from app.frame import WindowFrame
from app.garbage import GarbageTimer
from app.keys import WindowKeys
from app.library.entries import Entry
from app.library.scan import LibraryScanner
from app.menu_work import MenuWork
from app.notices import Notices
from app.run_control import RunControl
from app.run_model import RunModel
from app.run_queue import RunQueue
from app.run_state import Shown, shown_run, state_of
from app.selection import Selection
from app.session import EngineEnd
from app.sessions import Sessions
from app.study.view import StudyView
from app.study.words import progress_words, title_of
from app.study.work import StudyWork
from app.subnets.work import SubnetWork
from app.theme import manager
from app.two_stage_view import TwoStageView
from engine.errors import NascopeError
from engine.genotype import Genotype
from engine.runs import runs_home
from engine.runs.folder import CONFIG
from engine.study.folder import is_study
from engine.study.results import StudyResults

_REFRESH_MILLISECONDS = 500


class MainWindow(QMainWindow):
    """One screen tells the whole search.

    Args:
        sessions, command: how engines and short commands are launched; tests give their own.
    """

    def __init__(self, sessions: Sessions | None = None, command: CommandLine = engine_words) -> None:
        super().__init__()
        self.setObjectName("main_window")
        self.setWindowTitle("nascope")
        self.setAcceptDrops(True)
        self._garbage = GarbageTimer(self)
        self.selection = Selection(self)
        self.sessions = sessions or Sessions()
        self.sessions.setParent(self)
        self.queue = RunQueue(self._launch, self._live_count, settings.engines_at_a_time, parent=self)
        self.control = RunControl(self.sessions, self.queue, command=command, parent=self)
        self.commands = Actions(self)
        self._model: RunModel | None = None
        self._genotype: Genotype | None = None
        self._genotype_key = ""
        self._roots = [runs_home().absolute()]
        self._has_scanned = False
        self._failure_told: RunModel | None = None
        self._connected_study: StudyView | None = None
        self._connected_subnets: TwoStageView | None = None
        self.frame = WindowFrame(self.selection, self.commands)
        self.setCentralWidget(self.frame)
        self.notices = Notices(self.frame.notice, self)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._refresh_all)
        self.work = MenuWork(self)
        self.studies = StudyWork(self, command)
        self.subnets = SubnetWork(self, command)
        self._closing = Closing(self, self.sessions, self.queue, self.studies)
        self._keys = WindowKeys(self)
        self._scanner = LibraryScanner(self._all_roots(), parent=self)
        self._connect()
        geometry.restore(self, self.frame)
        if sys.platform == "darwin":  # The desktop has a place of its own for menus.
            self.commands.menu_bar(self.menuBar())
        self.frame.show_page(self.frame.welcome)
        self.frame.library.list.setFocus()
        self._refresh_all()
        self._scanner.start()
        self._timer.start(_REFRESH_MILLISECONDS)

    # -- building -------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        run, frame = self.control, self.frame
        for name, slot in {
            "new_run": self.work.new_run, "open": self.work.open, "open_folder": self.work.open_folder, "import_log": self.work.import_log, "export": self.work.export,
            "retrain": self.work.retrain, "quit": self.close, "pause": self._pause, "resume": self._resume, "stop": self._stop,
            "test": self._test, "select": self.work.select, "report": self.work.report, "show_folder": self.work.show_folder, "rename": self.work.rename,
            "tag": self.work.tag, "trash": self.work.trash, "inspector_shown": frame.toggle_inspector, "library_shown": frame.toggle_library,
            "reset_layout": self._reset_layout, "shortcut_sheet": self.work.shortcuts, "about_nascope": self.work.about,
        }.items():  # fmt: skip
            self.commands[name].triggered.connect(slot)
        self.commands.themes.triggered.connect(self._theme_chosen)
        self.commands.languages.triggered.connect(self._language_chosen)
        self.commands.engines.triggered.connect(self._engines_chosen)
        self.frame.library.chosen.connect(self._chosen)
        self.frame.library.menu_wanted.connect(self.work.entry_menu)
        self.frame.library.renamed.connect(self.work.rename_entry)
        self.frame.library.trashed.connect(self.work.trash_entry)
        self.frame.welcome.demo_wanted.connect(self.work.start_demo)
        self.queue.changed.connect(self._queue_changed)
        self.sessions.engine_started.connect(self._engine_started)
        self.sessions.engine_ended.connect(self._engine_ended)
        self.sessions.state_changed.connect(self._state_changed)
        run.noticed.connect(self.notices.tell)
        run.changed.connect(self._run_changed)
        run.tested.connect(self._tested)
        self._scanner.scanned.connect(self._scanned)
        self.subnets.changed.connect(self._run_changed)
        self._scanner.studies_scanned.connect(self.frame.library.set_studies)
        self.commands["new_study"].triggered.connect(self.studies.new_study)
        self.selection.epoch_changed.connect(self._refresh_actions)
        frame.export_wanted.connect(self.work.export)
        self._closing.ready.connect(self.close)
        self._closing.told.connect(self._told_while_closing)

    # -- what is shown --------------------------------------------------------------------------------------------

    @property
    def model(self) -> RunModel | None:
        """The run on screen."""
        return self._model

    @property
    def genotype_key(self) -> str:
        """Name or file of the genotype on screen, empty where a run is."""
        return self._genotype_key

    def shown_genotype(self) -> Genotype | None:
        """The cells on screen: of the run at the shown epoch, or of the genotype."""
        if self._model is not None:
            return self._model.genotype(self.selection.epoch)
        return self._genotype

    def show_run(self, path: Path) -> None:
        """Show a run and follow it."""
        try:
            model = self.sessions.show(path)
        except NascopeError as error:
            self.notices.not_opened(str(error))
            return
        if model is not self._model:
            self._leave()
            self._model = model
            self.selection.select(None)
            self.selection.show_epoch(None)
            model.events_arrived.connect(self._events_arrived)
            model.meta_changed.connect(self._refresh_all)
            page = self.frame.run_page(model.kind)
            if isinstance(page, TwoStageView):
                self._connect_subnets(page)
            page.set_model(model)
            self.frame.inspector.set_model(model if model.has_cells else None)
            self.frame.show_page(page)
            if not self._within_home(path):
                settings.add_recent(path)
                self._scanner.look_at(self._all_roots())
            self.notices.shown(model)
            self._tell_failure()
        self.frame.library.choose(str(path), tell=False)
        self._refresh_all()

    def show_genotype(self, genotype: Genotype, key: str) -> None:
        """Show a named or opened genotype."""
        self._leave()
        self.sessions.show_nothing()
        self.notices.shown(None)
        self._genotype, self._genotype_key = genotype, key
        self.selection.select(None)
        self.selection.show_epoch(None)
        page = self.frame.genotype_page()
        page.set_genotype(genotype, key if Path(key).is_absolute() else "")
        self.frame.inspector.set_genotype(genotype)
        self.frame.show_page(page)
        self.frame.library.choose(key, tell=False)
        self._refresh_all()

    def show_study(self, path: Path) -> None:
        """Show a study and follow it."""
        path = path.absolute()
        view = self.frame.study_page()
        if self.frame.page is not view or view.path != path:
            self._leave()
            self.sessions.show_nothing()
            self.notices.shown(None)
            self._connect_study(view)
            view.set_study(path)
            self.frame.show_page(view)
            if not self._within_home(path):
                self.add_root(path)
        self.frame.library.choose(str(path), tell=False)
        self._refresh_all()
        self._scanner.look_now()

    def _connect_study(self, view: StudyView) -> None:
        if view is self._connected_study:
            return
        self._connected_study = view
        view.run_wanted.connect(self.show_run)
        view.start_wanted.connect(self.studies.go_on)
        view.stop_wanted.connect(self.studies.stop)
        view.page_wanted.connect(self.studies.open_page)
        view.changed.connect(self._refresh_all)

    def _connect_subnets(self, page: TwoStageView) -> None:
        if page is not self._connected_subnets:
            self._connected_subnets = page
            self.subnets.connect_panel(page.panel)
            page.panel.fine_tune_wanted.connect(self.work.fine_tune)

    def show_nothing(self) -> None:
        """Back to the welcome page."""
        self._leave()
        self.sessions.show_nothing()
        self.notices.shown(None)
        self.frame.show_page(self.frame.welcome)
        self.frame.library.choose("", tell=False)
        self._refresh_all()

    def _leave(self) -> None:
        if self._model is not None:
            self._model.events_arrived.disconnect(self._events_arrived)
            self._model.meta_changed.disconnect(self._refresh_all)
        self._model, self._genotype, self._genotype_key = None, None, ""
        self.frame.clear()

    def _chosen(self, entry: Entry) -> None:
        if entry.kind == "run":
            self.show_run(entry.path)
        elif entry.kind == "study":
            self.show_study(entry.path)
        elif entry.kind == "genotype":
            genotype = self.frame.library.genotype(entry.key)
            if genotype is not None:
                self.show_genotype(genotype, entry.key)

    def _reset_layout(self) -> None:
        settings.forget_layout()
        self.frame.reset_layout()

    # -- keeping everything true ----------------------------------------------------------------------------------

    def state(self) -> str:
        """The state of the run on screen, empty where there is none."""
        return (
            state_of(self._model, self.sessions, self.queue, self.control.stops_asked)
            if self._model is not None
            else ""
        )

    def _refresh_all(self) -> None:
        """Say anew what is true now; the timer asks for it too, since some of it changes by the clock."""
        model, genotype = self._model, self._genotype
        if model is not None:
            bars.show_run(self, self.frame, model, self.state())
        elif genotype is not None:
            bars.show_genotype(self, self.frame, genotype, self._genotype_key)
        elif (study := self._study_results()) is not None:
            bars.show_study(self, self.frame, title_of(study), progress_words(study), study.state, study.path)
        else:
            bars.show_nothing(self, self.frame)
        self._refresh_actions()

    def study_path(self) -> Path | None:
        """Folder of the study on screen, None where none is."""
        view = self.frame.study_view
        return view.path if view is not None and self.frame.page is view else None

    def _study_results(self) -> StudyResults | None:
        """The study on screen, None where none is."""
        view = self.frame.study_view
        return view.results if view is not None and self.frame.page is view else None

    def _refresh_actions(self, _: object = None) -> None:
        model = self._model
        if model is None:
            shown = Shown(has_cells=self._genotype is not None)
        else:
            is_testing = self.control.is_testing(model.path)
            offers = self.frame.two_stage_page().offers() if model.kind == "two-stage" else None
            has_cells = self._has_cells(model)
            shown = shown_run(model, self.state(), has_cells=has_cells, is_testing=is_testing, offers=offers)
        bars.show_actions(self.commands, shown)

    @staticmethod
    def _has_cells(model: RunModel) -> bool:
        if model.kind != "search":
            return model.kind == "retrain"
        return bool(model.history.alphas) or "genotype" in model.history.last

    def _events_arrived(self, types: set[str]) -> None:
        if types & {"started", "epoch", "genotype", "checkpoint", "resumed"}:
            self._refresh_all()

    def _state_changed(self, path: Path) -> None:
        if self._model is not None and self._model.path == path:
            self._refresh_all()
            self._tell_failure()
        model = self.sessions.model(path)
        if model is not None and model.has_ended and self.sessions.engine(path) is None:
            self.control.stops_asked.pop(path, None)
        self._scanner.look_now()

    def _run_changed(self, path: Path) -> None:
        if self._model is not None and self._model.path == path and not path.exists():
            self.show_nothing()
        self._refresh_all()
        self._scanner.look_now()

    def _tested(self, path: Path) -> None:
        if self.frame.retrain_view is not None and self._model is not None and self._model.path == path:
            self.frame.retrain_view.read_results()

    def _scanned(self, runs: list) -> None:  # type: ignore[type-arg]
        self.frame.library.set_runs(runs)
        self.frame.welcome.set_first_start(not runs)
        if not self._has_scanned:
            self._has_scanned = True
            self._show_again()
        if self._model is not None:
            self.frame.library.choose(str(self._model.path), tell=False)
            self._look_for_its_folder(self._model)
        self.queue.advance()

    def _look_for_its_folder(self, model: RunModel) -> None:
        """A run whose folder went away cannot be shown: every word about it would be a guess."""
        is_listed = any(run.summary.path == model.path for run in self.frame.library.runs)
        if is_listed or self.sessions.engine(model.path) is not None or (model.path / CONFIG).exists():
            return
        self.show_nothing()
        text = self.tr("The folder of «{title}» is gone: {path}. It was moved or deleted, or its disk is not there.")
        self.notices.tell(text.format(title=model.title, path=model.path), passes=True)

    def _show_again(self) -> None:
        """At the start: a run that goes on, else what was on screen last time."""
        if self._model is not None or self._genotype is not None or self.study_path() is not None:
            return
        self.work.list_recent_cells()
        live = next(
            (str(run.summary.path) for run in self.frame.library.runs if run.state in ("running", "paused")), None
        )
        key = live or settings.last_shown()
        self.frame.library.choose(key)
        if key and self.frame.page is self.frame.welcome:
            self._show_unlisted(Path(key))

    def _show_unlisted(self, path: Path) -> None:
        """What was on screen last time and stands in no list yet: a study, or a member of one."""
        if path.is_absolute() and is_study(path):
            self.show_study(path)
        elif path.is_absolute() and (path / CONFIG).is_file():
            self.show_run(path)

    def _queue_changed(self) -> None:
        self.frame.library.set_queue(self.queue.waiting())
        self._refresh_all()

    # -- engines --------------------------------------------------------------------------------------------------

    def _launch(self, path: Path) -> None:
        try:
            self.sessions.launch(path)
        except NascopeError as error:
            self.notices.tell(str(error), "danger")

    def _live_count(self) -> int:
        ours = {engine.model.path for engine in self.sessions.engines()}
        others = (run for run in self.frame.library.runs if run.state in ("running", "paused"))
        return len(ours) + sum(run.summary.path not in ours and not self._has_ended(run.summary.path) for run in others)

    def _has_ended(self, path: Path) -> bool:
        """The library's list may be a second old; a followed run is known better."""
        model = self.sessions.model(path)
        return model is not None and model.has_ended

    def _engine_started(self, path: Path) -> None:
        self.notices.hide()
        self._refresh_all()
        self._scanner.look_now()

    def _engine_ended(self, model: RunModel, end: EngineEnd | None) -> None:
        self.control.stops_asked.pop(model.path, None)
        if end is not None and (end.state == "failed" or model.status.state == "failed"):
            self.notices.failed(model, end.lines)
        if model is self._model:
            self._look_for_its_folder(model)
        self.queue.advance()
        self._refresh_all()
        self._scanner.look_now()

    def _tell_failure(self) -> None:
        """A failed run on screen says why, also long after it failed."""
        model = self._model
        if model is None or model.status.state != "failed" or self.sessions.engine(model.path) is not None:
            return
        if self.notices.about != model.path and model is not self._failure_told:
            self._failure_told = model
            self.notices.failed(model)

    # -- keys -----------------------------------------------------------------------------------------------------

    def _pause(self) -> None:
        if self._model is not None:
            self.control.pause(self._model.path)

    def _resume(self) -> None:
        if self._model is not None:
            self.control.resume(self._model.path)

    def _stop(self) -> None:
        if self._model is None:
            return
        if self.state() == "overdue":
            self.control.kill(self._model.path)
        else:
            self.control.stop(self._model.path)
        self._refresh_all()

    def _test(self) -> None:
        if self._model is not None and self._model.kind == "two-stage":
            self.frame.two_stage_page().press("test")
        elif self._model is not None:
            self.control.test(self._model.path)

    # -- choices --------------------------------------------------------------------------------------------------

    def _theme_chosen(self, action: QAction) -> None:
        settings.set_theme_choice(action.data())
        manager().set_choice(action.data())

    def _language_chosen(self, action: QAction) -> None:
        settings.set_language(str(action.data()))
        self.notices.tell(self.tr("The language changes with the next start of the window."))

    def _engines_chosen(self, action: QAction) -> None:
        settings.set_engines_at_a_time(int(action.data()))
        self.queue.advance()

    # -- from outside ---------------------------------------------------------------------------------------------

    def _within_home(self, path: Path) -> bool:
        return any(path.is_relative_to(root) for root in self._roots)

    def _all_roots(self) -> list[Path]:
        return [*self._roots, *(path for path in settings.recent() if path.is_dir() and not self._within_home(path))]

    def add_root(self, path: Path) -> None:
        """List the runs below another folder too."""
        settings.add_recent(path)
        self._scanner.look_at(self._all_roots())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Local files and folders only."""
        urls = event.mimeData().urls() if event.mimeData().hasUrls() else []
        if urls and all(url.isLocalFile() for url in urls):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        self.work.open_all([url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()])
        event.acceptProposedAction()

    # -- the end --------------------------------------------------------------------------------------------------

    def _told_while_closing(self, text: str) -> None:
        self.notices.tell(text, "warn", ((self.tr("Stop now"), self._closing.force),))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask where a run goes on; join every thread."""
        if not self._closing.may_close():
            event.ignore()
            return
        geometry.remember(self, self.frame)
        path = self._model.path if self._model is not None else self.study_path()
        settings.set_last_shown(str(path) if path is not None else self._genotype_key)
        self.shut_down()
        event.accept()

    def shut_down(self) -> None:
        """End every thread and timer; engines that were detached live on. Safe to call twice."""
        with QSignalBlocker(self._scanner):
            self._timer.stop()
            self._scanner.quit_soon()
            self.control.close()
            self.studies.close()
            self.subnets.close()
            self.work.imports.close()
            self._leave()
            self.sessions.close(kill=self._closing.kills_leftovers)
            self._scanner.wait()
        self.queue.close()
        self._closing.stop()
        self._garbage.close()

"""What the menu's entries do that needs a dialog: new runs, opening, exporting, renaming."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtWidgets import QFileDialog, QInputDialog, QLineEdit, QMenu, QMessageBox

from app import settings
from app.dialogs.about import AboutDialog
from app.dialogs.shortcuts import ShortcutSheet
from app.forms.draft import RunDraft
from app.forms.run_form import RunForm
from app.library.entries import Entry
from app.log_import import LogImports
from app.opening import recognize
from engine.config import CONFIG_CLASSES, METHODS, describe
from engine.errors import NascopeError
from engine.genotype.read import read_genotype
from engine.runs import RunFolder
from engine.runs.folder import CHECKPOINT_LAST
from engine.runs.original.convert import Imported
from engine.subnets import Architecture, architecture_from_json
from engine.subnets.named import name_of

if TYPE_CHECKING:
    from app.window import MainWindow


class MenuWork(QObject):
    """Works for the main window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._form: RunForm | None = None
        self.imports = LogImports(self)
        self.imports.imported.connect(self._show_imported)
        self.imports.failed.connect(window.notices.not_opened)

    # -- new runs -------------------------------------------------------------------------------------------------

    def new_run(self) -> None:
        """Open the form of a new search, as the last one of this sitting was set."""
        self.open_form(RunDraft("search"))

    def start_demo(self) -> None:
        """Search the digits at once, with every default."""
        self._start(RunDraft("search"))

    def select(self) -> None:
        """Search for sub-networks of the supernet on screen."""
        if self._shows_supernet:
            self._window.frame.two_stage_page().press("select")

    @property
    def _shows_supernet(self) -> bool:
        model = self._window.model
        return model is not None and model.kind == "two-stage"

    def fine_tune(self, run: Path, record: Mapping[str, object]) -> None:
        """Open the form of training a sub-network of a supernet further.

        Args:
            run: folder of the two-stage run.
            record: the sub-network.
        """
        try:
            data = str(RunFolder(run).config_document().get("data", "digits"))
            architecture = architecture_from_json(record)
            self.open_form(RunDraft("subnet", data=data, architecture=architecture, supernet_run=run))
        except NascopeError as error:
            self._window.notices.tell(str(error), "danger")

    def retrain(self) -> None:
        """Open the form of a retraining of the network on screen; of a supernet, of fine-tuning the sub-network that is chosen."""
        if self._shows_supernet:
            self._window.frame.two_stage_page().press("fine_tune")
            return
        try:
            draft = self.retrain_draft()
        except NascopeError as error:
            self._window.notices.tell(str(error), "danger")
            return
        if draft is not None:
            self.open_form(draft)

    def retrain_draft(self) -> RunDraft | None:
        """A retraining of the cells on screen, on the data they were found on, or of the sub-network of a run.

        Raises:
            ConfigError: the configuration of the run on screen was damaged.
        """
        window = self._window
        genotype, model = window.shown_genotype(), window.model
        if model is not None and model.architecture is not None:
            return RunDraft("subnet", data=str(model.config.get("data", "digits")), architecture=model.architecture)
        if genotype is None:
            return None
        if model is None:
            return RunDraft("retrain", genotype=genotype, genotype_spec=window.genotype_key)
        data, spec = str(model.config.get("data", "digits")), str(model.path)
        if model.kind == "search":
            epoch = window.selection.epoch
            record = model.alphas(epoch)
            # People's count, as in the cells that the engine itself writes.
            source = {"run": model.path.name, "method": str(model.config.get("method", ""))}
            shown = {} if record is None else {"epoch": record.epoch + 1}
            genotype = replace(genotype, name=model.name or model.method_title, source={**source, **shown})
            spec = spec if epoch is None else "CELL.json"
        return RunDraft("retrain", data=data, genotype=genotype, genotype_spec=spec, origin=model.path)

    def open_form(self, draft: RunDraft) -> RunForm:
        """Show the form for a draft; another one that is open gives way."""
        if self._form is not None:
            self._form.reject()
        known = [str(run.summary.data) for run in self._window.frame.library.runs]
        self._form = RunForm(draft, known_data=tuple(dict.fromkeys(known)), parent=self._window)
        self._form.start_wanted.connect(self._start_from_form)
        self._form.finished.connect(self._form_closed)
        self._form.open()
        return self._form

    def _form_closed(self) -> None:
        self._form = None

    def _start_from_form(self, draft: RunDraft) -> None:
        form = self._form
        try:
            path = self._window.control.start(draft)
        except NascopeError as error:
            if form is not None:
                form.show_fault(str(error))
            return
        if form is not None:
            form.accept()
        self._window.show_run(path)

    def _start(self, draft: RunDraft) -> None:
        try:
            self._window.show_run(self._window.control.start(draft))
        except NascopeError as error:
            self._window.notices.tell(str(error), "danger")

    # -- opening and exporting ------------------------------------------------------------------------------------

    def open(self) -> None:
        """Ask for a file."""
        types = self.tr("Genotypes, configurations, arrays (*.json *.txt *.py *.md *.log *.npz);;All files (*)")
        file, _ = QFileDialog.getOpenFileName(self._window, self.tr("Open"), "", types)
        if file:
            self.open_text(file)

    def import_log(self) -> None:
        """Ask for a log of the original code, and make a run of it."""
        types = self.tr("Logs and captured output (*.txt *.log *.out);;All files (*)")
        file, _ = QFileDialog.getOpenFileName(self._window, self.tr("Import a log"), "", types)
        if file:
            self.imports.start(Path(file))

    def _show_imported(self, path: Path, found: Imported) -> None:
        """Show the run that a log became, with what a person should know of it."""
        self._window.show_run(found.folder.path)
        about = self.tr("Imported from {path}.").format(path=path)
        self._window.notices.tell(" ".join([about, *found.notes[1:]]), "ok", about=found.folder.path)

    def open_folder(self) -> None:
        """Ask for a run folder."""
        folder = QFileDialog.getExistingDirectory(self._window, self.tr("Open a run folder"))
        if folder:
            self.open_text(folder)

    def open_all(self, texts: Sequence[str]) -> None:
        """Open several; what could not be opened is told at the end, whatever else is on screen by then."""
        faults = [fault for text in texts if (fault := self._open(text))]
        if faults:
            self._window.notices.not_opened("\n".join(faults))

    def open_text(self, text: str) -> None:
        """Open a path, or a genotype by its name."""
        self.open_all([text])

    def _open(self, text: str) -> str:
        """What was wrong, empty where nothing was."""
        window = self._window
        try:
            found = recognize(text)
            genotype = found.genotype
            if found.several:
                name, chosen = QInputDialog.getItem(
                    window, self.tr("Several genotypes"), self.tr("Which one?"), list(found.several), editable=False
                )
                if not chosen:
                    return ""
                genotype = found.several[name].named(name)
            if found.kind == "run":
                window.show_run(found.path)
            elif found.kind == "study":
                window.show_study(found.path)
            elif found.kind == "study file":
                window.studies.ask_to_start(found.path)
            elif found.kind == "runs":
                window.add_root(found.path)
                window.notices.tell(
                    self.tr("The runs in {folder} are listed on the left now.").format(folder=found.path)
                )
            elif found.architecture is not None:
                name = str(found.path)
                self.open_form(RunDraft("subnet", architecture=found.architecture, architecture_spec=name))
            elif found.kind == "data":
                self.open_form(RunDraft("search", data=found.data))
            elif found.kind == "log":
                self.imports.start(found.path)
            elif found.kind == "config":
                self.open_form(draft_of(found.values))
            elif genotype is not None and found.path.is_absolute():
                window.frame.library.add_genotype(found.path, genotype)
                settings.add_recent(found.path)
                window.show_genotype(genotype, str(found.path))
            elif genotype is not None:
                window.show_genotype(genotype, genotype.name)
        except NascopeError as error:
            return str(error)
        return ""

    def list_recent_cells(self) -> None:
        """List the genotype files that were opened before, as far as they are still there."""
        for path in settings.recent():
            if path.is_file():
                try:
                    self._window.frame.library.add_genotype(path, read_genotype(str(path)))
                except NascopeError:
                    settings.forget_recent(path)

    def export(self) -> None:
        """Save the cells on screen, or the sub-network."""
        shown = self._window.model
        if self._shows_supernet:
            self._window.frame.two_stage_page().press("export")
            return
        if shown is not None and shown.architecture is not None:
            self._export_subnet(shown.path, shown.architecture)
            return
        genotype = self._window.shown_genotype()
        if genotype is None:
            return
        from app.cells.export import export_genotype  # Writers load only when something is written.

        model = self._window.model
        name = genotype.name or (model.path.name if model is not None else "genotype")
        genotype = genotype if genotype.name else genotype.named(name)
        run = model.path if model is not None and model.kind == "retrain" else None
        is_trained = run is not None and (run / CHECKPOINT_LAST).exists()

        def write_network(file: Path, format: str) -> None:
            self._window.control.export_network(run if is_trained else None, genotype, format, file)

        path = export_genotype(self._window, genotype, name, is_trained=is_trained, write_network=write_network)
        if path is not None:
            self._window.notices.tell(self.tr("Written: {path}").format(path=path), "ok")

    def _export_subnet(self, run: Path, architecture: Architecture) -> None:
        """Save the record of a run's sub-network, or its network as far as it is trained."""
        from app.subnets.export import ask_where, write_record

        asked = ask_where(self._window, name_of(architecture))
        if asked is None:
            return
        file, format = asked
        if format != "json":
            is_trained = (run / CHECKPOINT_LAST).exists()
            self._window.control.export_network(run if is_trained else None, architecture, format, file)
            return
        try:
            write_record(architecture, file)
        except OSError as error:
            text = self.tr("{path} could not be written: {reason}.").format(path=file, reason=error.strerror or error)
            self._window.notices.tell(text, "danger")
        else:
            self._window.notices.tell(self.tr("Written: {path}").format(path=file), "ok")

    # -- runs -----------------------------------------------------------------------------------------------------

    def report(self) -> None:
        """Write and open the page of the run on screen."""
        if self._window.model is not None:
            self._window.control.report(self._window.model.path)

    def show_folder(self) -> None:
        """Open the folder of the run on screen."""
        if self._window.model is not None:
            self._window.control.open_folder(self._window.model.path)

    def rename(self) -> None:
        """Rename the run on screen."""
        if self._window.model is not None:
            self._rename(self._window.model.path)

    def rename_entry(self, entry: Entry) -> None:
        """Rename a run of the library."""
        self._rename(entry.path)

    def tag(self) -> None:
        """Tag the run on screen."""
        if self._window.model is not None:
            self._tag(self._window.model.path)

    def trash(self) -> None:
        """Put the run on screen in the trash."""
        if self._window.model is not None:
            self._trash(self._window.model.path)

    def trash_entry(self, entry: Entry) -> None:
        """Put a run in the trash; an opened file only leaves the list."""
        if entry.kind == "run":
            self._trash(entry.path)
        elif entry.kind == "genotype" and entry.path.is_absolute():
            self._window.frame.library.remove_genotype(entry.path)
            settings.forget_recent(entry.path)

    def entry_menu(self, entry: Entry, place: QPoint) -> None:
        """The menu of one entry of the library."""
        menu = self.make_entry_menu(entry)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(place)

    def make_entry_menu(self, entry: Entry) -> QMenu:
        """What can be done with an entry: it is shown first, so that every action means it."""
        window, actions = self._window, self._window.commands
        menu = QMenu(window)
        window.frame.library.choose(entry.key)
        if entry.kind == "study":
            menu.addAction(actions["show_folder"].text(), lambda: window.control.open_folder(entry.path))
            return menu
        if entry.kind == "genotype":
            menu.addActions([actions["retrain"], actions["export"]])
            return menu
        names = [
            "pause",
            "resume",
            "stop",
            "",
            "select",
            "retrain",
            "test",
            "export",
            "",
            "report",
            "show_folder",
            "",
            "rename",
            "tag",
            "trash",
        ]
        place = window.queue.place(entry.path)
        if place is not None:
            menu.addAction(self.tr("Earlier in the queue"), lambda: window.queue.move(entry.path, -1)).setEnabled(
                place > 1
            )
            menu.addAction(self.tr("Later in the queue"), lambda: window.queue.move(entry.path, 1)).setEnabled(
                place < len(window.queue.waiting())
            )
            menu.addSeparator()
        for name in names:
            if name:
                menu.addAction(actions[name])
            else:
                menu.addSeparator()
        return menu

    def _rename(self, path: Path) -> None:
        before = str(RunFolder(path).meta()["name"])
        name, chosen = QInputDialog.getText(
            self._window,
            self.tr("Rename"),
            self.tr("Name of the run (empty shows method and data):"),
            QLineEdit.EchoMode.Normal,
            before,
        )
        if chosen:
            self._window.control.rename(path, name)

    def _tag(self, path: Path) -> None:
        before = ", ".join(map(str, RunFolder(path).meta()["tags"]))
        text, chosen = QInputDialog.getText(
            self._window, self.tr("Tags"), self.tr("Tags, separated by commas:"), QLineEdit.EchoMode.Normal, before
        )
        if chosen:
            self._window.control.tag(path, text.split(","))

    def _trash(self, path: Path) -> None:
        run = self._window.frame.library.run(path)
        title = run.summary.title if run is not None else path.name
        question = QMessageBox(
            QMessageBox.Icon.NoIcon,
            self.tr("Trash"),
            self.tr("Put «{title}» in the trash?").format(title=title),
            parent=self._window,
        )
        question.setInformativeText(self.tr("Its folder, {path}, can be restored from there.").format(path=path))
        move = question.addButton(self.tr("Put in the trash"), QMessageBox.ButtonRole.AcceptRole)
        question.addButton(QMessageBox.StandardButton.Cancel)
        question.setDefaultButton(move)
        question.exec()
        if question.clickedButton() is move and self._window.control.trash(path):
            settings.forget_recent(path)
        question.deleteLater()

    # -- help -----------------------------------------------------------------------------------------------------

    def shortcuts(self) -> None:
        """All keys."""
        ShortcutSheet(self._window).open()

    def about(self) -> None:
        """Versions and machine."""
        AboutDialog(self._window).open()


def draft_of(values: dict[str, object]) -> RunDraft:
    """A draft with the settings of a configuration file.

    Raises:
        NascopeError: the file's genotype, or its sub-network, is not valid.
    """
    from engine.genotype import genotype_from_json

    method = str(values.get("method") or "")
    method = method if method in METHODS else ""
    kind = str(values.get("kind") or (METHODS[method].kind if method else "search"))
    kind = kind if kind in CONFIG_CLASSES else "search"
    genotype = genotype_from_json(values.get("genotype")) if kind == "retrain" else None
    architecture = architecture_from_json(values.get("architecture")) if kind == "subnet" else None
    run, definition = values.get("supernet_run"), values.get("space_definition")
    draft = RunDraft(
        kind, data=str(values.get("data") or "digits"), method=method, preset=str(values.get("preset") or "auto"), genotype=genotype,
        architecture=architecture, supernet_run=Path(run) if kind == "subnet" and isinstance(run, str) else None,
        space_definition=definition if kind == "two-stage" and isinstance(definition, dict) else None,
    )  # fmt: skip
    known = {field.name for field in describe(draft.kind)} - {"method", "data"}
    for name, value in values.items():
        if name in known:
            draft.say(name, value)
    return draft

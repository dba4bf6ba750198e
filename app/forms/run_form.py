"""The dialog that makes a new run: a search, a supernet, a retraining, a sub-network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeySequence, QPainter, QPaintEvent, QShortcut
from PySide6.QtWidgets import QDialog, QFileDialog, QLineEdit, QMenu, QVBoxLayout, QWidget

from app.buttons import Button
from app.child import CommandLine, engine_words
from app.forms.draft import CHOICES, RunDraft
from app.forms.editors import make_editor
from app.forms.field_row import FieldRow
from app.forms.footer import FormFooter
from app.forms.forecast import Forecaster
from app.forms.group import FieldGrid, FieldGroup
from app.labels import LARGE, ElidedLabel, Label
from app.scroll import ScrollColumn
from app.surface import Line
from app.theme import manager, theme
from engine.config import DATA_SETS, METHODS, PRESETS, FieldDescription, RunConfig, describe
from engine.genotype.spaces import SPACES
from engine.subnets import space_names, spaces
from engine.subnets.named import name_of

COMMON = {
    "search": ("epochs", "channels", "layers", "batch_size", "seed", "device"),
    "retrain": ("epochs", "channels", "layers", "batch_size", "seed", "device"),
    "two-stage": ("epochs", "space", "batch_size", "networks_per_step", "seed", "device"),
    "subnet": ("epochs", "batch_size", "learning_rate", "dropout", "seed", "device"),
}
"""Settings of each kind of run that stand above the groups."""
GROUPS = ("Method", "Alphas", "Weights", "Schedule", "Network", "Data", "Machine")
"""What is about the method first, what is about the machine last."""
_DEVICES = ("auto", "cpu", "cuda", "mps")


class RunForm(QDialog):
    """Everything that can be told to a new run; emits the draft on Start."""

    start_wanted = Signal(object)
    """RunDraft, checked."""

    def __init__(
        self, draft: RunDraft, *, known_data: tuple[str, ...] = (), command: CommandLine = engine_words, parent: QWidget | None = None
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.setObjectName("run_form")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.draft = draft
        self._rows: dict[str, FieldRow] = {}
        self._groups: list[FieldGroup] = []
        self._settling = QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.setInterval(0)
        self._settling.timeout.connect(self._show_draft)
        self._unit = self.fontMetrics().height()
        self._make_foot(command)

        self._make_choice_rows({field.name: field for field in describe(draft.kind)}, known_data)
        scroll = ScrollColumn()
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # The first field has the focus, the wheel and its rows scroll.
        column = scroll.column
        column.setContentsMargins(*(self._unit * side // 2 for side in (3, 2, 3, 2)))
        column.setSpacing(self._unit * 3 // 4)
        self._heading = ElidedLabel("", scale=LARGE, bold=True)
        self._under_heading = Label("", tone="dim").wrapped()
        column.addWidget(self._heading)
        column.addWidget(self._under_heading)
        column.addWidget(
            FieldGrid([self._rows[name] for name in ("method", "data", "preset", "name") if name in self._rows])
        )
        column.addWidget(Line())
        self._body = QVBoxLayout()
        self._body.setSpacing(self._unit * 3 // 4)
        column.addLayout(self._body)
        column.addStretch(1)
        self._built_kind = ""
        self._build_settings()
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(scroll, 1)
        box.addWidget(self._foot)
        for keys in ("Ctrl+Return", "Ctrl+Enter"):
            QShortcut(QKeySequence(keys), self, self._start)
        manager().changed.connect(self.update)
        self._show_draft()
        self.resize(self.sizeHint())  # Qt would take the least height that wrapped sentences need.

    def sizeHint(self) -> QSize:
        """Wide enough for two columns, as high as the screen allows."""
        screen = self.screen().availableSize() if self.screen() is not None else QSize(1024, 768)
        return QSize(min(self._unit * 50, screen.width() - 40), min(self._unit * 50, screen.height() - 60))

    @property
    def start_button(self) -> Button:
        """Starts the run."""
        return self._foot.start_button

    # -- building -------------------------------------------------------------------------------------------------

    def _make_foot(self, command: CommandLine) -> None:
        self._foot = FormFooter()
        self._foot.start_wanted.connect(self._start)
        self._foot.cancel_wanted.connect(self.reject)
        self._asked_about: RunConfig | None = None
        self._forecaster = Forecaster(command=command, parent=self)
        row = self._foot.forecast
        row.asked.connect(self._ask_forecast)
        row.cancelled.connect(self._cancel_forecast)
        row.batch_wanted.connect(self._use_batch)
        self._forecaster.answered.connect(lambda answer: row.show_answer(answer, self.draft))
        self._forecaster.failed.connect(row.show_fault)

    def _build_settings(self) -> None:
        """The settings of the draft's kind of run, below what decides the kind; made anew when that changes."""
        kind = self.draft.kind
        if kind == self._built_kind:
            return
        self._built_kind = kind
        while (item := self._body.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                old.setParent(None)  # At once: nobody shall find a setting of the other kind by its name.
                old.deleteLater()
        self._rows = {name: row for name, row in self._rows.items() if name in (*CHOICES, "name")}
        self._groups = []
        fields = {field.name: field for field in describe(kind) if field.name not in CHOICES}
        common = [name for name in COMMON[kind] if name in fields]
        groups: dict[str, list[FieldRow]] = {}
        for name in [*common, *(name for name in fields if name not in common)]:
            self._add_row(fields[name])
            if name not in common:
                groups.setdefault(fields[name].group, []).append(self._rows[name])
        self._body.addWidget(FieldGrid([self._rows[name] for name in common]))
        self._body.addWidget(Line())
        for title in sorted(groups, key=lambda title: GROUPS.index(title) if title in GROUPS else len(GROUPS)):
            group = FieldGroup(title, groups[title])
            self._groups.append(group)
            self._body.addWidget(group)
        self.setWindowTitle(self._window_title())
        self._heading.setText(self._title())
        self._under_heading.setText(self._sentence())

    def _window_title(self) -> str:
        return {
            "search": self.tr("New search"),
            "two-stage": self.tr("New supernet"),
            "retrain": self.tr("Retrain"),
            "subnet": self.tr("Fine-tune") if self.draft.supernet_run is not None else self.tr("Train a sub-network"),
        }[self.draft.kind]

    def _title(self) -> str:
        kind = self.draft.kind
        if kind == "search":
            return self.tr("Search for a normal and a reduction cell")
        if kind == "two-stage":
            return self.tr("Train one supernet for many networks")
        if kind == "subnet":
            architecture = self.draft.architecture
            name = name_of(architecture) if architecture is not None else self.tr("this sub-network")
            if self.draft.supernet_run is not None:
                return self.tr("Fine-tune {name}").format(name=name)
            return self.tr("Train {name} from scratch").format(name=name)
        name = self.draft.genotype.name if self.draft.genotype is not None else ""
        return self.tr("Retrain {name} from scratch").format(name=name or self.tr("these cells"))

    def _sentence(self) -> str:
        if self.draft.kind == "search":
            return self.tr("Weights and alphas are trained together; the cells are read off the alphas.")
        if self.draft.kind == "two-stage":
            return self.tr(
                "Every sub-network uses a part of the same weights. Which of them to take is chosen afterwards, for any budget, without "
                "training again."
            )
        if self.draft.kind == "subnet" and self.draft.supernet_run is not None:
            return self.tr("Begins with the weights of its supernet; only Test touches the test split.")
        if self.draft.kind == "subnet":
            return self.tr("Trains this network alone, from new weights; only Test touches the test split.")
        return self.tr("Trains the network of these cells; only Test touches the test split.")

    def _make_choice_rows(self, fields: Mapping[str, FieldDescription], known_data: tuple[str, ...]) -> None:
        if "method" in fields:
            methods = [(method.title, name) for name, method in METHODS.items()]
            self._add_row(fields["method"], methods)
        data = [(entry.title, name) for name, entry in DATA_SETS.items() if not entry.takes_path]
        data += [(text, text) for text in known_data if text not in DATA_SETS]
        browse = Button(self.tr("Browse…"))
        browse.setObjectName("browse_data")
        menu = QMenu(browse)
        menu.addAction(self.tr("Folder of images…"), self._browse_folder)
        menu.addAction(self.tr("npz file…"), self._browse_file)
        browse.setMenu(menu)
        self._add_row(fields["data"], data, free=True, extra=browse)
        preset = FieldDescription(
            "preset", "text", "", self.tr("Sizes and rates that everything below starts from."), "auto"
        )
        self._add_row(preset, [(name, name) for name in PRESETS])
        name = FieldDescription(
            "name", "text", "", self.tr("What lists call the run; empty shows method and data."), ""
        )
        self._add_row(name)
        line = self._rows["name"].editor.widget
        if isinstance(line, QLineEdit):
            line.setPlaceholderText(self.tr("optional"))
            line.setMaxLength(120)

    def _add_row(
        self,
        field: FieldDescription,
        choices: list[tuple[str, Any]] | None = None,
        *,
        free: bool = False,
        extra: QWidget | None = None,
    ) -> None:
        if field.name == "device":
            choices, free = [(name, name) for name in _DEVICES], True
        elif field.name == "space":
            names = space_names() if self.draft.kind == "two-stage" else tuple(SPACES)
            choices, free = [(name, name) for name in names], True
            if self.draft.kind == "two-stage":
                extra = Button(self.tr("Browse…"))
                extra.setObjectName("browse_space")
                extra.clicked.connect(self._browse_space)
        row = FieldRow(field, make_editor(field, choices, free=free), extra=extra)
        row.changed.connect(self._changed)
        row.reset.connect(self._reset)
        self._rows[field.name] = row

    # -- what a person does ---------------------------------------------------------------------------------------

    def _changed(self, name: str) -> None:
        editor = self._rows[name].editor
        if name == "name":
            self.draft.name = str(editor.value())
        elif name in CHOICES:
            self.draft.say(name, str(editor.value()))
        else:
            self.draft.say(name, editor.value())
        # At the next turn of the event loop: an editor must not be changed from inside its own signal.
        self._settling.start()

    def _reset(self, name: str) -> None:
        self.draft.unsay(name)
        self._show_draft()

    def _start(self) -> None:
        self.draft.settle()
        self._show_draft()
        if self.draft.is_ready:
            self.start_wanted.emit(self.draft)

    def show_fault(self, sentence: str) -> None:
        """Say why the run could not be made."""
        self._foot.tell_fault(sentence)

    def _browse_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, self.tr("Folder of images: one folder a class"))
        if folder:
            self._set_data(f"image-folder:{folder}")

    def _browse_file(self) -> None:
        file, _ = QFileDialog.getOpenFileName(self, self.tr("Arrays of images and labels"), "", "NumPy (*.npz)")
        if file:
            self._set_data(f"npz:{file}")

    def _browse_space(self) -> None:
        file, _ = QFileDialog.getOpenFileName(self, self.tr("Space of sub-networks"), "", self.tr("Spaces (*.json)"))
        if file:
            self.set_value("space", file)

    def _set_data(self, text: str) -> None:
        self._rows["data"].editor.show_value(text)
        self._changed("data")

    def set_value(self, name: str, value: Any) -> None:
        """Say a setting for the person, for example from a dropped configuration file."""
        if self.draft.kind != self._built_kind:
            self._show_draft()  # A method that was said just now has brought other settings.
        row = self._rows.get(name)
        if row is not None:
            row.editor.show_value(value)
            self._changed(name)

    # -- forecast -------------------------------------------------------------------------------------------------

    def _ask_forecast(self) -> None:
        self.draft.settle()
        self._show_draft()
        if self.draft.is_ready:
            self._foot.forecast.show_asking()
            self._asked_about = self.draft.config
            self._forecaster.ask(self.draft)

    def _cancel_forecast(self) -> None:
        self._forecaster.cancel()
        self._asked_about = None
        self._foot.forecast.clear()

    def _forget_old_forecast(self) -> None:
        """An answer about other settings would mislead."""
        if self._asked_about is not None and self._asked_about != self.draft.config:
            self._asked_about = None
            self._forecaster.cancel()
            self._foot.forecast.show_changed()

    def _use_batch(self, batch_size: int, learning_rate: float) -> None:
        self.draft.say("batch_size", batch_size)
        self.draft.say("learning_rate", learning_rate)
        self._show_draft()

    def done(self, result: int) -> None:
        """Nobody waits for a forecast any more."""
        self._forecaster.cancel()
        super().done(result)

    # -- showing --------------------------------------------------------------------------------------------------

    def _show_draft(self) -> None:
        draft = self.draft
        self._build_settings()
        for name, row in self._rows.items():
            if name in CHOICES:
                row.show_state(getattr(draft, name), None, is_said=False, fault=draft.fault(name))
            elif name == "name":
                row.show_state(draft.name, "", is_said=False, fault="")
            else:
                is_said = name in draft.said
                row.show_state(draft.value(name), draft.default(name), is_said=is_said, fault=draft.fault(name))
        self._tell_meaning()
        for group in self._groups:
            names = [row.field.name for row in group.rows]
            group.tell(sum(name in draft.said for name in names), faulty=any(draft.fault(name) for name in names))
        loose = [fault for fault in draft.faults if fault.field not in self._rows]
        self._foot.show_draft(draft, " ".join(str(fault) for fault in loose))
        self._forget_old_forecast()

    def _tell_meaning(self) -> None:
        """The sentence under method, data and preset is about the one that is chosen."""
        draft = self.draft
        if "method" in self._rows and draft.method in METHODS:
            self._rows["method"].set_help(METHODS[draft.method].summary)
        space = spaces().get(str(draft.value("space"))) if draft.kind == "two-stage" else None
        if space is not None:
            size = self.tr(" {n} networks.").format(n=f"{space.size:,}")
            self._rows["space"].set_help(space.summary + size)
        entry = DATA_SETS.get(draft.data.partition(":")[0])
        if entry is not None:
            tail = (
                self.tr(" Downloads {n} MiB the first time.").format(n=entry.download_mib) if entry.download_mib else ""
            )
            self._rows["data"].set_help(entry.summary + tail)
        if draft.preset in PRESETS:
            summary = PRESETS[draft.preset]
            self._rows["preset"].set_help(summary[0].upper() + summary[1:] + ".")

    def paintEvent(self, event: QPaintEvent) -> None:
        """The form stands on the colour of a panel."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme().panel))
        painter.end()


def data_of(path: Path) -> str | None:
    """The ``--data`` text of a dropped folder or file; None where it is none."""
    if path.is_dir():
        return f"image-folder:{path}"
    return f"npz:{path}" if path.suffix == ".npz" else None

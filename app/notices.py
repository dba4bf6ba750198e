"""What the notice above the views tells, and for how long it is of interest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QWidget

from app.dialogs.report import ReportDialog
from app.failure import failure_report, failure_sentence
from app.labels import Tone
from app.notice import NoticeBar
from app.run_model import RunModel

WaysOut = Sequence[tuple[str, Callable[[], None]]]


class Notices(QObject):
    """One notice at a time; one about a run goes when the run leaves the screen, a failed opening with the next one."""

    def __init__(self, bar: NoticeBar, window: QWidget) -> None:
        super().__init__(window)
        self._bar = bar
        self._window = window
        self._about: Path | None = None
        self._passes = False
        self._seen: Path | None = None

    @property
    def about(self) -> Path | None:
        """The run that the notice on screen is about."""
        return self._about if not self._bar.isHidden() else None

    def tell(
        self, text: str, tone: Tone = "warn", ways_out: WaysOut = (), *, about: Path | None = None, passes: bool = False
    ) -> None:
        """Tell something.

        Args:
            about: the run that it concerns: when that was on screen and leaves it, the notice goes too.
            passes: whether it goes as soon as anything else is shown.
        """
        self._about, self._passes = about, passes
        self._bar.tell(text, tone=tone, ways_out=ways_out)

    def not_opened(self, text: str) -> None:
        """Tell why something could not be opened."""
        self.tell(text, "danger", passes=True)

    def failed(self, model: RunModel, lines: Sequence[str] = ()) -> None:
        """Tell why a run failed, with the report as the way out."""
        report, sentence, title = failure_report(model, lines), failure_sentence(model), model.title

        def show() -> None:
            ReportDialog(title, sentence, report, self._window).open()

        def copy() -> None:
            QApplication.clipboard().setText(report)

        text = self.tr("«{title}» failed: {sentence}").format(title=title, sentence=sentence)
        ways_out = ((self.tr("Details…"), show), (self.tr("Copy report"), copy))
        self.tell(text, "danger", ways_out, about=model.path)

    def shown(self, model: RunModel | None) -> None:
        """Something else is on screen: forget what no longer matters."""
        path = None if model is None else model.path
        if self._passes or (self._seen is not None and self._seen == self._about != path):
            self._bar.hide()
        self._seen = path

    def hide(self) -> None:
        """Nothing to tell any more."""
        self._bar.hide()

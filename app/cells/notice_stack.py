"""What was noticed in a run, as cards: the gravest first, and what holds no more last."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from app.cells.notice import Notice
from app.cells.words import tr
from app.run_model import RunModel
from engine.explain import diagnose_epoch
from engine.explain.collapse import RISING_EPOCHS

NOTICES_LIMIT = 6
_SEVERITIES = ("severe", "warning", "info")


@dataclass(frozen=True)
class Noticed:
    """A diagnosis as it was logged.

    Attributes:
        epoch: in which it was seen last, from 0.
        is_past: whether the alphas of the shown epoch give no reason for it any more.
    """

    code: str
    severity: str
    message: str
    epoch: int
    is_past: bool = False

    @property
    def when(self) -> str:
        """When it was seen, in words."""
        text = tr("Seen in epoch {epoch}, no longer") if self.is_past else tr("Seen in epoch {epoch}")
        return text.format(epoch=self.epoch + 1)


def noticed(model: RunModel, epoch: int | None) -> list[Noticed]:
    """The newest of each kind up to an epoch (None: all)."""
    newest: dict[str, Noticed] = {}
    for event in model.history.of_type("diagnosis"):
        if epoch is not None and event.epoch > epoch:
            continue
        severity, message = str(event.data.get("severity", "info")), str(event.data.get("message", ""))
        code = str(event.data.get("code", message))
        newest[code] = Noticed(code, severity if severity in _SEVERITIES else "info", message, event.epoch)
    if not newest:
        return []
    held = _held(model, epoch)
    found = [
        Noticed(
            one.code, one.severity, one.message, one.epoch, held is not None and one.epoch < held[0] and one.code not in held[1]
        )
        for one in newest.values()
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.is_past, _SEVERITIES.index(one.severity)))[:NOTICES_LIMIT]


def _held(model: RunModel, epoch: int | None) -> tuple[int, frozenset[str]] | None:
    """Epoch of the shown alphas, and the codes for which they give reason; None where that cannot be said."""
    record, genotype = model.alphas(epoch), model.genotype(epoch)
    if record is None or genotype is None:
        return None
    before = [one for one in model.history.alphas_by_epoch() if one.epoch < record.epoch]
    epochs, warmup = (model.config.get(name) for name in ("epochs", "warmup_epochs"))
    try:
        found = diagnose_epoch(
            record, genotype, primitives=model.primitives, epoch=record.epoch, epochs=epochs if isinstance(epochs, int) else 0,
            warmup_epochs=warmup if isinstance(warmup, int) else 0, previous=before[-RISING_EPOCHS:],
        )  # fmt: skip
    except ValueError:  # A log whose rows do not fit its space.
        return None
    return record.epoch, frozenset(diagnosis.code for diagnosis in found)


class NoticeStack(QWidget):
    """Cards below each other; made anew only when they differ."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: list[Noticed] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(self.fontMetrics().height() // 2)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)

    def messages(self) -> list[str]:
        """What the cards say."""
        return [one.message for one in self._shown]

    def show_noticed(self, found: list[Noticed]) -> None:
        """Show these."""
        if found != self._shown:
            self._shown = found
            while (item := self._column.takeAt(0)) is not None:
                widget = item.widget()
                if widget is not None:
                    widget.hide()
                    widget.deleteLater()
            for one in found:
                notice = Notice("info" if one.is_past else one.severity, one.message, one.when)
                self._column.addWidget(notice)
                notice.show()
        self.setVisible(bool(found))

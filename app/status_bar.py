"""The line at the bottom: where the engine computes and how fast; what was saved, where."""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy

from app.labels import SMALL, ElidedLabel
from app.progress import in_words
from app.run_model import RunModel
from app.surface import Surface


class StatusBar(Surface):
    """Two quiet texts, left and right."""

    def __init__(self) -> None:
        super().__init__("panel", line="top")
        self.setObjectName("status_bar")
        unit = self.fontMetrics().height()
        self.setFixedHeight(round(unit * 1.7))
        self.left = ElidedLabel("", tone="dim", scale=SMALL)
        self.right = ElidedLabel("", tone="dim", scale=SMALL)
        for label in (self.left, self.right):
            label.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        box = QHBoxLayout(self)
        box.setContentsMargins(unit, 0, unit, 0)
        box.setSpacing(unit)
        box.addWidget(self.left)
        box.addStretch(1)
        box.addWidget(self.right)

    def show_texts(self, left: str, right: str) -> None:
        """Show both sides."""
        if left != self.left.text():
            self.left.setText(left)
        if right != self.right.text():
            self.right.setText(right)


translate = QCoreApplication.translate


def machine_words(model: RunModel) -> str:
    """Device, memory, images a second and step time, as far as they are known."""
    history = model.history
    asked = str(model.config.get("device") or "")
    parts = [str(history.started.get("device") or ("" if asked == "auto" else asked))]
    memory = history.last.get("memory")
    if memory is not None:
        device, total, resident = (memory.data.get(key) for key in ("device_mib", "device_total_mib", "resident_mib"))
        if isinstance(device, int | float):
            parts.append(
                translate("status_bar", "{used:.1f} of {total:.0f} GiB").format(used=device / 1024, total=total / 1024)
                if total
                else f"{device / 1024:.1f} GiB"
            )
        elif isinstance(resident, int | float):
            parts.append(f"{resident:,.0f} MiB" if resident < 10_240 else f"{resident / 1024:.1f} GiB")
    step = history.last.get("step")
    if step is not None:
        images, seconds = step.data.get("images_per_second"), step.data.get("step_seconds")
        if isinstance(images, int | float):
            parts.append(translate("status_bar", "{n:,.0f} images/s").format(n=images))
        if isinstance(seconds, int | float):
            parts.append(translate("status_bar", "step {n} s").format(n=f"{seconds:.3g}"))
    return " · ".join(part for part in parts if part)


def folder_words(model: RunModel, home: Path) -> str:
    """Last save, seed and folder."""
    parts = []
    saved = model.history.last.get("checkpoint")
    if saved is not None:
        parts.append(translate("status_bar", "saved {ago} ago").format(ago=in_words(max(1.0, time.time() - saved.t))))
    if "seed" in model.config:
        parts.append(translate("status_bar", "seed {n}").format(n=model.config["seed"]))
    path = model.path
    parts.append(str(path.relative_to(home)) if path.is_relative_to(home) else str(path))
    return " · ".join(parts)

"""Why a run failed: a sentence for the window, and a report with everything that helps to mend it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from app.run_model import RunModel
from app.versions import versions
from engine.runs import RunFolder

translate = QCoreApplication.translate


def failure_sentence(model: RunModel) -> str:
    """What happened and what mends it."""
    error = model.status.error or {}
    said = " ".join(str(part) for part in (error.get("what"), error.get("mend")) if part)
    if not model.path.exists():
        said = translate("failure", "Its folder is gone: {path}.").format(path=model.path)
    return said or translate("failure", "no reason was given.")


def failure_report(model: RunModel, lines: Sequence[str] = ()) -> str:
    """Everything about a failed run that helps to mend it.

    Args:
        lines: last lines of the engine's standard error, where this window has them.
    """
    folder = RunFolder(model.path)
    parts = [
        f"{model.title}\n{model.path}",
        f"state: {model.status.state}, step {model.status.step}, epoch {model.status.epoch + 1} of {model.status.epochs}",
    ]
    error = model.status.error or {}
    parts.append("\n".join(f"{key}: {value}" for key, value in error.items() if value and key != "stderr"))
    parts.append("versions: " + ", ".join(f"{name} {version}" for name, version in versions().items()))
    known = list(lines) or [str(line) for line in error.get("stderr") or ()]
    for title, text in (("stderr.txt", known), ("log.txt", folder.tail_of("log.txt", 60))):
        if text:
            parts.append(f"--- {title} ---\n" + "\n".join(text))
    return "\n\n".join(part for part in parts if part)

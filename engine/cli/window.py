"""``nascope`` without a command: the window, as a process of its own, so that engine never imports app."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

import click

from engine.errors import NascopeError


@click.command("window", hidden=True, context_settings={"ignore_unknown_options": True})
@click.argument("what", nargs=-1)
def command(what: tuple[str, ...]) -> int:
    """Open the window with a run or a genotype."""
    if len(what) > 1:
        raise click.UsageError(f"One run or genotype can be opened at a time, found {len(what)}.")
    return open_window(what[0])


def opens_in_window(text: str) -> bool:
    """Whether a word in a command's place names a run, a file or a genotype."""
    from engine.cli.arguments import is_there, run_folder_named
    from engine.genotype.named import is_named

    place = Path(text).expanduser()
    file, colon, _ = text.rpartition(":")
    if is_there(place) or (colon and is_there(Path(file).expanduser())) or is_named(text):
        return True
    return run_folder_named(text) is not None


def open_window(what: str | None) -> int:
    """Start ``python -P -m app`` and pass on its exit code.

    Raises:
        NascopeError: the window's libraries are not installed, or there is no display.
    """
    if importlib.util.find_spec("PySide6") is None:
        raise NascopeError(
            "the window needs PySide6, which is not installed here.",
            where="window",
            mend="Install the extra: pip install 'nascope[gui]'. Everything works without a window too: nascope --help, nascope demo.",
        )
    if not has_display():
        raise NascopeError(
            "there is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set).",
            where="window",
            mend="Everything works without one too: nascope --help, nascope demo.",
        )
    process = subprocess.Popen([sys.executable, "-P", "-m", "app", *([what] if what else [])])

    def pass_on(number: int, frame: FrameType | None) -> None:
        process.send_signal(number)

    # Ctrl-C reaches the window too, since it is in the same process group: it decides, we wait.
    old = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN),
        signal.SIGTERM: signal.signal(signal.SIGTERM, pass_on),
    }
    try:
        code = process.wait()
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def has_display() -> bool:
    """Whether Qt would find a screen, as far as the environment tells."""
    if not sys.platform.startswith("linux"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))

"""``nascope doctor``: what this machine has, and what to mend; for bug reports."""

from __future__ import annotations

import ctypes.util
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from engine import __version__
from engine.cli.output import emit, json_option, note, say
from engine.cli.window import has_display
from engine.runs import home

_PACKAGES = (
    "torch", "torchvision", "numpy", "scikit-learn", "pydantic", "networkx", "graphviz", "matplotlib", "pillow",
    "PySide6-Essentials", "pyqtgraph",
)  # fmt: skip
_QT_LIBRARIES = {
    "EGL": "libegl1",
    "GL": "libgl1",
    "xkbcommon": "libxkbcommon0",
    "fontconfig": "libfontconfig1",
    "dbus-1": "libdbus-1-3",
}
_XCB_LIBRARIES = {
    "xcb-cursor": "libxcb-cursor0", "xcb-icccm": "libxcb-icccm4", "xcb-image": "libxcb-image0", "xcb-keysyms": "libxcb-keysyms1",
    "xcb-render-util": "libxcb-render-util0", "xkbcommon-x11": "libxkbcommon-x11-0",
}  # fmt: skip
_LEAST_FREE_GIB = 2

Problem = dict[str, str]


@click.command("doctor")
@json_option
def command(as_json: bool) -> None:
    """Check this machine: versions, devices, dot, fonts, write access; each problem with its mend."""
    problems: list[Problem] = []
    document: dict[str, Any] = {
        "versions": versions(),
        "devices": devices(problems),
        "dot": dot(),
        "fonts": fonts(problems),
        "window": window(problems),
        "home": writable_home(problems),
        "problems": problems,
    }
    if as_json:
        emit(document)
        return
    _print(document)


def versions() -> dict[str, str | None]:
    """Versions of nascope, Python, the system and the packages that matter; None for one that is not installed."""
    found: dict[str, str | None] = {
        "nascope": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
    }
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = None
    return found


def devices(problems: list[Problem]) -> list[dict[str, Any]]:
    """Where torch can compute: ``name`` (as ``--device`` takes it), ``title``, ``memory_mib``."""
    try:
        import torch
    except (ImportError, OSError) as error:
        problems.append(
            {"what": f"torch cannot be loaded: {error}", "mend": "Reinstall torch; searches and retrainings need it."}
        )
        return []
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found: list[dict[str, Any]] = [
        {"name": "cpu", "title": f"{platform.machine()}, {cores} cores", "memory_mib": _memory_mib()}
    ]
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            facts = torch.cuda.get_device_properties(index)
            found.append({"name": f"cuda:{index}", "title": facts.name, "memory_mib": facts.total_memory // 2**20})
    elif shutil.which("nvidia-smi"):
        problems.append(
            {"what": "nvidia-smi is there, but torch cannot use CUDA.",
             "mend": "Install a torch built for this driver's CUDA version, or update the driver; until then runs use the CPU."}
        )  # fmt: skip
    if torch.backends.mps.is_available():
        found.append({"name": "mps", "title": "Apple GPU", "memory_mib": _memory_mib()})
    return found


def dot() -> dict[str, Any]:
    """The Graphviz program: optional, drawings do not need it."""
    path = shutil.which("dot")
    if path is None:
        return {"path": None, "version": None}
    try:
        done = subprocess.run([path, "-V"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return {"path": path, "version": None}
    return {"path": path, "version": (done.stderr or done.stdout).strip() or None}


def fonts(problems: list[Problem]) -> dict[str, Any]:
    """Font files that fontconfig knows: ``count``, and whether there are ``chinese`` ones; None where it cannot be asked."""
    program = shutil.which("fc-list")
    if program is None:
        places = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".local/share/fonts"]
        count = sum(
            1
            for place in places
            if place.is_dir()
            for file in place.rglob("*")
            if file.suffix in {".ttf", ".otf", ".ttc"}
        )
        if sys.platform.startswith("linux") and not count:
            problems.append(_no_fonts())
        return {"count": count if sys.platform.startswith("linux") else None, "chinese": None}
    try:
        every, chinese = (
            len(
                subprocess.run(
                    [program, *pattern], capture_output=True, text=True, timeout=20, check=False
                ).stdout.splitlines()
            )
            for pattern in ([], [":lang=zh"])
        )
    except (OSError, subprocess.TimeoutExpired):
        return {"count": None, "chinese": None}
    if not every:
        problems.append(_no_fonts())
    return {"count": every, "chinese": bool(chinese)}


def window(problems: list[Problem]) -> dict[str, Any]:
    """Whether the window can open: Qt installed, its system libraries there, a display."""
    installed = importlib.util.find_spec("PySide6") is not None
    display = has_display()
    found = {"qt": installed, "pyqtgraph": importlib.util.find_spec("pyqtgraph") is not None, "display": display}
    if not installed:
        problems.append(
            {
                "what": "The window's libraries are not installed.",
                "mend": "pip install 'nascope[gui]' (the command line needs none).",
            }
        )
        return found
    if sys.platform.startswith("linux"):
        wanted = {**_QT_LIBRARIES, **(_XCB_LIBRARIES if os.environ.get("DISPLAY") else {})}
        missing = [package for library, package in wanted.items() if ctypes.util.find_library(library) is None]
        if missing:
            problems.append(
                {
                    "what": f"Qt misses system libraries: {', '.join(missing)}.",
                    "mend": f"sudo apt-get install {' '.join(missing)}",
                }
            )
    qt = importlib.metadata.version("PySide6-Essentials") if _has_package("PySide6-Essentials") else ""
    if sys.version_info < (3, 12) and qt and tuple(map(int, qt.split(".")[:2])) >= (6, 12):
        problems.append(
            {
                "what": f"PySide6 {qt} aborts on Python 3.11.",
                "mend": "pip install 'PySide6-Essentials<6.12', or use Python 3.12.",
            }
        )
    return found


def writable_home(problems: list[Problem]) -> dict[str, Any]:
    """Where runs go: ``path``, ``writable``, ``free_gib``."""
    path = home()
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path):
            pass
        free_gib = round(shutil.disk_usage(path).free / 2**30, 1)
    except OSError as error:
        problems.append(
            {
                "what": f"{path} cannot be written ({error.strerror}).",
                "mend": "Set NASCOPE_HOME to a folder you may write to.",
            }
        )
        return {"path": str(path), "writable": False, "free_gib": None}
    if free_gib < _LEAST_FREE_GIB:
        problems.append(
            {"what": f"Only {free_gib} GiB are free in {path}.", "mend": "Free some space, or set NASCOPE_HOME."}
        )
    return {"path": str(path), "writable": True, "free_gib": free_gib}


def _print(document: dict[str, Any]) -> None:
    for name, version in document["versions"].items():
        say(f"{name:20} {version or 'not installed'}")
    for device in document["devices"]:
        memory = f", {device['memory_mib'] / 1024:.1f} GiB" if device["memory_mib"] else ""
        say(f"{'device':20} {device['name']}: {device['title']}{memory}")
    say(f"{'dot':20} {document['dot']['version'] or 'not found (optional: the own layout is used)'}")
    count = document["fonts"]["count"]
    say(
        f"{'fonts':20} {'unknown' if count is None else count}"
        + ("" if document["fonts"]["chinese"] is not False else ", none of them Chinese")
    )
    shown = document["window"]
    say(
        f"{'window':20} Qt {'installed' if shown['qt'] else 'not installed'}, {'a display' if shown['display'] else 'no display'}"
    )
    place = document["home"]
    say(f"{'runs and data':20} {place['path']}" + (f", {place['free_gib']} GiB free" if place["writable"] else ""))
    for problem in document["problems"]:
        say(f"PROBLEM: {problem['what']} {problem['mend']}")
    if not document["problems"]:
        note("No problems found.")


def _memory_mib() -> int:
    import psutil

    return int(psutil.virtual_memory().total // 2**20)


def _has_package(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _no_fonts() -> Problem:
    return {
        "what": "No fonts are installed: the window and PNG drawings would have no text.",
        "mend": "sudo apt-get install fonts-dejavu-core",
    }

"""Runs the tests of what changed since the last commit: ``make fast``.

A changed ``engine/search/architect.py`` runs ``tests/engine/search``; a changed test file runs itself; a change that
belongs to no folder of tests (pyproject.toml, a package's root) runs everything that is not slow.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def folders_to_test(changed: Iterable[str], root: Path) -> list[str]:
    """Paths for pytest; empty where nothing with tests changed."""
    found: dict[str, None] = {}
    for name in changed:
        path = Path(name)
        if path.parts[:1] == ("tests",):
            if path.suffix == ".py" and (root / path).exists():
                found[name if path.name.startswith("test_") else str(path.parent)] = None
        elif path.suffix == ".py" and path.parts[:1] in (
            ("app",),
            ("engine",),
            ("resources",),
            ("benchmarks",),
            ("tools",),
        ):
            found[_folder_of_tests(path, root)] = None
        elif path.name in ("pyproject.toml", "constraints.txt"):
            found["tests"] = None
    return ["tests"] if "tests" in found else sorted(found)


def _folder_of_tests(path: Path, root: Path) -> str:
    for parent in path.parents:
        folder = Path("tests") / parent
        if parent != Path() and any((root / folder).glob("test_*.py")):
            return str(folder)
    return "tests"


def _changed_files() -> list[str]:
    def git(*arguments: str) -> list[str]:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    dirty = git("diff", "--name-only", "HEAD") + git("ls-files", "--others", "--exclude-standard")
    return dirty or git("diff", "--name-only", "HEAD~1", "HEAD")


def main() -> int:
    """Run pytest on them and give its exit code."""
    tests = folders_to_test(_changed_files(), ROOT)
    if not tests:
        print("Nothing that has tests has changed.")
        return 0
    print("Testing", " ".join(tests))
    return subprocess.run([sys.executable, "-m", "pytest", "-m", "not slow", *tests], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

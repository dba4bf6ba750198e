"""The command line: one file a command. A command's module is imported only when that command runs."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: the entry point of ``nascope``.

    Args:
        arguments: without the program's name; None takes them from ``sys.argv``.
    """
    from engine.cli.root import run

    return run(arguments)

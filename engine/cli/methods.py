"""``nascope methods``: methods, presets and every setting, as the configuration declares them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from engine.cli.output import emit, json_option, note, print_rows, say
from engine.config import CONFIG_CLASSES, METHODS, PRESETS, describe


@click.command("methods")
@json_option
def command(as_json: bool) -> None:
    """List the methods and what departs from their papers, the presets, and with --json every setting."""
    if as_json:
        emit(
            {
                "methods": [
                    {
                        "name": method.name, "title": method.title, "summary": method.summary, "source": method.source,
                        "departs": method.departs, "switches": dict(method.switches),
                    }
                    for method in METHODS.values()
                ],
                "presets": [{"name": name, "summary": summary} for name, summary in PRESETS.items()],
                "settings": {kind: [_setting(field) for field in describe(kind)] for kind in CONFIG_CLASSES},
            }
        )  # fmt: skip
        return
    rows = [
        (
            method.name,
            method.summary,
            "\n".join(f"{name}={value}" for name, value in method.switches.items()),
            method.source,
        )
        for method in METHODS.values()
    ]
    print_rows(("method", "what", "switches", "source"), rows, wide=("source",))
    for method in METHODS.values():
        if method.departs:
            say(f"{method.name} departs from its paper: {method.departs}")
    say()
    print_rows(("preset", "what"), list(PRESETS.items()))
    note("Every setting with its range: nascope search --help, nascope retrain --help.")


def _setting(field: Any) -> dict[str, Any]:
    return {**asdict(field), "range": field.range_text}

"""``nascope methods``: methods, presets and every setting, as the configuration declares them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from engine.cli.output import emit, json_option, note, print_rows, say
from engine.config import CONFIG_CLASSES, METHODS, PRESETS, PROTOCOLS, PaperProtocol, describe


@click.command("methods")
@json_option
def command(as_json: bool) -> None:
    """List the methods, the papers' protocols with their sources and what departs from them, the presets, and with --json
    every setting."""
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
                "protocols": [
                    {
                        "kind": protocol.kind, "method": protocol.methods[0], "methods": list(protocol.methods),
                        "data": list(protocol.data), "source": protocol.source,
                        "values": [asdict(value) for value in protocol.sourced()], "departs": list(protocol.departs),
                    }
                    for protocol in PROTOCOLS
                ],
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
    for protocol in PROTOCOLS:
        _print_protocol(protocol)
    say()
    print_rows(("preset", "what"), list(PRESETS.items()))
    note("Every setting with its range: nascope search --help, nascope retrain --help.")


def _print_protocol(protocol: PaperProtocol) -> None:
    say()
    say(protocol.title)
    by_source: dict[str, list[str]] = {}
    for entry in protocol.sourced():
        by_source.setdefault(entry.source, []).append(f"{entry.name}={entry.value}")
    print_rows(("source", "values"), [(source, ", ".join(values)) for source, values in by_source.items()])
    for sentence in protocol.departs:
        say(f"- {sentence}")


def _setting(field: Any) -> dict[str, Any]:
    return {**asdict(field), "range": field.range_text}

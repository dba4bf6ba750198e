"""``nascope methods``: methods, spaces, presets and every setting, as they are declared."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from engine.cli.output import emit, json_option, note, print_rows, say
from engine.config import CONFIG_CLASSES, METHODS, PRESETS, PROTOCOLS, PaperProtocol, describe
from engine.cost.quantities import in_words
from engine.cost.subnets import subnet_macs
from engine.subnets import Space, spaces
from engine.subnets.architecture import biggest, smallest

_KINDS = {
    "search": "Methods that search cells, which are retrained afterwards",
    "two-stage": "Two-stage methods: train one supernet, then choose its sub-networks for a budget (nascope select)",
}


@click.command("methods")
@json_option
def command(as_json: bool) -> None:
    """List the methods, the spaces of two-stage methods, the papers' protocols with their sources and what departs from
    them, the presets, and with --json every setting."""
    if as_json:
        emit(
            {
                "methods": [
                    {
                        "name": method.name, "kind": method.kind, "title": method.title, "summary": method.summary, "source": method.source,
                        "departs": method.departs, "switches": dict(method.switches),
                    }
                    for method in METHODS.values()
                ],
                "spaces": [_space_document(space) for space in spaces().values()],
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
    for kind, heading in _KINDS.items():
        say(heading)
        rows = [
            (method.name, method.summary, "\n".join(f"{name}={value}" for name, value in method.switches.items()), method.source)
            for method in METHODS.values()
            if method.kind == kind
        ]  # fmt: skip
        print_rows(("method", "what", "switches", "source"), rows, wide=("source",))
    say("Spaces of two-stage methods (--set space=NAME, or a JSON file of one)")
    columns = ("space", "what", "sub-networks", "multiply-adds", "source")
    print_rows(columns, [_space_row(space) for space in spaces().values()], right=columns[2:4], wide=("source",))
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


def _ends(space: Space) -> tuple[int, int]:
    return subnet_macs(smallest(space)), subnet_macs(biggest(space))


def _space_row(space: Space) -> tuple[str, ...]:
    least, most = _ends(space)
    return space.name, space.summary, f"{space.size:,}", f"{in_words(least)} to {in_words(most)}", space.source


def _space_document(space: Space) -> dict[str, Any]:
    least, most = _ends(space)
    return {
        "name": space.name, "title": space.title, "summary": space.summary, "source": space.source, "size": space.size,
        "smallest_macs": least, "biggest_macs": most,
    }  # fmt: skip


def _setting(field: Any) -> dict[str, Any]:
    return {**asdict(field), "range": field.range_text}

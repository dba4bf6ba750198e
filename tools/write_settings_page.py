"""Writes ``docs/settings.md`` from the configuration classes: ``make docs``. A test keeps the page true."""

from __future__ import annotations

from pathlib import Path

from engine.config import CONFIG_CLASSES, METHODS, PRESETS, describe

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"

_TITLES = {
    "search": "Searches",
    "retrain": "Retrainings",
    "two-stage": "Two-stage supernets",
    "subnet": "Single sub-networks",
}


def settings_page() -> str:
    """The page as Markdown."""
    lines = [
        "# Settings",
        "",
        "Made by `make docs` from the declarations in `engine/config`; the same ones make the form in the window, the "
        "command line's help and every check. Set one with `--set key=value`, in a file for `--config`, or in the form.",
        "",
        "Values win in this order: these defaults, the method's switches, the preset, the file, what you say.",
        "",
        "## Methods",
        "",
        "| method | what | switches | source |",
        "|---|---|---|---|",
    ]
    for method in METHODS.values():
        switches = ", ".join(f"`{name}={value}`" for name, value in method.switches.items())
        lines.append(f"| `{method.name}` | {method.summary} | {switches} | {method.source} |")
    lines += ["", "## Presets", "", "| preset | what |", "|---|---|"]
    lines += [f"| `{name}` | {summary} |" for name, summary in PRESETS.items()]
    for kind in CONFIG_CLASSES:
        lines += [
            "",
            f"## {_TITLES.get(kind, kind)}",
            "",
            "| key | what | allowed | default | source |",
            "|---|---|---|---|---|",
        ]
        for field in describe(kind):
            default = "empty" if field.default is None else str(field.default)
            allowed = field.range_text or {"bool": "true, false"}.get(field.type, "")
            lines.append(f"| `{field.name}` | {field.help} | {allowed} | {default} | {field.source or ''} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(settings_page(), encoding="utf-8")
    print(f"Written: {PAGE.relative_to(PAGE.parent.parent)}")

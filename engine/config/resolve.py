"""From what a person said to one checked configuration, with every fault named.

Values win in this order: field defaults, the method's switches, the protocol of the preset, a configuration file,
what was said on the command line or in the form.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engine.config.data_sets import absolute_data, parse_data
from engine.config.describe import describe
from engine.config.fields import SCHEMA, RunConfig
from engine.config.kinds import CONFIG_CLASSES, FIRST_STAGES
from engine.config.presets import METHODS, PRESETS, method_names, preset_values, retraining_method
from engine.errors import ConfigError, Fault
from engine.genotype.primitives import suggestion

PROVENANCE_KEYS = frozenset(
    {"schema", "versions", "command", "created", "world_size", "decided", "preset", "imported_from"}
)
"""Keys of a run's ``config.json`` that are facts about the run, not settings; ignored when the file is reused."""

_EARLIER: Mapping[str, Any] = {"network": "cifar"}
"""What runs from before a setting had, where that is not its default: the network for small images, whatever their size."""

_MAX_FILE_BYTES = 4 * 2**20


def defaults(kind: str, *, method: str | None = None, data: str = "digits", preset: str = "auto") -> dict[str, Any]:
    """All settings of a run as the presets give them, before a person changes any. The form and ``methods`` show these.

    Args:
        method: of a search; of a retraining the one that found its cells (``retraining_method``), None where that is
            not known.

    Raises:
        ConfigError, DataError: an unknown method, preset or data set.
    """
    values: dict[str, Any] = {}
    for name, field in CONFIG_CLASSES[kind].model_fields.items():
        if not field.is_required():
            values[name] = field.default
    if kind in FIRST_STAGES:
        method = known_method(method or method_names(kind)[0], kind)
        values |= {"method": method} | dict(METHODS[method].switches)
    if preset not in PRESETS:
        raise ConfigError(
            [Fault("preset", f"«{preset}» is no preset.{suggestion(preset, PRESETS)}", f"Use {', '.join(PRESETS)}.")]
        )
    values |= preset_values(kind, method, parse_data(data).dataset, preset) | {"data": data, "kind": kind}
    return values


def known_method(name: str, kind: str | None = None) -> str:
    """The method's name.

    Args:
        kind: of run that the method must be for; None takes any.

    Raises:
        ConfigError: no such method (the message names a close one), or one for another kind of run.
    """
    known = METHODS if kind is None else method_names(kind)
    if name in METHODS and name not in known:
        fault = Fault("method", f"{name} is for another kind of run.", f"Use {', '.join(known)}.")
        raise ConfigError([fault])
    if name not in known:
        fault = Fault("method", f"«{name}» is no method.{suggestion(name, known)}", "(nascope methods lists all.)")
        raise ConfigError([fault])
    return name


def kind_of_method(name: str | None) -> str:
    """The kind of run that a method is for; a search for none.

    Raises:
        ConfigError: no such method.
    """
    return "search" if name is None else METHODS[known_method(name)].kind


def resolve(
    kind: str,
    *,
    method: str | None = None,
    data: str | None = None,
    preset: str | None = None,
    file_values: Mapping[str, Any] | None = None,
    values: Mapping[str, Any] | None = None,
    where: str | None = None,
) -> RunConfig:
    """The checked configuration of a run.

    Args:
        method: of a search; of a retraining the one whose paper's protocol it takes, None for the one that found the cells.
        file_values: settings of a configuration file (``read_config_file``).
        values: settings said for this run, as texts or typed; they win.
        where: name of the file that ``file_values`` came from, for messages.

    Raises:
        ConfigError: every wrong field at once.
        DataError: the data set is not known.
    """
    said = {**(file_values or {}), **(values or {})}
    method = method or (_text(said.get("method")) if kind in FIRST_STAGES else retraining_method(said.get("genotype")))
    data = data or said.get("data") or "digits"
    if not isinstance(data, str):
        raise ConfigError(
            [Fault("data", f"must be a text; found {_found(data)}.", "(nascope data lists all sets.)")], where=where
        )
    preset = preset or _text((file_values or {}).get("preset")) or "auto"
    merged = defaults(kind, method=method, data=data, preset=preset)
    faults = [
        _unknown(kind, name)
        for name in said
        if name not in CONFIG_CLASSES[kind].model_fields and name not in PROVENANCE_KEYS
    ]
    merged |= {name: _empty_to_none(value) for name, value in said.items() if name in CONFIG_CLASSES[kind].model_fields}
    if kind in FIRST_STAGES and method is not None:
        merged["method"] = known_method(method, kind)
    merged["data"] = absolute_data(data)
    if "epochs" in said:
        _scale_warmups(merged, said, defaults(kind, method=method, data=data, preset=preset))
    return _checked(kind, merged, faults, where)


def check(kind: str, values: Mapping[str, Any], *, where: str | None = None) -> RunConfig:
    """A configuration from a full set of values, without any preset: a run's ``config.json``, or a filled form.

    Raises:
        ConfigError: every wrong field at once.
        DataError: the data set is not known.
    """
    if kind not in CONFIG_CLASSES:
        fault = Fault(
            "kind",
            f"«{kind}» is no kind of run.{suggestion(kind, CONFIG_CLASSES)}",
            f"Use {', '.join(CONFIG_CLASSES)}.",
        )
        raise ConfigError([fault], where=where)
    fields = CONFIG_CLASSES[kind].model_fields
    faults = [_unknown(kind, name) for name in values if name not in fields and name not in PROVENANCE_KEYS]
    if "data" in values:
        parse_data(str(values["data"]))
    known = {name: value for name, value in values.items() if name in fields}
    earlier = {name: value for name, value in _EARLIER.items() if name in fields}
    return _checked(kind, {**earlier, **known}, faults, where)


def read_config_file(path: Path) -> dict[str, Any]:
    """Settings from a JSON file: one written by hand, by the window, or the ``config.json`` of a run.

    Raises:
        ConfigError: the file cannot be read, is no JSON object, or is of a newer nascope.
    """
    where = str(path)
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise ConfigError(
                [Fault("size", "the file is too large for a configuration.", "Give a JSON file of settings.")],
                where=where,
            )
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            [Fault("file", f"cannot be read ({error.strerror}).", "Check the path.")], where=where
        ) from None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ConfigError([Fault("JSON", f"is not valid ({error}).", "Mend the file.")], where=where) from None
    if not isinstance(document, dict):
        raise ConfigError([Fault("JSON", "expected an object of settings.", 'Write {"epochs": 50, ...}.')], where=where)
    schema = document.get("schema", SCHEMA)
    if not isinstance(schema, int) or schema > SCHEMA:
        raise ConfigError(
            [Fault("schema", f"{schema} is newer than this nascope reads ({SCHEMA}).", "Update nascope.")], where=where
        )
    is_of_cells = document.get("kind", "search") in ("search", "retrain")
    return {**_EARLIER, **document} if "versions" in document and is_of_cells else document


def parse_assignments(assignments: Sequence[str]) -> dict[str, str]:
    """``["epochs=5", ...]`` from ``--set`` as a dictionary.

    Raises:
        ConfigError: an entry without a name or an equals sign.
    """
    found = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not name.strip():
            raise ConfigError([Fault("--set", f"«{assignment}» is no key=value.", "Write for example --set epochs=5.")])
        found[name.strip()] = value.strip()
    return found


def _checked(kind: str, merged: dict[str, Any], faults: list[Fault], where: str | None) -> RunConfig:
    try:
        config = CONFIG_CLASSES[kind].model_validate(merged)
    except ValidationError as error:
        faults = faults + [_fault(kind, entry) for entry in error.errors(include_url=False)]
    if faults:
        raise ConfigError(faults, where=where)
    return config


def _scale_warmups(merged: dict[str, Any], said: Mapping[str, Any], usual: Mapping[str, Any]) -> None:
    """Other epochs than the preset's keep the paper's share of warm-up (PC-DARTS: 15 of 50) unless it was set too."""
    try:
        epochs = int(merged["epochs"])
    except (TypeError, ValueError, OverflowError):
        return  # The check names the fault.
    for name in ("warmup_epochs", "learning_rate_warmup_epochs"):
        if usual.get(name) and name not in said:
            merged[name] = usual[name] * epochs // usual["epochs"]


def _unknown(kind: str, name: str) -> Fault:
    return Fault(name, f"is no setting of a {kind}.{suggestion(name, CONFIG_CLASSES[kind].model_fields)}")


def _fault(kind: str, entry: Any) -> Fault:
    """A pydantic error as a fault, in our words."""
    context = entry.get("ctx", {})
    if entry["type"] == "misfit":
        return Fault(context["field"], context["sentence"])
    name = ".".join(str(part) for part in entry["loc"]) or "configuration"
    if entry["type"] == "value_error":
        return Fault(name, str(context["error"]))
    if entry["type"] == "missing":
        return Fault(name, "is missing.", "Set it.")
    described = next((field for field in describe(kind) if field.name == name), None)
    found = _found(entry["input"])
    if described is None:
        return Fault(name, f"{entry['msg'].lower()}, found {found}.")
    noun = {
        "int": "a whole number",
        "float": "a number",
        "bool": "true or false",
        "text": "a text",
        "choice": "one of",
    }[described.type]
    wanted = (
        ", ".join(part for part in (noun, described.range_text) if part)
        if described.type != "choice"
        else f"{noun} {described.range_text}"
    )
    return Fault(name, f"must be {wanted}; found {found}.")


def _found(value: Any) -> str:
    text = "an object" if isinstance(value, dict) else repr(value)
    return text if len(text) <= 100 else text[:100] + "…"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _empty_to_none(value: Any) -> Any:
    return None if isinstance(value, str) and value.lower() in {"", "null"} else value

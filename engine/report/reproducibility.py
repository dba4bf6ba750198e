"""What would come out again, told from what the run itself wrote down, and the checks that papers on NAS ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.config import describe
from engine.config.describe import NOT_SAID
from engine.config.resolve import defaults
from engine.errors import NascopeError
from engine.report.formats import duration_text, number_text, times_text, value_text
from engine.report.numbers import RunFacts, mapping
from engine.runs.library import RunSummary
from engine.runs.origin import is_imported

_GOVERNED = {
    "search": "The seed governs the weights at the start, the alphas, which image is in which half, the order of the images, their augmentation and drop path.",
    "retrain": "The seed governs the weights at the start, the order of the images, their augmentation and drop path.",
    "two-stage": "The seed governs the weights at the start, which sub-networks each step trains, the order of the images, their augmentation, dropout and drop connect.",
    "subnet": "The seed governs the weights at the start where they begin anew, the order of the images, their augmentation, dropout and drop connect.",
}
_DIFFERENT_END = {
    "search": "; a search can then end with other cells.",
    "two-stage": "; other sub-networks can then be chosen.",
}
"""What a difference in the last bits may grow to."""
_OF_THE_MACHINE = ("threads", "memory_format", "activation_checkpointing", "supernet")
_NO_DEPARTURE = {"seed", "data", "method"} | NOT_SAID


def reproducibility(facts: RunFacts, beside: Sequence[RunSummary]) -> dict[str, Any]:
    """The section of the page: ``facts`` (name, value), ``again`` (sentences), ``checks`` (question, answer).

    Args:
        beside: the runs that lie in the same folder as this one.
    """
    return {"facts": _facts(facts), "again": _again(facts), "checks": _checks(facts, beside)}


def departures(config: Mapping[str, Any]) -> list[str] | None:
    """Settings that are not the preset's, as «epochs 20 (preset 50)»; None where the preset is not known.

    What belongs to the machine, and the seed, are no part of a protocol.
    """
    kind = str(config.get("kind"))
    try:
        preset = defaults(
            kind, method=config.get("method"), data=str(config.get("data", "digits")), preset=str(config.get("preset") or "auto")
        )  # fmt: skip
        fields = describe(kind)
    except (NascopeError, KeyError):
        return None
    names = [field.name for field in fields if field.group != "Machine" and field.name not in _NO_DEPARTURE]
    return [
        f"{name} {value_text(config[name])} (preset {value_text(preset.get(name))})"
        for name in names
        if name in config and name in preset and config[name] != preset[name]
    ]


def _facts(facts: RunFacts) -> list[tuple[str, str]]:
    config, started = facts.config, facts.history.started
    decided = mapping(config.get("decided"))
    versions = mapping(config.get("versions")) or mapping(started.get("versions"))
    fingerprint = started.get("split_fingerprint") or decided.get("split_fingerprint")
    rows: list[tuple[str, Any]] = [
        ("seed", config.get("seed")),
        ("deterministic", config.get("deterministic", False)),
        ("device", started.get("device")),
        ("processes", started.get("world_size")),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items()) or None),
        ("decided here", _layout(config, decided) or None),
        ("images", f"fingerprint {fingerprint}" if fingerprint else None),
        ("sittings", 1 + len(facts.history.of_type("resumed")) if started else None),
        ("command", config.get("command") or started.get("command")),
    ]
    return [(name, value_text(value)) for name, value in rows if value is not None]


def _layout(config: Mapping[str, Any], decided: Mapping[str, Any]) -> str:
    """What was decided for this machine, in the form that --set takes."""
    found = {name: decided.get(name, config.get(name)) for name in _OF_THE_MACHINE}
    return ", ".join(f"{name}={value}" for name, value in found.items() if value not in (None, "auto"))


def _again(facts: RunFacts) -> list[str]:
    config, started = facts.config, facts.history.started
    if is_imported(config):
        return ["The log was imported: what it was made with is not known, so nothing can be said of doing it again."]
    if config.get("method") == "random":
        return ["The cell is a function of the seed, the space and the number of nodes: it comes out again anywhere."]
    device = str(started.get("device") or "")
    always = _GOVERNED.get(facts.kind, _GOVERNED["search"])
    if not device:
        return [always, "The run has not begun, so it is not known where it computes."]
    if device.startswith("cpu"):
        same = (
            "The same command with the same images, these versions, this kind of processor and as many threads gives every number "
            "again to the bit, in one sitting or in several."
        )
    elif config.get("deterministic"):
        same = (
            "torch used deterministic operations alone: the same command with the same images, these versions and this kind of GPU "
            "gives every number again to the bit."
        )
    else:
        same = (
            "The GPU added in whatever order its threads came: another start with the same seed begins alike and drifts apart, and its "
            "result differs about as much as that of another seed. Only deterministic=true would give the same bits."
        )
    layout = _layout(config, mapping(config.get("decided")))
    found = [always, same]
    if layout:
        found.append(
            f"Decided on this machine: {layout}. Another machine may decide otherwise, unless they are said with --set."
        )
    found.append(
        "Other versions, another kind of device, other numbers of threads or processes round differently"
        + _DIFFERENT_END.get(facts.kind, ".")
    )
    return found


def _checks(facts: RunFacts, beside: Sequence[RunSummary]) -> list[tuple[str, str]]:
    """The questions of the NAS best practice checklist that one run can answer. Source: Lindauer and Hutter, JMLR 2020."""
    config = facts.config
    departed = departures(config)
    preset = config.get("preset") or "auto"
    if departed is None:
        protocol = "The preset is not known."
    elif departed:
        protocol = f"No, {len(departed)} settings depart from the preset {preset}: {'; '.join(departed)}."
    else:
        protocol = f"Yes, those of the preset {preset} (nascope methods tells where a preset departs from a paper)."
    same_data = [run for run in beside if run.data == config.get("data") and run.kind == config.get("kind")]
    seeds = {run.config.get("seed") for run in same_data if run.method == config.get("method")} | {config.get("seed")}
    checks = [
        ("Are seed, settings, versions and command told?", "Yes, on this page and in config.json."),
        ("Is the hardware told, and the time?", _hardware(facts)),
        ("Are the settings those of the protocol?", protocol),
    ]
    if facts.kind == "two-stage":
        checks.append(("Is there a random baseline?", _random_networks(facts)))
        checks.append(("Were several seeds trained?", _seeds(len(seeds))))
    if facts.is_search:
        checks.append(("Is there a random baseline?", _baseline(config, beside)))
        checks.append(("Were several seeds searched?", _seeds(len(seeds))))
    checks.append(("Was the test split kept out of every choice?", _test_split(facts)))
    return checks


def _test_split(facts: RunFacts) -> str:
    last = facts.history.last.get("epoch")
    if last is not None and last.data.get("validation_split") == "test":
        return "No: what the log calls validation was measured on it, after every epoch."
    tests = len(facts.tests)
    return f"It was looked at {times_text(tests)}." if tests else "It was not looked at by this run."


def _hardware(facts: RunFacts) -> str:
    device, seconds = facts.history.started.get("device"), facts.status.seconds
    if not device:
        return "Not yet."
    return f"{device}, {duration_text(seconds)} of computing." if seconds else f"{device}."


def _baseline(config: Mapping[str, Any], beside: Sequence[RunSummary]) -> str:
    if config.get("method") == "random":
        return "This run is one: a cell drawn at random."
    count = sum(run.method == "random" and run.data == config.get("data") for run in beside)
    if count:
        return f"{number_text(count)} random cell{'s' * (count != 1)} on the same data {'lie' if count != 1 else 'lies'} beside this run."
    return "None lies beside this run. nascope study draws random cells and trains them on the same budget."


def _random_networks(facts: RunFacts) -> str:
    selections = [row for row in facts.results if row.get("what") == "select" and row.get("random")]
    if not selections:
        return "Not yet: nascope select measures as many random sub-networks as it searches."
    return f"Yes: {times_text(len(selections))} as many random sub-networks were measured as were searched."


def _seeds(count: int) -> str:
    if count == 1:
        return "Only this one lies here. A difference between two methods of one seed each says little."
    return f"{number_text(count)} seeds of this method on these data lie here."

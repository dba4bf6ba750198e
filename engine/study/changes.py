"""What a changed file means for a study that has begun: additions go on, everything else is refused."""

from __future__ import annotations

import json
from typing import Any

from engine.config.study import StudyConfig
from engine.errors import ConfigError, Fault

FREE = ("parallel", "retries", "slurm")
"""Keys that say how members are carried out, not what they are."""

_MEND = "Start another study with it (--out), or set it back."


def refuse_changes(before: StudyConfig, after: StudyConfig, *, where: str) -> None:
    """Refuse a file that would mix members of two protocols in one table.

    More methods, more seeds, more retraining seeds, more random cells, and a test where there was none are additions.

    Raises:
        ConfigError: names every difference that is none of these.
    """
    faults = [
        _changed(name, getattr(before, name), getattr(after, name))
        for name in ("data", "preset", "search", "pick", "retrain")
        if getattr(before, name) != getattr(after, name)
    ]
    for method in before.methods:
        now = next((other for other in after.methods if other.name == method.name), None)
        if now is None:
            faults.append(Fault("methods", f"{method.name} is gone.", "Only additions can go on: name it again."))
        elif now != method:
            faults.append(_changed(f"methods, {method.name}", _of(method), _of(now)))
    gone = _gone("seeds", before.seeds, after.seeds)
    faults += gone
    faults += _retrain_seeds(before, after)
    if not gone and "random" in before.rows and not set(before.seeds_of("random")) <= set(after.seeds_of("random")):
        text = "would leave out random cells that the study has."
        faults.append(
            Fault("random_cells", text, f"Set it to {len(set(before.seeds_of('random')) | set(after.seeds))} or more.")
        )
    if before.test and not after.test:
        faults.append(_changed("test", True, False))
    if faults:
        raise ConfigError(faults, where=where)


def _of(method: Any) -> dict[str, Any]:
    return {"method": method.method, "set": method.set}


def _gone(name: str, before: tuple[int, ...], after: tuple[int, ...]) -> list[Fault]:
    gone = [str(seed) for seed in before if seed not in after]
    if not gone:
        return []
    return [Fault(name, f"{', '.join(gone)} {'is' if len(gone) == 1 else 'are'} gone.", "Only additions can go on.")]


def _retrain_seeds(before: StudyConfig, after: StudyConfig) -> list[Fault]:
    was, now = before.retrain_seeds, after.retrain_seeds
    if was is not None and now is not None:
        return _gone("retrain_seeds", was, now)
    if was == now:
        return []
    lost = [
        seed for seed in before.seeds if not set(before.retrain_seeds_of(seed)) <= set(after.retrain_seeds_of(seed))
    ]
    return [_changed("retrain_seeds", was, now)] if lost else []


def _changed(name: str, before: Any, after: Any) -> Fault:
    return Fault(name, f"was {_shown(before)} when the study began, and is {_shown(after)} now.", _MEND)


def _shown(value: Any) -> str:
    text = "not set" if value is None else json.dumps(value)
    return text if len(text) <= 160 else text[:160] + "…"

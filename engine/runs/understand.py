"""What a two-stage run answers to those who ask how its two stages work: ``engine.explain.weight_sharing`` on its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.explain.weight_sharing import Answer, answers
from engine.runs.history import RunHistory
from engine.runs.subnet_log import SubnetRow


def answers_of_run(
    config: Mapping[str, Any],
    history: RunHistory,
    results: Sequence[Mapping[str, Any]],
    measured: Sequence[SubnetRow],
    seconds: float,
) -> tuple[Answer, ...]:
    """The answers in a run's own numbers.

    Args:
        config: as ``config.json`` holds it.
        results: lines of ``results.jsonl``, of selections and others.
        measured: rows that compare with each other (``measured_alike``).
        seconds: computing time of the training so far.
    """
    last = history.last.get("epoch")
    return answers(
        config, history.started, [row.as_json() for row in measured], seconds or None,
        epoch=None if last is None else last.data, selections=[line for line in results if line.get("what") == "select"],
    )  # fmt: skip

"""``nascope explain`` of a two-stage run: what is shared, what is searched, and what looks wrong, in its own numbers."""

from __future__ import annotations

from typing import Any

from engine.cli.output import emit, note, say
from engine.runs import RunFolder, RunHistory
from engine.runs.folder import EVENTS
from engine.runs.subnet_log import front_of, measured_alike, read_subnets
from engine.runs.understand import answers_of_run


def explain_two_stage(folder: RunFolder, *, as_json: bool) -> None:
    """Print the answers and diagnoses, or one JSON document: ``run, understand, front, diagnoses``."""
    history = RunHistory.read(folder.path / EVENTS)
    measured = measured_alike(read_subnets(folder.path))
    best_first = front_of(measured)[::-1]
    found = answers_of_run(folder.config_document(), history, folder.results(), measured, folder.status().seconds)
    diagnoses = [dict(event.data) for event in history.of_type("diagnosis")]
    if as_json:
        emit(
            {
                "run": str(folder.path),
                "understand": [{"question": answer.question, "text": answer.text} for answer in found],
                "front": [row.as_json() for row in best_first],
                "diagnoses": diagnoses,
            }
        )
        return
    for answer in found:
        say(answer.question)
        say(f"  {answer.text}")
        say()
    for diagnosis in diagnoses:
        say(_in_words(diagnosis))
    if not diagnoses:
        note("Nothing looks wrong.")
    if not measured:
        note("No sub-network was chosen yet: nascope select measures them when the training has ended.")


def _in_words(diagnosis: dict[str, Any]) -> str:
    return f"{diagnosis.get('severity', 'info')}: {diagnosis.get('message', '')}"

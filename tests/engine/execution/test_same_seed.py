"""One seed governs everything: two runs with it write the same, to the bit; another seed writes something else."""

from __future__ import annotations

import json

import pytest
import torch

from engine.config import resolve
from engine.execution.execute import execute
from engine.genotype.named import named
from engine.runs import RunFolder
from engine.training.checkpoint import load_checkpoint

TINY = {
    "data": "digits", "epochs": 2, "channels": 4, "layers": 3, "batch_size": 32, "limit_images": 96, "device": "cpu", "threads": 1,
    "augment": True, "checkpoint_minutes": 60,
}  # fmt: skip
SEARCH = {**TINY, "nodes": 2, "space": "none,skip_connect,max_pool_3x3,sep_conv_3x3"}
RETRAIN = {**TINY, "drop_path": 0.4, "cutout": 3, "genotype": named("DARTS_V2").as_json()}
TIMES = {"t", "seconds", "step_seconds", "images_per_second", "resident_mib"}


def carried_out(path, kind, **values):
    config = resolve(kind, method="pc-darts" if kind == "search" else None, values=values)
    folder = RunFolder.create(path, config, {})
    assert execute(folder).state == "finished"
    events = [json.loads(line) for line in (path / "events.jsonl").read_text().splitlines()]
    told = [
        {name: value for name, value in event.items() if name not in TIMES}
        for event in events
        if event["type"] != "memory"
    ]
    for event in told:
        event.pop("metrics", None)
    return told, load_checkpoint(path / "checkpoint-last.pt")


def tensors(value, place=""):
    """Every tensor of a checkpoint by its place."""
    if isinstance(value, torch.Tensor):
        return {place: value}
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    return {key: tensor for name, entry in entries for key, tensor in tensors(entry, f"{place}/{name}").items()}


@pytest.mark.parametrize(("kind", "values"), [("search", SEARCH), ("retrain", RETRAIN)])
@pytest.mark.parametrize("deterministic", [False, True])
def test_same_seed_gives_the_same_bits(tmp_path, kind, values, deterministic):
    values = {**values, "deterministic": deterministic}
    torch.manual_seed(1)
    first, saved = carried_out(tmp_path / "a", kind, **values, seed=5)
    torch.manual_seed(2)  # What the process drew before does not matter.
    torch.rand(100)
    second, saved_again = carried_out(tmp_path / "b", kind, **values, seed=5)

    assert first == second
    ours, theirs = tensors(saved), tensors(saved_again)
    assert ours.keys() == theirs.keys()
    assert len(ours) > 20
    assert all(torch.equal(ours[place], theirs[place]) for place in ours)
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize(("kind", "values"), [("search", SEARCH), ("retrain", RETRAIN)])
def test_another_seed_gives_other_numbers(tmp_path, kind, values):
    first, saved = carried_out(tmp_path / "a", kind, **values, seed=5)
    second, saved_again = carried_out(tmp_path / "b", kind, **values, seed=6)

    losses = [[event["loss"] for event in told if event["type"] == "step"] for told in (first, second)]
    assert all(ours != theirs for ours, theirs in zip(*losses, strict=True))
    ours, theirs = tensors(saved["trainer"]["weights"]), tensors(saved_again["trainer"]["weights"])
    drawn = [place for place in ours if ours[place].ndim > 1]
    assert not any(torch.equal(ours[place], theirs[place]) for place in drawn)

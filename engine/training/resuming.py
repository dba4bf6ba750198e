"""What a resume must put right, or refuse, where the number of processes is another than before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import torch

from engine.config import RunConfig
from engine.distributed import Ranks
from engine.errors import RunError
from engine.training.checkpoint import restore_random_states

Config = TypeVar("Config", bound=RunConfig)


def refuse_other_batches(checkpoint: Mapping[str, Any], steps_per_epoch: int, ranks: Ranks) -> None:
    """Refuse epochs of another length: a last batch too small for the ranks is merged into the one before.

    Raises:
        RunError: the run must go on with as many processes as before.
    """
    before = checkpoint.get("steps_per_epoch", steps_per_epoch)
    if before != steps_per_epoch:
        raise RunError(
            f"an epoch has {before} steps in this run, and would have {steps_per_epoch} with {_processes(ranks.size)}.",
            where="processes", mend=f"Resume it with {_processes(len(_states(checkpoint)))}, as before.",
        )  # fmt: skip


def read_as_before(config: Config, decided: Mapping[str, Any]) -> Config:
    """The configuration, with ``reading=auto`` replaced by what it meant in the first sitting.

    Which images make which split goes by contents in memory and by places in files, so that a resume on a machine with
    less memory would find others.
    """
    if config.reading != "auto" or not decided.get("reading"):
        return config
    return config.model_copy(update={"reading": decided["reading"]})


def restore_random(checkpoint: Mapping[str, Any], ranks: Ranks, device: torch.device, seed: int) -> str | None:
    """Put the random state of this rank back.

    Args:
        device: this process' own.
        seed: of the run.

    Returns:
        A sentence for people where the number of processes is another than before; else None.
    """
    states = _states(checkpoint)
    if len(states) == ranks.size:
        restore_random_states(states[ranks.rank], device if ranks.size > 1 else None)
        return None
    torch.manual_seed(ranks.seed(seed, checkpoint["step"]))
    return (
        f"The run goes on with {_processes(ranks.size)} instead of {len(states)}: each step takes the same images as before, "
        "divided among them; random numbers of the network (drop path) are drawn anew from the seed."
    )


def _states(checkpoint: Mapping[str, Any]) -> list[dict[str, Any]]:
    return checkpoint.get("random_of_ranks") or [checkpoint["random"]]


def _processes(count: int) -> str:
    return f"{count} process{'es' * (count != 1)}"

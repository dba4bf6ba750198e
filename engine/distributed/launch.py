"""Which process of how many this is, as torchrun or SLURM's srun tell it in the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engine.errors import ConfigError, Fault

_FIRST_PORT, _PORTS = 15_000, 17_000
"""Below the ports that systems give out by themselves."""


@dataclass(frozen=True)
class Launch:
    """A process among those that work on one run.

    Attributes:
        rank, size: of all processes; local_rank, local_size: of those on this machine.
        address, port: where they meet.
        agent_keeps_store: whether torchrun's own process keeps what they tell each other; else rank 0 does.
        attempt: a restart by torchrun must not read what the attempt before it said.
    """

    rank: int
    size: int
    local_rank: int
    local_size: int
    address: str
    port: int
    starter: Literal["torchrun", "SLURM"]
    agent_keeps_store: bool = False
    attempt: str = "0"


def launched(environment: Mapping[str, str] = os.environ) -> Launch | None:
    """How this process was started; None where it stands alone.

    torchrun comes first (it may itself have been started by srun). Of SLURM only a step of several tasks counts: in a
    batch script and in an interactive shell a command stands alone.

    Raises:
        ConfigError: the environment says something that is no number.
    """
    if {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"} <= set(environment):
        return _by_torchrun(environment)
    if "SLURM_PROCID" in environment and "SLURM_STEP_NUM_TASKS" in environment:
        return _by_slurm(environment)
    return None


def _by_torchrun(environment: Mapping[str, str]) -> Launch | None:
    size = _number(environment, "WORLD_SIZE")
    if size < 2:
        return None
    return Launch(
        rank=_number(environment, "RANK"),
        size=size,
        local_rank=_number(environment, "LOCAL_RANK", 0),
        local_size=_number(environment, "LOCAL_WORLD_SIZE", 1),
        address=environment["MASTER_ADDR"],
        port=_number(environment, "MASTER_PORT"),
        starter="torchrun",
        agent_keeps_store=environment.get("TORCHELASTIC_USE_AGENT_STORE") == "True",
        attempt=environment.get("TORCHELASTIC_RESTART_COUNT", "0"),
    )


def _by_slurm(environment: Mapping[str, str]) -> Launch | None:
    size = _number(environment, "SLURM_STEP_NUM_TASKS")
    if size < 2:
        return None
    nodes = environment.get("SLURM_STEP_NODELIST") or environment.get("SLURM_NODELIST") or "localhost"
    steps = _number(environment, "SLURM_JOB_ID", 0) + _number(environment, "SLURM_STEP_ID", 0)
    tasks = tasks_by_node(environment.get("SLURM_STEP_TASKS_PER_NODE", str(size)))
    node = _number(environment, "SLURM_NODEID", 0)
    return Launch(
        rank=_number(environment, "SLURM_PROCID"),
        size=size,
        local_rank=_number(environment, "SLURM_LOCALID", 0),
        local_size=tasks[node] if node < len(tasks) else 1,
        address=environment.get("MASTER_ADDR") or first_host(nodes),
        port=_number(environment, "MASTER_PORT", _FIRST_PORT + steps % _PORTS),
        starter="SLURM",
    )


def first_host(nodes: str) -> str:
    """The first of SLURM's list of hosts: ``node[003-005,9],big1`` gives ``node003``."""
    first = re.split(r",(?![^\[]*\])", nodes.strip())[0]
    return re.sub(r"\[([^\],-]+)[^\]]*\]", r"\1", first)


def tasks_by_node(text: str) -> list[int]:
    """SLURM's number of tasks on each node: ``2(x3),1`` gives ``[2, 2, 2, 1]``.

    Raises:
        ConfigError: another text.
    """
    found: list[int] = []
    for part in text.split(","):
        said = re.fullmatch(r"(\d{1,6})(?:\(x(\d{1,6})\))?", part.strip())
        if said is None:
            raise _broken("SLURM_STEP_TASKS_PER_NODE", text)
        found += [int(said[1])] * int(said[2] or 1)
    return found


def _number(environment: Mapping[str, str], name: str, default: int | None = None) -> int:
    said = environment.get(name)
    if said is None and default is not None:
        return default
    if said is None or not re.fullmatch(r"\d{1,12}", said):
        raise _broken(name, said)
    return int(said)


def _broken(name: str, said: str | None) -> ConfigError:
    mend = "Start the processes with torchrun or srun, or unset it for one process."
    return ConfigError([Fault(name, f"«{said}» in the environment is no number of processes.", mend)])

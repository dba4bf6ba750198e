"""Peak memory of a step: from the allocator on a GPU, from the resident size of a fresh process on a processor."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from engine.bench.answer import read_answer
from engine.bench.images import DataShape
from engine.config import RunConfig, SearchConfig, SubnetConfig, TwoStageConfig
from engine.errors import NascopeError
from engine.training.failure import failure_in_words

PROBE_SECONDS = 900.0
"""How long a fresh process may take for one step before it is given up."""

_KILLED = (-9, 137)
"""Ends that the system's out-of-memory killer gives a process."""


class OutOfMemoryError(NascopeError):
    """A step does not fit into the memory of the device."""


class ProbeError(Exception):
    """The fresh process did not answer; the message says why."""


def out_of_memory(error: BaseException | None, config: RunConfig) -> OutOfMemoryError:
    """What ran out, how much was wanted where that is known, and what takes less.

    Args:
        error: torch's; None where the system ended the process without one.
    """
    what = (
        f"Out of memory with batch_size={config.batch_size}: the system ended the process."
        if error is None
        else str(failure_in_words(error, config, Path())["what"])
    )
    smaller = {TwoStageConfig: "a space of smaller networks", SubnetConfig: "a smaller sub-network"}
    ways = [f"batch_size={max(2, config.batch_size // 2)}", smaller.get(type(config), "fewer channels")]
    if isinstance(config, SearchConfig):
        ways.append("pc-darts")
        if config.supernet == "reference":
            ways.insert(0, "supernet=fast")
        elif config.activation_checkpointing != "on":
            ways.insert(0, "activation_checkpointing=on")
    return OutOfMemoryError(what, where="batch_size", mend=f"Try {', '.join(ways[:-1])} or {ways[-1]}.")


@dataclass(frozen=True)
class Peak:
    """Peak memory of a step.

    Attributes:
        mib: None where it is not known.
        decisions: how the supernet was laid out where the settings leave it open; None where nothing was decided yet.
    """

    mib: float | None
    decisions: Mapping[str, Any] | None = None


def peak_in_fresh_process(config: SearchConfig, shape: DataShape, threads: int) -> Peak:
    """Growth of the resident size that building a supernet and taking one step bring about, on the processor.

    A process of its own, because memory that another step has freed would hide this one's need.

    Raises:
        OutOfMemoryError: the step does not fit.
        NascopeError: the settings fit no network.
        ProbeError: the process could not be started, took too long, or ended without an answer.
    """
    task = json.dumps({"config": config.model_dump(), "shape": asdict(shape), "threads": threads})
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "engine.bench.memory_probe"],
            input=task, capture_output=True, text=True, encoding="utf-8", errors="replace", timeout=PROBE_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ProbeError(f"one step took more than {PROBE_SECONDS:.0f} s") from None
    except (OSError, TypeError) as error:  # TypeError: an embedded interpreter has no sys.executable.
        raise ProbeError(f"no other process could be started ({error})") from None
    if done.returncode in _KILLED:
        raise out_of_memory(None, config)
    answer = _answer(done.stdout)
    if answer is None:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1][:200]
        raise ProbeError(f"the measuring process ended with {done.returncode} ({last})")
    if "error" in answer:
        kind = OutOfMemoryError if answer.get("out_of_memory") else NascopeError
        raise kind(answer["error"]["what"], where=answer["error"]["where"], mend=answer["error"]["mend"])
    return Peak(float(answer["peak_memory_mib"]), answer["decisions"])


class DevicePeak:
    """Peak of a CUDA device's allocator over what was allocated when this was made."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        torch.cuda.synchronize(device)
        self._before = torch.cuda.memory_allocated(device)

    def forget(self) -> None:
        """Let the peak begin here: trials that chose a layout are no part of a step."""
        torch.cuda.synchronize(self._device)
        torch.cuda.reset_peak_memory_stats(self._device)

    def mib(self) -> float:
        """Up to now, in MiB."""
        torch.cuda.synchronize(self._device)
        return (torch.cuda.max_memory_allocated(self._device) - self._before) / 2**20


def _answer(text: str) -> dict[str, Any] | None:
    """The answer of ``memory_probe``, or None where it is none."""
    found = read_answer(text)
    if found is None or "error" in found:
        return found
    is_whole = isinstance(found.get("peak_memory_mib"), int | float) and isinstance(found.get("decisions"), dict)
    return found if is_whole else None

"""Starting several processes the way torchrun does, by their environment."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

_SECONDS = 240


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def start_ranks() -> Callable[..., list[subprocess.Popen[str]]]:
    """Starts Python with these arguments ``size`` times, each under the environment of its rank."""

    def start(*arguments: str, size: int = 2, **environment: str) -> list[subprocess.Popen[str]]:
        port = _free_port()
        surroundings = {
            name: value for name, value in os.environ.items() if not name.startswith(("SLURM_", "TORCHELASTIC"))
        }
        started = []
        for rank in range(size):
            mine = {
                "RANK": str(rank), "WORLD_SIZE": str(size), "LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": str(size),
                "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1",
            }  # fmt: skip
            started.append(
                subprocess.Popen(
                    [sys.executable, "-P", *arguments], env={**surroundings, **mine, **environment}, text=True,
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path(__file__).parents[3],
                )
            )  # fmt: skip
        return started

    return start


@pytest.fixture(scope="session")
def run_ranks(start_ranks: Callable[..., list[subprocess.Popen[str]]]) -> Callable[..., list[tuple[int, str, str]]]:
    """As ``start_ranks``; waits, and gives each rank's exit code, standard output and error."""

    def run(*arguments: str, **options: str) -> list[tuple[int, str, str]]:
        processes = start_ranks(*arguments, **options)
        try:
            said = [process.communicate(timeout=_SECONDS) for process in processes]
        finally:
            for process in processes:
                process.kill()
        return [(process.returncode, *texts) for process, texts in zip(processes, said, strict=True)]

    return run

"""``compile=true``: the network goes through torch.compile, and what can go wrong there is told in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile

from engine.errors import RunError
from engine.networks import OneNetwork

BACKEND = "inductor"
"""torch's own compiler; it needs a C++ compiler for processors, and Triton for GPUs."""

_ADVICE = "Set TORCHDYNAMO_VERBOSE"
"""Begins torch's advice to its own developers."""


def compile_network(network: OneNetwork) -> None:
    """Let the network be compiled at its first pass; the names of its weights stay."""
    network.compile(backend=BACKEND)


@contextmanager
def compile_errors_told() -> Iterator[None]:
    """Within the block a failure of the compiler is raised as one that a person can mend.

    Raises:
        RunError: the compiler failed.
    """
    try:
        yield
    except RuntimeError as error:
        from torch._dynamo.exc import TorchDynamoException  # Only now: it takes a second of every start.

        if not isinstance(error, TorchDynamoException):
            raise
        # The first line names the backend only, the second its complaint.
        lines = takewhile(lambda line: not line.startswith(_ADVICE), map(str.strip, str(error).splitlines()))
        said = " ".join(filter(None, lines))[:200].rstrip(". ")
        raise RunError(
            f"torch.compile failed: {said}.", where="compile",
            mend="Resume with --set compile=false: the numbers are the same but for rounding.",
        ) from error  # fmt: skip

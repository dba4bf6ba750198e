"""A look at the others where no exchange can fail.

Between processors an exchange fails as soon as the other process has gone. Between the GPUs of a machine NCCL waits on,
so that a process which fails (out of memory, say) would leave the others in a step that never ends.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator

import torch

from engine.distributed.meeting import LeftAlone
from engine.distributed.ranks import Ranks
from engine.distributed.session import leave, left_alone

LOOK_SECONDS = 2.0
GRACE_SECONDS = 20.0
"""For a process to find out by itself. Less than those that have failed wait for rank 0 before they end."""


@contextlib.contextmanager
def lookout(ranks: Ranks, device: torch.device, last_words: Callable[[LeftAlone], None]) -> Iterator[None]:
    """Within the block this process ends by force where another has ended and the block does not end by itself soon.

    Args:
        device: that the block computes on; nothing is done for a processor.
        last_words: called before the end, in another thread than the block's.
    """
    if ranks.size == 1 or device.type != "cuda":
        yield
        return
    end = threading.Event()

    def look() -> None:
        while not end.wait(LOOK_SECONDS):
            found = left_alone(ranks)
            if found is None:
                continue
            if end.wait(GRACE_SECONDS):
                return
            try:
                last_words(found)
            finally:
                leave(1)
                os._exit(1)

    thread = threading.Thread(target=look, name="nascope-lookout", daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()

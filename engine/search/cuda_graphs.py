"""Record a step once and replay it: on a GPU thousands of small operations then cost one call of the processor.

A first-order DARTS step of the paper's size took 395 ms without and 139 ms with recording on an H200, where the
processor could not feed the GPU. Searches record only where ``cuda_graphs`` is switched on: in one real run, with cuDNN
trying out its kernels at the same time (it no longer does), the recording failed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor

from engine.training.failure import is_out_of_memory

_WARM_UPS = 3
_LOGGER = logging.getLogger("nascope.run")


class Recorded:
    """A function of tensors that is recorded as a CUDA graph at its first call with a full batch, and replayed after it.

    The function must do the same work whatever its tensors hold, and must not read from the device. Calls with fewer
    images than ``batch_size`` (the last of an epoch) go to the function itself. What it gives is overwritten by the
    next call. Where CUDA refuses the recording, the function is called as it is from then on, and the log says so.

    Args:
        function: takes tensors, the images first; gives a tuple of tensors.
        batch_size: images of a batch that is worth recording.
        warming_up: a context in which trial calls change nothing.
    """

    def __init__(
        self,
        function: Callable[..., tuple[Tensor, ...]],
        batch_size: int,
        warming_up: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._function = function
        self._batch_size = batch_size
        self._warming_up = warming_up
        self._graph: Any = None
        self._refused = False
        self._given: tuple[Tensor, ...] = ()
        self._found: tuple[Tensor, ...] = ()

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        if self._refused or len(tensors[0]) != self._batch_size:
            return self._function(*tensors)
        if self._graph is None:
            try:
                self._record(tensors)
            except RuntimeError as error:
                if is_out_of_memory(error):
                    raise
                self._refused, self._given, self._found = True, (), ()
                _LOGGER.warning("CUDA refused to record the step (%s): it is computed without a recording", error)
                return self._function(*tensors)
        for given, new in zip(self._given, tensors, strict=True):
            given.copy_(new)
        self._graph.replay()
        return self._found

    def _record(self, tensors: tuple[Tensor, ...]) -> None:
        self._given = tuple(tensor.clone() for tensor in tensors)
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream), self._warming_up():  # Libraries choose their kernels and workspaces now.
            for _ in range(_WARM_UPS):
                self._function(*self._given)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        # Calls of other threads, such as one that copies images, must not spoil the recording.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            self._found = self._function(*self._given)
        self._graph = graph

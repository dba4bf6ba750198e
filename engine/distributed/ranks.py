"""The processes that work on one run: which of them this is, its share of a batch, and what they tell each other.

Each step of a run has one **joint batch**, a function of the configuration alone. The ranks cut it into contiguous
shares, so a run is the same training on whatever number of processes, but for rounding and for batch norms that each
look at their own share.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

Value = TypeVar("Value")


@dataclass(frozen=True)
class Ranks:
    """This process among those of the run.

    Attributes:
        rank: from 0; rank 0 alone reads orders and writes the run's folder.
        size: number of processes.
        local_rank, local_size: the same among the processes on this machine.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the process that reads orders and writes files."""
        return self.rank == 0

    def share(self, start: int, stop: int) -> tuple[int, int]:
        """This rank's part of the places from ``start`` to before ``stop``: contiguous, sizes differ by one at most."""
        count = stop - start
        return start + count * self.rank // self.size, start + count * (self.rank + 1) // self.size

    def largest_share(self, count: int) -> int:
        """How many of ``count`` places the rank with the most has."""
        return -(-count // self.size)

    def sum_(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all ranks, in place and bit for bit equal on all; one message a number format."""
        if self.size == 1:
            return
        with torch.no_grad():
            for tensor, total in zip(tensors, self.sums(tensors), strict=True):
                tensor.copy_(total)

    def sums(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """As ``sum_``, in new tensors, contiguous ones; with one process the tensors themselves."""
        if self.size == 1 or not tensors:
            return list(tensors)
        found: dict[int, Tensor] = {}
        for places in _places_by_dtype(tensors):
            same = [tensors[place] for place in places]
            flat = _flat(same)
            dist.all_reduce(flat)
            found |= zip(places, _parts(same, flat), strict=True)
        return [found[place] for place in range(len(tensors))]

    def first_says(self, value: Value) -> Value:
        """What rank 0 gives, on every rank; plain picklable values between processes of one run only."""
        if self.size == 1:
            return value
        box = [value if self.is_first else None]
        dist.broadcast_object_list(box, src=0)
        return box[0]  # type: ignore[return-value]

    def first_decides(self, number: int) -> int:
        """A number of rank 0 on every rank, by processors alone: no device is waited for."""
        if self.size == 1:
            return number
        word = torch.tensor([number], dtype=torch.int64)
        dist.broadcast(word, src=0)
        return int(word)

    def copy_from_first(self, tensors: Sequence[Tensor]) -> None:
        """Give every rank the tensors of rank 0, in place."""
        if self.size == 1 or not tensors:
            return
        for places in _places_by_dtype(tensors):
            same = [tensors[place] for place in places]
            flat = _flat(same)
            dist.broadcast(flat, src=0)
            with torch.no_grad():
                for tensor, part in zip(same, _parts(same, flat), strict=True):
                    tensor.copy_(part)

    def all_say(self, value: Any) -> list[Any]:
        """What each rank gives, by rank, on every rank."""
        if self.size == 1:
            return [value]
        box: list[Any] = [None] * self.size
        dist.all_gather_object(box, value)
        return box

    def wait(self) -> None:
        """Until every rank is here."""
        if self.size > 1:
            dist.all_reduce(torch.zeros(1))  # on processors; torch's barrier would ask for a GPU where there is one

    def agree_on(self, tensors: Sequence[Tensor]) -> bool:
        """Whether these tensors are bit for bit equal on all ranks; every rank gets the same answer."""
        if self.size == 1:
            return True
        digest = hashlib.sha256()
        for tensor in tensors:
            # Flat, since a size of 1 may have any stride in a tensor that counts as contiguous.
            digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        return len(set(self.all_say(digest.hexdigest()))) == 1

    def seed(self, seed: int, step: int = 0) -> int:
        """A seed of this rank's own for what is drawn in training (drop path), from that of the run."""
        text = f"{seed}/{self.rank} of {self.size}/{step}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big")


ALONE = Ranks()
"""One process: everything here is then free."""


def _places_by_dtype(tensors: Sequence[Tensor]) -> list[list[int]]:
    """Apart by number format, in the order of the formats' first tensors: the same on all ranks."""
    found: dict[torch.dtype, list[int]] = {}
    for place, tensor in enumerate(tensors):
        found.setdefault(tensor.dtype, []).append(place)
    return list(found.values())


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors])


def _parts(tensors: Sequence[Tensor], flat: Tensor) -> list[Tensor]:
    """Views of ``flat`` in the tensors' shapes."""
    parts = torch.split(flat, [tensor.numel() for tensor in tensors])
    return [part.view(tensor.shape) for tensor, part in zip(tensors, parts, strict=True)]

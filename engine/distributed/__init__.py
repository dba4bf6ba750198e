"""Several processes that train one network together, as torchrun or SLURM started them."""

from engine.distributed.launch import launched
from engine.distributed.normalization import synchronize
from engine.distributed.ranks import ALONE, Ranks
from engine.distributed.session import LeftAlone, explained, failing_together, first_goes, part, tell_failure, together

__all__ = [
    "ALONE",
    "LeftAlone",
    "Ranks",
    "explained",
    "failing_together",
    "first_goes",
    "launched",
    "part",
    "synchronize",
    "tell_failure",
    "together",
]

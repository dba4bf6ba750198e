"""Several processes that train one network together, as torchrun or SLURM started them."""

from engine.distributed.launch import launched
from engine.distributed.lookout import lookout
from engine.distributed.meeting import LeftAlone
from engine.distributed.normalization import synchronize
from engine.distributed.ranks import ALONE, Ranks
from engine.distributed.session import explained, failing_together, first_goes, part, tell_failure, together

__all__ = [
    "ALONE",
    "LeftAlone",
    "Ranks",
    "explained",
    "failing_together",
    "first_goes",
    "launched",
    "lookout",
    "part",
    "synchronize",
    "tell_failure",
    "together",
]

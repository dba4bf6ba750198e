"""Several processes that train one network together, as torchrun or SLURM started them."""

from engine.distributed.ranks import ALONE, Ranks

__all__ = ["ALONE", "Ranks"]

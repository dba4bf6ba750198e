"""Sub-networks measured by one process or several, as the tests of joint measuring want it. No test itself."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
import torch.distributed as dist

from engine.config import TwoStageConfig, resolve
from engine.data import load_data
from engine.distributed import ALONE, Ranks, synchronize
from engine.subnets.architecture import smallest
from engine.two_stage.measuring import SubnetMeter
from engine.two_stage.supernet import DynamicSupernet

CPU = torch.device("cpu")


def config(**values: object) -> TwoStageConfig:
    found = resolve("two-stage", method="bignas", data="digits", values={
        "space": "laptop", "limit_images": 300, "calibration_images": 240, "calibration_batch_size": 80, "batch_size": 50, **values,
    })  # fmt: skip
    assert isinstance(found, TwoStageConfig)
    return found


def supernet() -> DynamicSupernet:
    torch.manual_seed(0)
    return DynamicSupernet(config().the_space(), zero_gamma=False)


def measured(ranks: Ranks = ALONE) -> dict[str, object]:
    settings = config()
    meter = SubnetMeter(load_data(settings, CPU), settings, CPU, ranks)
    made, found = supernet(), {}
    for architecture in (smallest(made.space),):
        # As a loop decides about a stop: it would wait for ever where one rank asks more often.
        evaluation = meter.measure(made, architecture, ranks.wait)
        network = meter.network(made, architecture)
        found[architecture.key] = {
            "images": evaluation.images, "loss": evaluation.loss, "accuracy_percent": evaluation.accuracy_percent,
            "statistics": dict(network.named_buffers()),
        }  # fmt: skip
    meter.close()
    return found


def gradients(ranks: Ranks = ALONE) -> dict[str, torch.Tensor]:
    """Of a joint batch of 7 images, with batch norms over all of them."""
    images = torch.randn(7, 3, 20, 20, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    made = supernet().double()
    synchronize(made, ranks)
    first, last = ranks.share(0, len(images))
    made(images[first:last], smallest(made.space)).square().sum().backward()
    named = {name: parameter.grad for name, parameter in made.named_parameters() if parameter.grad is not None}
    return dict(zip(named, ranks.sums(list(named.values())), strict=True))


if __name__ == "__main__":
    rank, folder = int(sys.argv[1]), Path(sys.argv[2])
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder / 'store'}", rank=rank, world_size=2)
    ranks = Ranks(rank, 2)
    torch.save({"measured": measured(ranks), "gradients": gradients(ranks)}, folder / f"rank{rank}.pt")
    dist.destroy_process_group()

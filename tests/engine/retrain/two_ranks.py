"""A retraining or a sub-network's training in float64 on one process or several, as the tests of joint gradients want it. No test itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from engine.config import RetrainConfig, SubnetConfig, resolve
from engine.data import load_data
from engine.distributed import ALONE, Ranks
from engine.genotype import Cell, Edge, Genotype
from engine.genotype.named import named
from engine.retrain.trainer import RetrainTrainer
from engine.subnets import space_named
from engine.subnets.architecture import smallest

STEPS = 3
CPU = torch.device("cpu")


def idle_genotype() -> Genotype:
    """State 0 is read by nobody, so that a whole preprocessing has no gradient."""
    cell = Cell(((Edge("sep_conv_3x3", 1),), (Edge("skip_connect", 1), Edge("avg_pool_3x3", 2))), (2, 3))
    return Genotype(cell, cell, name="idle")


def config(**values: object) -> RetrainConfig | SubnetConfig:
    if "architecture" in values:
        return _subnet_config(**values)
    found = resolve("retrain", data="digits", values={
        "genotype": named("DARTS_V2").as_json(), "channels": 4, "layers": 3, "batch_size": 30, "limit_images": 130, "epochs": 4,
        "drop_path": 0.0, "memory_format": "contiguous", **values,
    })  # fmt: skip
    assert isinstance(found, RetrainConfig)
    return found


def _subnet_config(**values: object) -> SubnetConfig:
    found = resolve("subnet", data="digits", values={
        "batch_size": 30, "limit_images": 130, "epochs": 4, "image_size": 8, "dropout": 0.0, "drop_connect": 0.0, "zero_gamma": False,
        "learning_rate_warmup_epochs": 0, "memory_format": "contiguous", **values,
    })  # fmt: skip
    assert isinstance(found, SubnetConfig)
    return found


def trainer(settings: RetrainConfig | SubnetConfig, ranks: Ranks = ALONE) -> RetrainTrainer:
    """With images and weights in float64: rounding is then far below any fault."""
    torch.manual_seed(0)
    data = load_data(settings, CPU)
    torch.set_default_dtype(torch.float64)
    try:
        made = RetrainTrainer(settings, data, CPU, ranks=ranks)
    finally:
        torch.set_default_dtype(torch.float32)
    for stream in (made._stream, made._validation_stream):
        if stream is not None:
            stream.batch = _doubled(stream.batch)
    return made


def _doubled(batch: Any) -> Any:
    def found(step: int) -> tuple[torch.Tensor, torch.Tensor]:
        images, labels = batch(step)
        return images.double(), labels

    return found


def train(settings: RetrainConfig | SubnetConfig, ranks: Ranks = ALONE) -> dict[str, object]:
    """Three steps and the end of an epoch."""
    made = trainer(settings, ranks)
    metrics = []
    for step in range(STEPS):
        assert made.step(step) == 30
        metrics.append(made.step_metrics())
    report = made.end_epoch(0, lambda: None)
    state = made.state_dict()
    return {"weights": state["weights"], "metrics": metrics, "epoch": report.metrics,
            "norm": made.detail_reports()[0][1]["weight_gradient_norm"]}  # fmt: skip


def cells() -> dict[str, dict[str, object]]:
    """Settings of the networks that are trained."""
    subnet = smallest(space_named("laptop")).as_json()
    return {"DARTS_V2": {}, "idle": {"genotype": idle_genotype().as_json()}, "subnet": {"architecture": subnet}}


if __name__ == "__main__":
    rank, folder = int(sys.argv[1]), Path(sys.argv[2])
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder / 'store'}", rank=rank, world_size=2)
    found = {name: train(config(sync_batch_norm=True, **values), Ranks(rank, 2)) for name, values in cells().items()}
    torch.save(found, folder / f"rank{rank}.pt")
    dist.destroy_process_group()

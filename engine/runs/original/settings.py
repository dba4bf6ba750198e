"""From the printed arguments of the original code to a checked configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.config import CONFIG_CLASSES, METHODS, RunConfig, resolve
from engine.errors import ConfigError, RunError
from engine.genotype import Cell, Genotype
from engine.genotype.discretize import discretize_cell, node_count
from engine.runs.original.record import OriginalLog
from engine.runs.original.tensors import as_raw_alphas

SPACES = {8: "darts", 7: "no-none"}
"""Primitives in a printed row, and the space they are of: other rows have no names."""

_NAMES = {
    "batch_size": "batch_size", "learning_rate": "learning_rate", "learning_rate_min": "learning_rate_min",
    "momentum": "momentum", "weight_decay": "weight_decay", "init_channels": "channels", "layers": "layers", "seed": "seed",
    "grad_clip": "gradient_clip", "train_portion": "train_portion", "arch_learning_rate": "alpha_learning_rate",
    "arch_weight_decay": "alpha_weight_decay", "auxiliary": "auxiliary", "auxiliary_weight": "auxiliary_weight",
    "drop_path_prob": "drop_path", "label_smooth": "label_smoothing", "begin": "warmup_epochs", "gamma": "learning_rate_decay",
}  # fmt: skip
"""Arguments of the original scripts by our names; a search's ``drop_path_prob`` is read by nothing there."""

_SIZES = {0.299578: "pc-darts", 0.322708: "pc-darts", 0.956512: "pc-darts", 1.930618: "darts", 1.953748: "darts"}
"""Millions of parameters that the supernets of 16 channels and 8 cells print (10, 100 and 1000 classes)."""

PARTIAL_WARMUP = 15
"""Epochs in which PC-DARTS' CIFAR script keeps the alphas frozen, whatever --epochs says."""


def method_of(log: OriginalLog, said: str | None) -> tuple[str, str]:
    """The method of a search, and how it was told.

    Raises:
        RunError: ``said`` is no method that the original code has.
    """
    if said is not None:
        if said not in ("darts", "darts-v2", "pc-darts"):
            where = "--method"
            raise RunError(f"the original code has no «{said}».", where=where, mend="Use darts, darts-v2 or pc-darts.")
        return said, "as said"
    arguments = log.arguments
    size = next((method for value, method in _SIZES.items() if log.parameters_millions == value), None)
    second = "darts-v2" if arguments.get("unrolled") is True else "darts"
    if size == "pc-darts":
        return "pc-darts", f"by its size, {log.parameters_millions} M parameters"
    if size == "darts":
        return second, f"by its size, {log.parameters_millions} M parameters"
    if {"begin", "set", "tmp_data_dir"} & arguments.keys():
        return "pc-darts", "by arguments that only the PC-DARTS scripts have"
    if arguments.get("batch_size") == 256 and arguments.get("arch_learning_rate") == 6e-4:
        return "pc-darts", "by its batch size and alpha learning rate"
    if second == "darts-v2":
        return second, "by unrolled=True"
    return "darts", "since nothing tells another"


def config_of(
    log: OriginalLog, *, method: str | None, data: str | None, genotype: Genotype | None
) -> tuple[RunConfig, list[str]]:
    """The configuration of a log, and notes on arguments that do not fit it.

    Raises:
        DataError: ``data`` is no data set.
        ConfigError: the arguments make no run at all.
    """
    kind = log.kind
    values = _values(log, kind)
    if kind == "search":
        values["space"], values["nodes"] = _space(log)
        if method == "pc-darts" and "warmup_epochs" not in values:
            values["warmup_epochs"] = min(PARTIAL_WARMUP, log.epochs_wanted - 1)
        if log.is_imagenet and method == "pc-darts":
            values["partial_channels"] = 2
        values |= {name: value for name, value in METHODS[method or "darts"].switches.items() if name not in values}
    else:
        assert genotype is not None
        values["genotype"] = genotype.as_json()
    values["validation_portion"] = 0.0
    data = data or data_of(log)
    notes: list[str] = []
    for _ in range(len(values)):
        try:
            return resolve(kind, method=method, data=data, preset="paper", values=values), notes
        except ConfigError as error:
            wrong = [fault.field for fault in error.faults if fault.field in values and fault.field != "genotype"]
            if not wrong:
                raise
            for name in wrong:
                notes.append(
                    f"{name}={repr(values.pop(name))[:60]} of the log does not fit a run of nascope and was left out"
                )
    raise AssertionError("every value was left out")  # resolve without values is the preset, which fits


def data_of(log: OriginalLog) -> str:
    """The data set that the script read; the original names it by script, not by argument."""
    if log.is_imagenet:
        place = log.arguments.get("tmp_data_dir") or log.arguments.get("data")
        return f"imagenet:{place if isinstance(place, str) and place else 'imagenet'}"
    return "cifar100" if log.arguments.get("set") == "cifar100" or log.arguments.get("cifar100") is True else "cifar10"


def _values(log: OriginalLog, kind: str) -> dict[str, Any]:
    known = CONFIG_CLASSES[kind].model_fields
    arguments: Mapping[str, Any] = log.arguments
    found = {ours: arguments[theirs] for theirs, ours in _NAMES.items() if theirs in arguments and ours in known}
    found["epochs"] = log.epochs_wanted
    if arguments.get("cutout") is True:
        found["cutout"] = arguments.get("cutout_length", 16)
    elif "cutout" in arguments:
        found["cutout"] = 0
    if kind == "retrain" and arguments.get("lr_scheduler") in ("linear", "cosine"):
        found["learning_rate_schedule"] = arguments["lr_scheduler"]
    elif kind == "retrain" and "decay_period" in arguments:
        found["learning_rate_schedule"] = "exponential"
    return found


def _space(log: OriginalLog) -> tuple[str, int]:
    for epoch in log.epochs:
        for values in epoch.tensors:
            if values.shape[1] in SPACES:
                try:
                    return SPACES[values.shape[1]], node_count(len(values))
                except ValueError:
                    continue
    printed = next((epoch.genotype for epoch in log.epochs if epoch.genotype is not None), None)
    return "darts", len(printed.normal.nodes) if printed is not None else 4


def disagreeing_epochs(log: OriginalLog, primitives: tuple[str, ...]) -> list[int]:
    """Epochs whose printed cells are not those that the printed alphas give without betas."""
    found = []
    for epoch in log.epochs:
        if epoch.genotype is None or len(epoch.tensors) < 2:
            continue
        try:
            given = [discretize_cell(as_raw_alphas(values)[0], primitives) for values in epoch.tensors[:2]]
        except ValueError:
            continue
        printed = (epoch.genotype.normal, epoch.genotype.reduction)
        if any(_node_sets(mine) != _node_sets(theirs) for mine, theirs in zip(given, printed, strict=True)):
            found.append(epoch.number)
    return found


def _node_sets(cell: Cell) -> list[list[tuple[str, int]]]:
    """Inputs of each node; their order has no meaning."""
    return [sorted((edge.primitive, edge.source) for edge in edges) for edges in cell.nodes]

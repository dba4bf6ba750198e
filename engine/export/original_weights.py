"""Weights that the original DARTS or PC-DARTS code trained, taken over as a retraining that ``nascope test`` measures."""

from __future__ import annotations

import pickle
import re
import time
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from engine.config import RetrainConfig, parse_data, resolve
from engine.data import Normalization, load_data
from engine.errors import NascopeError, RunError
from engine.export.original_names import original_names
from engine.genotype import Genotype
from engine.networks import DiscreteNetwork, build_network
from engine.runs import Event, EventWriter, RunFolder, Status
from engine.runs.folder import CHECKPOINT_LAST, EVENTS
from engine.runs.original.convert import Imported
from engine.training.checkpoint import save_checkpoint
from engine.training.failure import first_line

_CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_CIFAR_NORMALIZATION = ((0.49139968, 0.48215827, 0.44653124), (0.24703233, 0.24348505, 0.26158768))
"""DARTS utils; the PC-DARTS code takes it for CIFAR-100 as well."""
_IMAGENET_NORMALIZATION = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_IMAGE_SIZES = {"cifar": 32, "imagenet": 224}
_MAX_LAYERS = 100
_SAVE_ANEW = "Where you trust it, load it in torch and save its state_dict() anew."

_CELL = re.compile(r"cells\.(\d{1,4})\.")
_STATISTICS = "num_batches_tracked"
"""torch before 0.4.1 does not count batches, and nothing here reads the count."""


def import_weights(
    source: Path, genotype: Genotype, *, out: Path | None = None, name: str = "", data: str | None = None
) -> Imported:
    """Make a retraining of a weight file of the original code (``cifar10_model.pt``, a state dict or a checkpoint of it).

    Sizes are read off the tensors; every tensor must have its place and shape, or nothing is taken over.

    Args:
        data: the data set of the classes; None takes CIFAR-10 or CIFAR-100 by their number.

    Raises:
        RunError: no weight file, an unsafe or old form, or tensors that are not those of the genotype's network.
        DataError, ConfigError, GenotypeError: what is said does not fit.
    """
    weights = read_weights(source)
    config, classes = _config(weights, genotype, data, source)
    # Without memory: sizes that a file claims cost nothing before its tensors are seen to be there.
    with torch.device("meta"):
        network = build_network(config, len(classes), 3, _IMAGE_SIZES[config.network])
    taken = _taken_over(network, weights, source)
    notes = (
        f"Weights of the original code, {source}, with its sizes: {config.channels} channels, {config.layers} cells"
        f"{', auxiliary head' if config.auxiliary else ''}. How they were trained is not in the file: the settings here are the paper's.",
        "Images are normalized as the original's are.",
    )
    facts = {"command": "", "imported_from": {"weights": str(source.absolute())}}
    folder = (
        RunFolder.create(out.expanduser().absolute(), config, facts, name=name)
        if out is not None
        else RunFolder.create_dated(config, facts, slug="imported-weights", name=name)
    )
    writer = EventWriter(folder.path / EVENTS)
    now = time.time()
    try:
        started = {
            "command": "",
            "epochs": config.epochs,
            "steps_per_epoch": 1,
            "classes": list(classes),
            "world_size": 1,
        }
        writer.write(Event(now, 0, 0, "started", started))
        for note in notes:
            writer.write(Event(now, 0, 0, "message", {"text": note, "level": "info"}))
        writer.write(Event(now, config.epochs - 1, config.epochs - 1, "finished", {"metrics": {}}))
    finally:
        writer.close()
    trainer = {
        "weights": taken, "classes": list(classes), "image_channels": 3, "image_size": _IMAGE_SIZES[config.network],
        "normalization": [list(part) for part in _normalization(config)],
    }  # fmt: skip
    save_checkpoint(
        folder.path / CHECKPOINT_LAST, {"epochs_ended": config.epochs, "step": config.epochs, "trainer": trainer}
    )
    folder.write_status(
        Status("finished", step=config.epochs, epoch=config.epochs, epochs=config.epochs, steps_per_epoch=1)
    )
    return Imported(folder, "retrain", "", config.epochs, "finished", notes)


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a weight file by name, whatever they are wrapped in.

    Read with ``weights_only=True``, which builds tensors and plain containers and nothing else; torch reads files from
    before its version 1.6 that way too.

    Raises:
        RunError: the file holds code, is of torch 0.1's tar form, is damaged or holds no tensors by name.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Of old pickles and sparse tensors, which are judged below.
            content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise RunError(
            f"cannot be read ({error.strerror or error}).", where=str(path), mend="Check the path."
        ) from None
    except pickle.UnpicklingError as error:
        raise RunError(
            f"is no weight file, or holds more than weights, so it is not read ({_reason(error)}).", where=str(path),
            mend="Where you trust it, load it in torch and save its state_dict() alone.",
        ) from None  # fmt: skip
    except (RuntimeError, EOFError, ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        raise RunError(
            f"is no weight file that torch reads safely ({_reason(error)}).", where=str(path), mend=_SAVE_ANEW
        ) from None
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]  # PC-DARTS' ImageNet checkpoints: epoch, state_dict, best_acc_top1, optimizer.
    if (
        not isinstance(content, Mapping)
        or not content
        or not all(isinstance(value, Tensor) for value in content.values())
    ):
        raise RunError(
            "holds no state dict.", where=str(path), mend="Give a file that torch.save(model.state_dict(), ...) wrote."
        )
    for name, value in content.items():
        # Storage that is smaller than the tensor repeats itself: a small file could ask for any amount of memory.
        if value.layout is not torch.strided or value.device.type != "cpu" or value.is_complex() or _is_inflated(value):
            raise RunError(f"holds no plain tensor under {str(name)[:60]}.", where=str(path), mend=_SAVE_ANEW)
    return {str(name).removeprefix("module."): value for name, value in content.items()}


def _is_inflated(value: Tensor) -> bool:
    return value.numel() * value.element_size() > value.untyped_storage().nbytes()


def _reason(error: Exception) -> str:
    """What torch did not like, in a few words; its errors go on for paragraphs about how to switch its safety off."""
    text = str(error)
    code = re.search(r"(?i:unsupported global:?) (?:GLOBAL )?([\w.]+)", text)
    if code is not None:
        return f"code of {code.group(1)[:80]}"
    found = re.search(r"Unsupported \w+ \d+|legacy \.tar format|failed finding central directory", text)
    return found.group(0) if found else first_line(error)[:120].rstrip(". ")


def _config(
    weights: Mapping[str, Tensor], genotype: Genotype, data: str | None, source: Path
) -> tuple[RetrainConfig, tuple[str, ...]]:
    """Sizes as the tensors have them, everything else the paper's; and the names of the classes."""
    kind = "imagenet" if "stem0.0.weight" in weights else "cifar"
    stem, classifier = (
        weights.get("stem1.1.weight" if kind == "imagenet" else "stem.0.weight"),
        weights.get("classifier.weight"),
    )
    layers = 1 + max((int(found.group(1)) for name in weights if (found := _CELL.match(name))), default=-1)
    if stem is None or classifier is None or stem.ndim != 4 or classifier.ndim != 2 or not 3 <= layers <= _MAX_LAYERS:
        raise RunError(
            "has none of the names of the original code's networks (stem.0.weight, cells.0.preprocess0.op.1.weight, ...).",
            where=str(source), mend="Give weights that its train.py saved, not those of a search.",
        )  # fmt: skip
    channels = len(stem) if kind == "imagenet" else len(stem) // 3
    classes = len(classifier)
    data = data or {10: "cifar10", 100: "cifar100"}.get(classes if kind == "cifar" else 0)
    if data is None:
        raise RunError(
            f"has {classes} classes, which name no data set.",
            where=str(source),
            mend="Say one, as --data imagenet:FOLDER.",
        )
    auxiliary = any(name.startswith("auxiliary_head.") for name in weights)
    values = {
        "genotype": genotype.as_json(), "network": kind, "channels": channels, "layers": layers, "auxiliary": auxiliary,
        "image_size": None if parse_data(data).dataset.image_size == _IMAGE_SIZES[kind] else _IMAGE_SIZES[kind],
    }  # fmt: skip
    config = resolve("retrain", data=data, preset="paper", values=values)
    assert isinstance(config, RetrainConfig)
    return config, _class_names(config, classes, source)


def _class_names(config: RetrainConfig, classes: int, source: Path) -> tuple[str, ...]:
    names: tuple[str, ...] = _CIFAR10
    if config.data != "cifar10":
        normalization = Normalization(*_normalization(config))
        names = load_data(config, torch.device("cpu"), splits=("test",), normalization=normalization).class_names
    if len(names) != classes:
        raise RunError(
            f"has {classes} classes, and {config.data} has {len(names)}.",
            where=str(source),
            mend="Say the right --data.",
        )
    return tuple(names)


def _normalization(config: RetrainConfig) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return _IMAGENET_NORMALIZATION if config.network == "imagenet" else _CIFAR_NORMALIZATION


def _taken_over(network: DiscreteNetwork, weights: Mapping[str, Tensor], source: Path) -> dict[str, Tensor]:
    """The weights under our names.

    Raises:
        RunError: one is missing, has another shape, or is not of this network.
    """
    theirs = original_names(network)
    found: dict[str, Tensor] = {}
    used = set()
    for name, own in network.state_dict().items():
        layer, _, part = name.rpartition(".")
        other = f"{theirs[layer]}.{part}"
        used.add(other)
        value = weights.get(other, torch.zeros_like(own, device="cpu") if part == _STATISTICS else None)
        if value is None or value.shape != own.shape:
            what = (
                f"has no {other}"
                if value is None
                else f"has {other} of shape {tuple(value.shape)}, not {tuple(own.shape)}"
            )
            raise _other_network(what, source)
        found[name] = value.to(own.dtype).clone()
    extra = sorted(set(weights) - used)
    if extra:
        more = f" and {len(extra) - 1} more" if len(extra) > 1 else ""
        raise _other_network(f"has {extra[0]}{more} besides", source)
    return found


def _other_network(what: str, source: Path) -> NascopeError:
    return RunError(
        f"{what}: these are not the weights of this genotype's network.",
        where=str(source),
        mend="Name its own --genotype.",
    )

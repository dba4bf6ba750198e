"""ONNX: the network as a graph that other runtimes compute."""

from __future__ import annotations

import importlib.util
import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from engine.export.compare import example_images, refuse_other_logits, wrapped
from engine.export.source import ExportedNetwork

if TYPE_CHECKING:
    from engine.export.write import Options

OPSET = 18


def write_onnx(source: ExportedNetwork, path: Path, options: Options) -> tuple[float, str]:
    """Write it, check it by ``onnx.checker``, compare its logits; input ``images``, output ``logits``."""
    import onnx

    network = wrapped(source, with_normalization=options.with_normalization)
    count = options.batch or 2  # One image would be taken for a fixed size.
    images = example_images(source, count, with_normalization=options.with_normalization)
    dynamic = None if options.batch else ({0: torch.export.Dim("batch", min=1)},)
    with warnings.catch_warnings(), torch.no_grad(), _Quiet():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network, (images,), input_names=["images"], output_names=["logits"], dynamic_shapes=dynamic, dynamo=True,
            opset_version=OPSET, verbose=False,
        )  # fmt: skip
        expected = network(images)
    assert program is not None
    model = program.model_proto
    onnx.helper.set_model_props(model, source.passport_texts() | {"input": _input_words(options.with_normalization)})
    onnx.checker.check_model(model, full_check=True)
    onnx.save_model(model, str(path))
    runner, found = _compute(path, images)
    return refuse_other_logits(expected, found, runner), runner


def _input_words(with_normalization: bool) -> str:
    return "pixels of 0..1; the network normalizes them" if with_normalization else "normalized pixels"


def _compute(path: Path, images: Tensor) -> tuple[str, Tensor]:
    """The logits by onnxruntime where it is installed, else by onnx's own slow reference."""
    feed = {"images": images.numpy()}
    results: Any
    if importlib.util.find_spec("onnxruntime") is not None:
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
        runner, results = "onnxruntime", session.run(None, feed)
    else:
        from onnx.reference import ReferenceEvaluator

        runner, results = "onnx.reference", ReferenceEvaluator(str(path)).run(None, feed)
    return runner, torch.from_numpy(results[0])


class _Quiet:
    """No lines of the exporter about packages that it does not need."""

    def __enter__(self) -> None:
        self._before = logging.root.manager.disable
        logging.disable(logging.WARNING)

    def __exit__(self, *_: object) -> None:
        logging.disable(self._before)

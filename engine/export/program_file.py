"""torch.export: the network as a program that torch loads without its classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from engine.export.compare import example_images, refuse_other_logits, wrapped
from engine.export.source import ExportedNetwork

if TYPE_CHECKING:
    from engine.export.write import Options

EXTRA_FILE = "nascope.json"


def write_program(source: ExportedNetwork, path: Path, options: Options) -> tuple[float, str]:
    """Write a ``.pt2``, with the passport in its extra file ``nascope.json``, load it and compare its logits."""
    network = wrapped(source, with_normalization=options.with_normalization)
    images = example_images(source, options.batch or 2, with_normalization=options.with_normalization)
    dynamic = None if options.batch else ({0: torch.export.Dim("batch", min=1)},)
    with torch.no_grad():
        program = torch.export.export(network, (images,), dynamic_shapes=dynamic)
        torch.export.save(program, path, extra_files={EXTRA_FILE: json.dumps(source.passport(), ensure_ascii=False)})
        expected = network(images)
        found = torch.export.load(path).module()(images)
    return refuse_other_logits(expected, found, "torch.export"), "torch.export"

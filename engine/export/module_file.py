"""``--format module``: the network as one file of Python that people can read, change and retrain with torch alone.

Cells are written out edge by edge, sub-networks block by block (``subnet_module``); parameters have nascope's names, so that exported weights load strictly.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

import engine
from engine.errors import GenotypeError, NascopeError
from engine.export import module_parts as parts
from engine.export.compare import example_images, refuse_other_logits
from engine.export.module_text import WIDTH, in_docstring, joined, lines_of_data, one_line
from engine.export.source import ExportedCells, ExportedNetwork, ExportedSubnet
from engine.export.subnet_module import subnet_module_text
from engine.genotype.genotype import INPUT_STATES, Cell
from engine.genotype.primitives import PrimitiveDeclaration, declaration, is_registered
from engine.genotype.text import as_text

if TYPE_CHECKING:
    from engine.export.write import Options


def write_module(source: ExportedNetwork, path: Path, options: Options) -> tuple[float, str]:
    """Write it, run it, load the network's weights into it and compare the logits.

    Raises:
        GenotypeError: a primitive whose source nascope does not have.
    """
    if options.with_normalization or options.batch:
        raise NascopeError(
            "a module takes any batch and does not normalize.", where="--format",
            mend="Leave --with-normalization and --batch out.",
        )  # fmt: skip
    stem = path.name.split(".tmp.")[-1].removesuffix(".py")
    if isinstance(source, ExportedSubnet):
        text = subnet_module_text(source, stem)
    else:
        assert isinstance(source, ExportedCells)
        text = module_text(source, stem)
    path.write_text(text, encoding="utf-8")
    names: dict[str, Any] = {"__name__": "exported"}
    exec(compile(text, path.name, "exec"), names)
    network = names["Network"]()
    network.load_state_dict(source.network.state_dict())
    images = example_images(source, 2, with_normalization=False)
    with torch.no_grad():
        expected, found = source.network(images)[0], network.eval()(images)
    # A sub-network's module gives logits alone, one of cells with the auxiliary head's.
    return refuse_other_logits(expected, found if isinstance(found, Tensor) else found[0], "the module"), "the module"


def module_text(source: ExportedCells, stem: str = "network") -> str:
    """The whole file of a network of cells.

    Args:
        stem: the file's name without its ending, for the example in its head.
    """
    used = _used_primitives(source)
    declared = [declaration(name) for name in used]
    kinds = {entry.kind for entry in declared}
    pieces = [
        f"{_head(source, stem).rstrip()}\n\n{_constants(source)}",
        parts.RELU_CONV_BN, parts.FACTORIZED_REDUCE,
        *([parts.ZERO] if "none" in kinds else []),
        *([parts.DEPTHWISE] if "relu_dw_pw_bn" in kinds else []),
        *([parts.FACTORIZED_KERNEL] if "relu_factorized_bn" in kinds else []),
        *(_primitive(entry) for entry in declared),
        parts.CELL, _cell("NormalCell", source.genotype.normal, reduction=False),
        _cell("ReductionCell", source.genotype.reduction, reduction=True),
        parts.CIFAR_STEM if source.kind == "cifar" else parts.IMAGENET_STEM,
        parts.CIFAR_HEAD if source.kind == "cifar" else parts.IMAGENET_HEAD,
        parts.NETWORK, parts.MAIN,
    ]  # fmt: skip
    return joined(pieces)


def _used_primitives(source: ExportedCells) -> list[str]:
    cells = (source.genotype.normal, source.genotype.reduction)
    names = list(dict.fromkeys(edge.primitive for cell in cells for _, _, edge in cell.edges()))
    for name in names:
        if not is_registered(name) or declaration(name).kind == "custom" or not name.isidentifier():
            raise GenotypeError(
                f"primitive «{name}» is built by a package of yours, whose source a module cannot hold.",
                where="--format module", mend="Export as onnx or pt2, which hold what it computes.",
            )  # fmt: skip
    return names


def _head(source: ExportedCells, stem: str) -> str:
    title = source.genotype.name or "A network"
    text = (
        f"Written by nascope {engine.__version__}, for a {source.kind} network of {source.config.layers} cells and {source.config.channels} "
        f"channels. Its weights at that time: {source.origin}. Licence: Apache-2.0, as that of nascope."
    )
    cell_text = textwrap.wrap(as_text(source.genotype), WIDTH - 4, break_long_words=False)
    provenance = "\n".join(textwrap.wrap(text, WIDTH)) + "\n\n" + "\n".join(f"    {line}" for line in cell_text)
    return parts.HEAD.format(
        title=in_docstring(one_line(title)), provenance=in_docstring(provenance), stem=stem if stem.isidentifier() else "network",
        weights_hint="those of nascope export --format torch or safetensors", image_channels=source.image_channels,
        image_size=source.image_size, auxiliary_weight=source.config.auxiliary_weight, drop_path=source.config.drop_path,
    )  # fmt: skip


def _constants(source: ExportedCells) -> str:
    sizes = f"{source.config.channels}, {source.config.layers}, {source.classes}, {source.config.auxiliary}"
    return "\n".join([f"CHANNELS, LAYERS, CLASSES, AUXILIARY = {sizes}", *lines_of_data(source)])


def _primitive(entry: PrimitiveDeclaration) -> str:
    """A function ``name(channels, stride)`` for one primitive."""
    height, width = entry.kernel
    padding = f"({height // 2}, {width // 2})"
    bodies = {
        "none": "return Zero(stride)",
        "identity": "return nn.Identity() if stride == 1 else FactorizedReduce(channels, channels)",
        "pool": f"return nn.MaxPool2d({entry.kernel}, stride=stride, padding={padding})"
        if entry.pooling == "max"
        else f"return nn.AvgPool2d({entry.kernel}, stride=stride, padding={padding}, count_include_pad=False)",
        "relu_dw_pw_bn": f"return depthwise_pointwise(channels, {entry.kernel}, stride, dilation={entry.dilation}, repeats={entry.repeats})",
        "relu_factorized_bn": f"return factorized_kernel(channels, {height}, {width}, stride)",
    }
    summary = in_docstring(one_line(entry.summary or entry.label))
    return f'def {entry.name}(channels, stride):\n    """{summary}"""\n    {bodies[entry.kind]}\n'


def _cell(name: str, cell: Cell, *, reduction: bool) -> str:
    what = "halves the resolution" if reduction else "keeps the resolution"
    lines = [
        f"class {name}(Cell):", f'    """The cell that {what}. state0 is the cell before last, state1 the last one."""', "",
        f"    width = {len(cell.concat)}  # times the cell's channels: what it gives", "",
        "    def __init__(self, channels_before_last, channels_last, channels, reduction_before):",
        "        super().__init__(channels_before_last, channels_last, channels, reduction_before)",
        "        self.edges = nn.ModuleList(", "            [",
    ]  # fmt: skip
    for node, _, edge in cell.edges():
        stride = 2 if reduction and edge.source < INPUT_STATES else 1
        lines.append(
            f"                {edge.primitive}(channels, stride={stride}),  # state{edge.source} to state{node + INPUT_STATES}"
        )
    lines += [
        "            ]", "        )", "", "    def forward(self, before_last, last, drop_path_probability=0.0):",
        "        p = drop_path_probability", "        state0 = self.preprocess0(before_last)", "        state1 = self.preprocess1(last)",
        *_sums(cell), f"        return torch.cat([{', '.join(f'state{state}' for state in cell.concat)}], dim=1)",
    ]  # fmt: skip
    return "\n".join(lines)


def _sums(cell: Cell) -> list[str]:
    lines, number = [], 0
    for node, edges in enumerate(cell.nodes):
        terms = [f"self.edge({number + place}, state{edge.source}, p)" for place, edge in enumerate(edges)]
        number += len(edges)
        line = f"        state{node + INPUT_STATES} = {' + '.join(terms)}"
        if len(line) <= WIDTH:
            lines.append(line)
        else:
            lines += [
                f"        state{node + INPUT_STATES} = (",
                f"            {terms[0]}",
                *(f"            + {term}" for term in terms[1:]),
                "        )",
            ]
    return lines

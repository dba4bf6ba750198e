"""The module of a sub-network: one file of Python, block by block, with nothing in it that this network does not use."""

from __future__ import annotations

import json
import textwrap

import engine
from engine.cost.subnets import subnet_cost
from engine.export import subnet_parts as parts
from engine.export.module_text import WIDTH, in_docstring, joined, lines_of_data
from engine.export.source import ExportedSubnet
from engine.networks.mbconv import BlockShape, MBConv, block_shapes
from engine.subnets.named import name_of


def subnet_module_text(source: ExportedSubnet, stem: str = "network") -> str:
    """The whole file.

    Args:
        stem: the file's name without its ending, for the example in its head.
    """
    shapes = [shape for stage in block_shapes(source.architecture) for shape in stage]
    has_head_v3 = source.architecture.space.head == "v3"
    has_squeeze = any(shape.channels_squeezed for shape in shapes)
    pieces = [
        f"{_head(source, stem).rstrip()}\n\n{_constants(source)}", parts.CONV_NORM, *([parts.SQUEEZE_EXCITE] if has_squeeze else []),
        _block_class(source, shapes), parts.HEAD_V3 if has_head_v3 else parts.HEAD_V1, _network(source), parts.MAIN,
    ]  # fmt: skip
    return joined(pieces)


def _head(source: ExportedSubnet, stem: str) -> str:
    architecture, cost = source.architecture, subnet_cost(source.architecture)
    name = name_of(architecture)
    text = (
        f"Written by nascope {engine.__version__}: a sub-network of the space {architecture.space.name}, {cost.macs:,} multiply-adds an image and "
        f"{cost.parameters:,} parameters. Its weights at that time: {source.origin}. Licence: Apache-2.0, as that of nascope."
    )
    choices = {name: value for name, value in architecture.as_json().items() if name not in ("schema", "space")}
    record = "\n".join(f"    {name} {json.dumps(value)}" for name, value in choices.items())
    return parts.HEAD_OF_FILE.format(
        title=name if name != architecture.key else "A sub-network",
        provenance=in_docstring("\n".join(textwrap.wrap(text, WIDTH)) + "\n\n" + record),
        stem=stem if stem.isidentifier() else "network", image_channels=source.image_channels, image_size=source.image_size,
        about=f"Images are resized to {architecture.resolution} pixels a side inside the network.\n\n" if _resizes(source) else "",
    )  # fmt: skip


def _constants(source: ExportedSubnet) -> str:
    lines = [f"CLASSES = {source.classes}"]
    if _resizes(source):
        lines.append(
            f"RESOLUTION = {source.architecture.resolution}  # pixels a side, of the images inside the network"
        )
    if source.network.dropout:
        lines.append(f"DROPOUT = {source.network.dropout!r}  # before the classifier, while training")
    return "\n".join([*lines, *lines_of_data(source)])


def _resizes(source: ExportedSubnet) -> bool:
    return source.image_size != source.architecture.resolution


def _block_class(source: ExportedSubnet, shapes: list[BlockShape]) -> str:
    """``MBConv`` with the layers that some block has; what only some have is an argument."""
    some, every = (
        {
            "expands": of(shape.expands for shape in shapes), "squeezes": of(shape.channels_squeezed > 0 for shape in shapes),
            "pools": of(shape.stride > 1 for shape in shapes),
            "projects": of(shape.channels_in != shape.channels_out for shape in shapes),
        }
        for of in (any, all)
    )  # fmt: skip
    drops = any(block.drop_connect for block in _blocks(source))
    arguments = [
        "channels_in", "channels_inner", "channels_out", "kernel_size", *(["stride=1"] if some["pools"] else []),
        *(["squeezed=0"] if some["squeezes"] else []), *(["drop_connect=0.0"] if drops else []),
    ]  # fmt: skip
    made = []
    if some["expands"]:
        expand = "ConvNorm(channels_in, channels_inner, 1)"
        # An expansion by 1 is none: the block has no such layer. Other expansions always make it wider.
        made.append(
            f"self.expand = {expand if every['expands'] else f'{expand} if channels_inner != channels_in else None'}"
        )
    stride = ", stride=stride" if some["pools"] else ""
    made.append(
        f"self.depthwise = ConvNorm(channels_inner, channels_inner, kernel_size{stride}, groups=channels_inner)"
    )
    if some["squeezes"]:
        squeeze = "SqueezeExcite(channels_inner, squeezed)"
        made.append(f"self.squeeze_excite = {squeeze if every['squeezes'] else f'{squeeze} if squeezed else None'}")
    made.append("self.project = ConvNorm(channels_inner, channels_out, 1, activates=False)")
    if some["projects"]:
        shortcut = "nn.Conv2d(channels_in, channels_out, 1, bias=False)"
        made.append(
            f"self.shortcut = {shortcut if every['projects'] else f'{shortcut} if channels_in != channels_out else None'}"
        )
    if some["pools"]:
        made.append("self.stride = stride")
    if drops:
        made.append("self.drop_connect = drop_connect")
    if source.zero_gamma:
        made += ["# At first the block is its shortcut.", "nn.init.zeros_(self.project.norm.weight)"]
    return parts.block_class(arguments, made, _pass(some, every, drops))


def _pass(some: dict[str, bool], every: dict[str, bool], drops: bool) -> list[str]:
    """Lines of the block's ``forward``."""
    lines = []
    if not some["expands"]:
        lines.append("branch = self.depthwise(x)")
    elif every["expands"]:
        lines.append("branch = self.depthwise(self.expand(x))")
    else:
        lines.append("branch = self.depthwise(x if self.expand is None else self.expand(x))")
    if some["squeezes"] and every["squeezes"]:
        lines.append("branch = self.squeeze_excite(branch)")
    elif some["squeezes"]:
        lines += ["if self.squeeze_excite is not None:", "    branch = self.squeeze_excite(branch)"]
    lines.append("branch = self.project(branch)")
    if drops:
        lines += parts.DROP_CONNECT
    shortcut = "x"
    if some["pools"]:
        lines += [line[4:] for line in parts.POOL[1:]] if every["pools"] else ["shortcut = x", *parts.POOL]
        shortcut = "shortcut"
    if some["projects"] and every["projects"]:
        shortcut = f"self.shortcut({shortcut})"
    elif some["projects"]:
        lines += ["if self.shortcut is not None:", f"    {shortcut} = self.shortcut({shortcut})"]
    return [*lines, f"return {shortcut} + branch"]


def _network(source: ExportedSubnet) -> str:
    architecture = source.architecture
    space = architecture.space
    lines = [
        "class Network(nn.Module):",
        '    """Images (N, IMAGE_CHANNELS, IMAGE_SIZE, IMAGE_SIZE) to logits (N, CLASSES)."""', "",
        "    def __init__(self):", "        super().__init__()",
        f"        self.stem = ConvNorm({space.image_channels}, {architecture.width[0]}, 3{_stride(space.first_stride)})",
        "        self.stages = nn.Sequential(",
    ]  # fmt: skip
    blocks = iter(_blocks(source))
    for stage, shapes in zip(space.stages, block_shapes(architecture), strict=True):
        lines.append(f"            nn.Sequential(  # {stage.name if stage.name.isidentifier() else 'stage'}")
        lines += [f"                {_block(shape, next(blocks))}," for shape in shapes]
        lines.append("            ),")
    channels, features = architecture.width[-2], architecture.width[-1]
    inner = f"{channels * space.head_expansion}, " if space.head == "v3" else ""
    lines += [
        "        )", f"        self.head = Head({channels}, {inner}{features})",
        f"        self.classifier = nn.Linear({features}, CLASSES)",
    ]  # fmt: skip
    if source.initialization == "he-fan-out":
        # Of all convolutions only those of squeeze-and-excitation have biases.
        has_biases = any(stage.squeeze_excite for stage in space.stages)
        lines += parts.HE_FAN_OUT + (parts.HE_FAN_OUT_BIAS if has_biases else [])
    lines += ["", "    def forward(self, images):"]
    if _resizes(source):
        lines += parts.RESIZE
    if source.image_channels != space.image_channels:
        lines.append(f"        images = images.repeat(1, {space.image_channels}, 1, 1)  # grey to three equal colours")
    lines.append("        features = self.head(self.stages(self.stem(images)))")
    if source.network.dropout:
        lines.append("        features = F.dropout(features, DROPOUT, self.training)")
    return "\n".join([*lines, "        return self.classifier(features)"])


def _block(shape: BlockShape, block: MBConv) -> str:
    squeezed = f", squeezed={shape.channels_squeezed}" if shape.channels_squeezed else ""
    drop = f", drop_connect={block.drop_connect!r}" if block.drop_connect else ""
    widths = f"{shape.channels_in}, {shape.channels_inner}, {shape.channels_out}"
    return f"MBConv({widths}, {shape.kernel_size}{_stride(shape.stride)}{squeezed}{drop})"


def _stride(stride: int) -> str:
    return f", stride={stride}" if stride > 1 else ""


def _blocks(source: ExportedSubnet) -> list[MBConv]:
    """In the order of the pass; only they know their drop connect."""
    return [module for module in source.network.stages.modules() if isinstance(module, MBConv)]

"""Source texts that the modules of sub-networks are put together from. ``{...}`` are filled in by ``subnet_module``."""

HEAD_OF_FILE = '''"""{title}, as a plain PyTorch module: this file needs torch and nothing else.

{provenance}

    from {stem} import Network
    network = Network()
    network.load_state_dict(weights)   # those of nascope export --format torch or safetensors
    logits = network(images)   # images: (N, {image_channels}, {image_size}, {image_size}), normalized

{about}Sources: J. Yu et al., BigNAS, ECCV 2020; D. Wang et al., AttentiveNAS, CVPR 2021 (space, layers); M. Sandler et al.,
MobileNetV2, CVPR 2018 (inverted residuals); A. Howard et al., MobileNetV3, ICCV 2019 (squeeze-and-excitation, head).
"""

import torch
import torch.nn.functional as F
from torch import nn
'''

CONV_NORM = '''
class ConvNorm(nn.Module):
    """Convolution without bias, batch norm, and swish if ``activates``."""

    def __init__(self, channels_in, channels_out, kernel_size, stride=1, groups=1, activates=True):
        super().__init__()
        self.convolution = nn.Conv2d(
            channels_in, channels_out, kernel_size, stride, kernel_size // 2, groups=groups, bias=False
        )
        self.norm = nn.BatchNorm2d(channels_out)
        self.activates = activates

    def forward(self, x):
        x = self.norm(self.convolution(x))
        return F.silu(x) if self.activates else x
'''

SQUEEZE_EXCITE = '''
class SqueezeExcite(nn.Module):
    """Weighs the channels by what their means say."""

    def __init__(self, channels, squeezed):
        super().__init__()
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.expand = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x):
        means = x.mean((2, 3), keepdim=True)
        return x * F.hardsigmoid(self.expand(F.relu(self.reduce(means))))
'''

DROP_CONNECT = [
    "if self.training and self.drop_connect:  # Some images lose the branch.",
    "    keep = 1.0 - self.drop_connect",
    "    branch = branch / keep * branch.new_empty((len(branch), 1, 1, 1)).bernoulli_(keep)",
]

POOL = [
    "if self.stride > 1:",
    "    # Sides that the stride does not divide get zeros around them, which count in the mean.",
    "    padding = [(-side % self.stride + 1) // 2 for side in x.shape[2:]]",
    "    shortcut = F.avg_pool2d(x, self.stride, self.stride, padding)",
]

HEAD_V3 = '''
class Head(nn.Module):
    """1x1 convolution, mean over all pixels, 1x1 convolution: feature map to features."""

    def __init__(self, channels, inner, features):
        super().__init__()
        self.expand = ConvNorm(channels, inner, 1)
        self.mix = nn.Conv2d(inner, features, 1, bias=False)

    def forward(self, x):
        means = self.expand(x).mean((2, 3), keepdim=True)
        return F.silu(self.mix(means)).flatten(1)
'''

HEAD_V1 = '''
class Head(nn.Module):
    """1x1 convolution, mean over all pixels: feature map to features."""

    def __init__(self, channels, features):
        super().__init__()
        self.expand = ConvNorm(channels, features, 1)

    def forward(self, x):
        return self.expand(x).mean((2, 3), keepdim=True).flatten(1)
'''

HE_FAN_OUT = [
    "        for module in self.modules():",
    "            if isinstance(module, nn.Conv2d):  # Variance 2 over the fan-out.",
    "                fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels",
    "                nn.init.normal_(module.weight, std=(2 / fan_out) ** 0.5)",
]

HE_FAN_OUT_BIAS = [
    "                if module.bias is not None:",
    "                    nn.init.zeros_(module.bias)",
]

RESIZE = [
    '        images = F.interpolate(images, (RESOLUTION, RESOLUTION), mode="bicubic", align_corners=False)',
]

MAIN = """
if __name__ == "__main__":
    import sys

    network = Network()
    if len(sys.argv) > 1:  # A file of nascope export --format torch.
        network.load_state_dict(torch.load(sys.argv[1], weights_only=True)["state_dict"])
    network.eval()
    logits = network(torch.randn(2, IMAGE_CHANNELS, IMAGE_SIZE, IMAGE_SIZE))
    count = sum(weight.numel() for weight in network.parameters())
    print(f"{count:,} parameters, logits of shape {tuple(logits.shape)}")
"""


def block_class(arguments: list[str], made: list[str], forward: list[str]) -> str:
    """The class ``MBConv`` with these arguments, layers and lines of its pass."""
    lines = [
        "class MBConv(nn.Module):",
        '    """Inverted residual: wide inside, depthwise, narrow again, plus a shortcut."""', "",
        f"    def __init__(self, {', '.join(arguments)}):", "        super().__init__()", *(f"        {line}" for line in made), "",
        "    def forward(self, x):", *(f"        {line}" for line in forward),
    ]  # fmt: skip
    return "\n".join(lines)

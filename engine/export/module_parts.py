"""Source texts that every exported module is put together from. ``{...}`` are filled in by ``module_file``."""

HEAD = '''"""{title}, as a plain PyTorch module: this file needs torch and nothing else.

{provenance}

    from {stem} import Network
    network = Network()
    network.load_state_dict(weights)   # {weights_hint}
    logits, auxiliary_logits = network(images)   # images: (N, {image_channels}, {image_size}, {image_size}), normalized

In train mode the auxiliary head gives its logits too, whose loss is added with weight {auxiliary_weight:g}; in eval mode, and without
the head, they are None. Set ``network.drop_path_probability`` before each epoch: the papers let it grow in equal parts,
from 0 to {drop_path:g}.

Sources: H. Liu, K. Simonyan, Y. Yang, DARTS: Differentiable Architecture Search, ICLR 2019 (cells, operations,
network); G. Larsson et al., FractalNet, ICLR 2017 (drop path).
"""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn
'''

FACTORIZED_REDUCE = '''
class FactorizedReduce(nn.Module):
    """Halves the resolution and loses no pixel: 1x1 convolutions of every second pixel, and of those between them."""

    def __init__(self, channels_in, channels_out):
        super().__init__()
        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(channels_in, channels_out // 2, 1, bias=False)
        self.conv2 = nn.Conv2d(channels_in, channels_out // 2, 1, bias=False)
        self.bn = nn.BatchNorm2d(channels_out)

    def forward(self, x):
        x = self.relu(x)
        # Where a side is odd, a row or column of zeros makes both halves equally large.
        shifted = F.pad(x[:, :, 1:, 1:], (0, x.shape[3] % 2, 0, x.shape[2] % 2))
        return self.bn(torch.cat([self.conv1(x[:, :, ::2, ::2]), self.conv2(shifted[:, :, ::2, ::2])], dim=1))
'''

RELU_CONV_BN = '''
class ReLUConvBN(nn.Sequential):
    """ReLU, 1x1 convolution, batch norm: fits a cell's input to its channels."""

    def __init__(self, channels_in, channels_out):
        super().__init__(
            OrderedDict(
                relu=nn.ReLU(),
                conv=nn.Conv2d(channels_in, channels_out, 1, bias=False),
                bn=nn.BatchNorm2d(channels_out),
            )
        )
'''

ZERO = '''
class Zero(nn.Module):
    """Zeros in the shape that the edge would give."""

    def __init__(self, stride):
        super().__init__()
        self.stride = stride

    def forward(self, x):
        return torch.zeros_like(x[:, :, :: self.stride, :: self.stride])
'''

DEPTHWISE = '''
def depthwise_pointwise(channels, kernel, stride, dilation, repeats):
    """``repeats`` times ReLU, depthwise convolution, 1x1 convolution, batch norm; only the first one has the stride."""
    padding = (dilation * (kernel[0] // 2), dilation * (kernel[1] // 2))
    layers = OrderedDict()
    for time in range(1, repeats + 1):
        layers[f"relu{time}"] = nn.ReLU()
        layers[f"dw{time}"] = nn.Conv2d(
            channels,
            channels,
            kernel,
            stride=stride if time == 1 else 1,
            padding=padding,
            dilation=dilation,
            groups=channels,
            bias=False,
        )
        layers[f"pw{time}"] = nn.Conv2d(channels, channels, 1, bias=False)
        layers[f"bn{time}"] = nn.BatchNorm2d(channels)
    return nn.Sequential(layers)
'''

FACTORIZED_KERNEL = '''
def factorized_kernel(channels, height, width, stride):
    """ReLU, a full convolution along the rows, one along the columns, batch norm."""
    return nn.Sequential(
        OrderedDict(
            relu=nn.ReLU(),
            conv1=nn.Conv2d(channels, channels, (1, width), (1, stride), (0, width // 2), bias=False),
            conv2=nn.Conv2d(channels, channels, (height, 1), (stride, 1), (height // 2, 0), bias=False),
            bn=nn.BatchNorm2d(channels),
        )
    )
'''

CELL = '''
class Cell(nn.Module):
    """What both kinds of cells share: fitting the inputs, and edges that drop path may silence."""

    def __init__(self, channels_before_last, channels_last, channels, reduction_before):
        super().__init__()
        # After a reduction the cell before last is twice as large as the last one.
        fit_before_last = FactorizedReduce if reduction_before else ReLUConvBN
        self.preprocess0 = fit_before_last(channels_before_last, channels)
        self.preprocess1 = ReLUConvBN(channels_last, channels)

    def edge(self, number, state, drop_path_probability):
        """An operation's output; in train mode an image loses it with this probability (the plain identity never)."""
        operation = self.edges[number]
        output = operation(state)
        if self.training and drop_path_probability > 0.0 and not isinstance(operation, nn.Identity):
            keep = 1.0 - drop_path_probability
            output = output / keep * output.new_empty((len(output), 1, 1, 1)).bernoulli_(keep)
        return output
'''

CIFAR_STEM = '''
class Stem(nn.Sequential):
    """3x3 convolution and batch norm; both inputs of the first cell."""

    halves = False

    def __init__(self, image_channels, channels):
        super().__init__(
            OrderedDict(
                conv=nn.Conv2d(image_channels, 3 * channels, 3, padding=1, bias=False),
                bn=nn.BatchNorm2d(3 * channels),
            )
        )
        self.channels_out = 3 * channels

    def forward(self, images):
        last = super().forward(images)
        return last, last
'''

IMAGENET_STEM = '''
class Stem(nn.Module):
    """Three 3x3 convolutions of stride 2: the first cell sees a quarter and an eighth of the image's side."""

    halves = True

    def __init__(self, image_channels, channels):
        super().__init__()
        self.stem0 = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(image_channels, channels // 2, 3, stride=2, padding=1, bias=False),
                bn1=nn.BatchNorm2d(channels // 2),
                relu=nn.ReLU(),
                conv2=nn.Conv2d(channels // 2, channels, 3, stride=2, padding=1, bias=False),
                bn2=nn.BatchNorm2d(channels),
            )
        )
        self.stem1 = nn.Sequential(
            OrderedDict(
                relu=nn.ReLU(),
                conv=nn.Conv2d(channels, channels, 3, stride=2, padding=1, bias=False),
                bn=nn.BatchNorm2d(channels),
            )
        )
        self.channels_out = channels

    def forward(self, images):
        before_last = self.stem0(images)
        return before_last, self.stem1(before_last)
'''

CIFAR_HEAD = '''
class AuxiliaryHead(nn.Module):
    """A second classifier at two thirds of the depth that helps training, for features of 8 to 10 pixels a side."""

    def __init__(self, channels, classes):
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                relu0=nn.ReLU(),
                pool=nn.AvgPool2d(5, stride=3, count_include_pad=False),
                conv1=nn.Conv2d(channels, 128, 1, bias=False),
                bn1=nn.BatchNorm2d(128),
                relu1=nn.ReLU(),
                conv2=nn.Conv2d(128, 768, 2, bias=False),
                bn2=nn.BatchNorm2d(768),
                relu2=nn.ReLU(),
            )
        )
        self.classifier = nn.Linear(768, classes)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))
'''

IMAGENET_HEAD = (
    CIFAR_HEAD.replace("                bn2=nn.BatchNorm2d(768),\n", "")
    .replace("stride=3", "stride=2")
    .replace("8 to 10 pixels a side.", "7 or 8 pixels a side.\n\n"
             "    No batch norm follows its second convolution: the papers' networks have none there.\n    ")
)  # fmt: skip

NETWORK = '''
class Network(nn.Module):
    """Images (N, IMAGE_CHANNELS, H, W) to ``(logits, auxiliary logits)``; the latter in train mode with the head only.

    The cells at one and two thirds of the depth are reduction cells: half the resolution, twice the channels.
    """

    def __init__(self, channels=CHANNELS, layers=LAYERS, classes=CLASSES, auxiliary=AUXILIARY):
        super().__init__()
        self.drop_path_probability = 0.0
        self.auxiliary_place = 2 * layers // 3
        self.stem = Stem(IMAGE_CHANNELS, channels)
        self.cells = nn.ModuleList()
        before_last = last = self.stem.channels_out
        reduction_before = self.stem.halves
        for layer in range(layers):
            reduction = layer in (layers // 3, 2 * layers // 3)
            if reduction:
                channels *= 2
            kind = ReductionCell if reduction else NormalCell
            self.cells.append(kind(before_last, last, channels, reduction_before))
            before_last, last, reduction_before = last, kind.width * channels, reduction
            if layer == self.auxiliary_place:
                auxiliary_channels = last
        self.auxiliary_head = AuxiliaryHead(auxiliary_channels, classes) if auxiliary else None
        self.classifier = nn.Linear(last, classes)

    def forward(self, images):
        before_last, last = self.stem(images)
        auxiliary_logits = None
        for place, cell in enumerate(self.cells):
            before_last, last = last, cell(before_last, last, self.drop_path_probability)
            if place == self.auxiliary_place and self.auxiliary_head is not None and self.training:
                auxiliary_logits = self.auxiliary_head(last)
        return self.classifier(last.mean(dim=(2, 3))), auxiliary_logits
'''

MAIN = """
if __name__ == "__main__":
    import sys

    network = Network()
    if len(sys.argv) > 1:  # A file of nascope export --format torch.
        network.load_state_dict(torch.load(sys.argv[1], weights_only=True)["state_dict"])
    network.eval()
    logits, _ = network(torch.randn(2, IMAGE_CHANNELS, IMAGE_SIZE, IMAGE_SIZE))
    count = sum(weight.numel() for weight in network.parameters())
    print(f"{count:,} parameters, logits of shape {tuple(logits.shape)}")
"""

"""The networks of the original DARTS code as far as their weights' names and their arithmetic go, written anew.

Sequences have numbered layers, edges stand in one list, sums and concatenations are as in the paper. Nothing of
nascope is used, so that taken-over weights meet an independent forward pass.
"""

import torch
import torch.nn.functional as F
from torch import nn


def conv(channels_in, channels_out, kernel, stride=1, padding=0, dilation=1, groups=1):
    return nn.Conv2d(channels_in, channels_out, kernel, stride, padding, dilation, groups, bias=False)


class Fit(nn.Module):
    def __init__(self, channels_in, channels_out):
        super().__init__()
        self.op = nn.Sequential(nn.ReLU(), conv(channels_in, channels_out, 1), nn.BatchNorm2d(channels_out))

    def forward(self, x):
        return self.op(x)


class Halve(nn.Module):
    def __init__(self, channels_in, channels_out):
        super().__init__()
        self.conv_1 = conv(channels_in, channels_out // 2, 1, 2)
        self.conv_2 = conv(channels_in, channels_out // 2, 1, 2)
        self.bn = nn.BatchNorm2d(channels_out)

    def forward(self, x):
        x = F.relu(x)
        return self.bn(torch.cat([self.conv_1(x), self.conv_2(x[:, :, 1:, 1:])], 1))


class Separable(nn.Module):
    def __init__(self, channels, kernel, stride, dilation, times):
        super().__init__()
        layers = []
        for time in range(times):
            depthwise = conv(
                channels, channels, kernel, stride if time == 0 else 1, dilation * (kernel // 2), dilation, channels
            )
            layers += [nn.ReLU(), depthwise, conv(channels, channels, 1), nn.BatchNorm2d(channels)]
        self.op = nn.Sequential(*layers)

    def forward(self, x):
        return self.op(x)


class Pool(nn.Module):
    def __init__(self, kind, stride):
        super().__init__()
        self.kind, self.stride = kind, stride

    def forward(self, x):
        if self.kind == "max":
            return F.max_pool2d(x, 3, self.stride, 1)
        return F.avg_pool2d(x, 3, self.stride, 1, count_include_pad=False)


def operation(name, channels, stride):
    if name == "skip_connect":
        return nn.Identity() if stride == 1 else Halve(channels, channels)
    if name.endswith("pool_3x3"):
        return Pool(name[:3], stride)
    if name == "conv_7x1_1x7":
        return nn.Sequential(
            nn.ReLU(),
            conv(channels, channels, (1, 7), (1, stride), (0, 3)),
            conv(channels, channels, (7, 1), (stride, 1), (3, 0)),
            nn.BatchNorm2d(channels),
        )
    kernel = int(name[-1])
    dilated = name.startswith("dil")
    return Separable(channels, kernel, stride, 2 if dilated else 1, 1 if dilated else 2)


class Cell(nn.Module):
    def __init__(self, edges, concat, before_last, last, channels, reduction, reduction_before):
        super().__init__()
        self.preprocess0 = (Halve if reduction_before else Fit)(before_last, channels)
        self.preprocess1 = Fit(last, channels)
        self._ops = nn.ModuleList(
            operation(name, channels, 2 if reduction and state < 2 else 1) for name, state in edges
        )
        self.sources, self.concat = [state for _, state in edges], concat

    def forward(self, before_last, last):
        states = [self.preprocess0(before_last), self.preprocess1(last)]
        for place in range(0, len(self.sources), 2):
            one, two = (self._ops[place + i](states[self.sources[place + i]]) for i in (0, 1))
            states.append(one + two)
        return torch.cat([states[state] for state in self.concat], 1)


class Head(nn.Module):
    def __init__(self, channels, classes, imagenet):
        super().__init__()
        self.features = nn.Sequential(
            nn.ReLU(),
            nn.AvgPool2d(5, 2 if imagenet else 3, 0, count_include_pad=False),
            conv(channels, 128, 1),
            nn.BatchNorm2d(128),
            nn.ReLU(),
            conv(128, 768, 2),
            *([] if imagenet else [nn.BatchNorm2d(768)]),
            nn.ReLU(),
        )
        self.classifier = nn.Linear(768, classes)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


class Original(nn.Module):
    """``cells``: {"normal": (edges, concat), "reduction": (edges, concat)}, edges flat as the papers write them."""

    def __init__(self, cells, channels, classes, layers, auxiliary, imagenet=False):
        super().__init__()
        self.imagenet, self.place = imagenet, 2 * layers // 3
        if imagenet:
            self.stem0 = nn.Sequential(
                conv(3, channels // 2, 3, 2, 1),
                nn.BatchNorm2d(channels // 2),
                nn.ReLU(),
                conv(channels // 2, channels, 3, 2, 1),
                nn.BatchNorm2d(channels),
            )
            self.stem1 = nn.Sequential(nn.ReLU(), conv(channels, channels, 3, 2, 1), nn.BatchNorm2d(channels))
            before_last = last = channels
        else:
            self.stem = nn.Sequential(conv(3, 3 * channels, 3, 1, 1), nn.BatchNorm2d(3 * channels))
            before_last = last = 3 * channels
        self.cells = nn.ModuleList()
        reduced = imagenet
        for layer in range(layers):
            reduction = layer in (layers // 3, 2 * layers // 3)
            channels *= 2 if reduction else 1
            edges, concat = cells["reduction" if reduction else "normal"]
            self.cells.append(Cell(edges, concat, before_last, last, channels, reduction, reduced))
            before_last, last, reduced = last, len(concat) * channels, reduction
            head_channels = last if layer == self.place else 0
            if auxiliary and head_channels:
                self.auxiliary_head = Head(head_channels, classes, imagenet)
        self.classifier = nn.Linear(last, classes)

    def forward(self, x):
        if self.imagenet:
            before_last = self.stem0(x)
            last = self.stem1(before_last)
        else:
            before_last = last = self.stem(x)
        auxiliary = None
        for place, cell in enumerate(self.cells):
            before_last, last = last, cell(before_last, last)
            if place == self.place and hasattr(self, "auxiliary_head"):
                auxiliary = self.auxiliary_head(last)
        return self.classifier(last.mean((2, 3))), auxiliary

"""An accuracy in closed form for every network of the laptop space, and all of them at once. No test itself."""

from __future__ import annotations

import itertools
import math
import random
from functools import cache

import numpy as np

from engine.cost.subnets import subnet_macs
from engine.subnets import Architecture, space_named

SPACE = space_named("laptop")
COORDINATES = SPACE.coordinates()
FREE = [place for place, coordinate in enumerate(COORDINATES) if len(coordinate.choices) > 1]
WEIGHTS = {"resolution": 3.0, "width": 1.0, "depth": 1.2, "kernel_size": 0.8, "expand_ratio": 1.0}


def gains(place):
    """What each choice of a coordinate adds: more is better, ever less so, and differently from place to place."""
    coordinate = COORDINATES[place]
    low, high = coordinate.choices[0], coordinate.choices[-1]
    share = [math.log(choice / low) / math.log(high / low) for choice in coordinate.choices]
    return [WEIGHTS[coordinate.field] * (1 + 0.5 * math.sin(2.1 * place)) * part**0.7 for part in share]


TABLES = {place: dict(zip(COORDINATES[place].choices, gains(place), strict=True)) for place in FREE}
KERNELS = [place for place in FREE if COORDINATES[place].field == "kernel_size"]


def accuracy(architecture):
    """In percent, 78 to 98; a large kernel is worth more on a large image."""
    values = architecture.values()
    total = sum(TABLES[place][values[place]] for place in FREE)
    total += 1.5 * (values[0] - 20) / 12 * sum(values[place] == 5 for place in KERNELS) / len(KERNELS)
    return 98 - 20 * math.exp(-0.2 * total)


def measure(architecture):
    found = accuracy(architecture)
    return found, (100 - found) / 25


def real(architecture):
    """Like a supernet after few epochs: what was trained the most, the middle of the space, is the best in places."""
    resolution = {20: 0.0, 24: 1.5, 28: 2.0, 32: -0.5}[architecture.resolution]
    width = {24: 0.0, 32: 2.0, 40: 1.0}[architecture.width[3]]
    depth = (0.0, 2.5, 2.0)[architecture.depth[2] - 1] + (0.0, 0.8, 1.2)[architecture.depth[1] - 1]
    kernel = sum(size == 5 for size in architecture.kernel_size)
    expansion = (1.5, 0.0, 0.8)[architecture.expand_ratio[1] - 2] + 0.5 * (architecture.expand_ratio[2] - 2)
    return 88 + resolution + width + depth + 0.4 * kernel + expansion


def noisy(architecture):
    """``real``, measured on 216 images: accuracy in steps and with chance, of which the loss has less."""
    chance = random.Random(repr(architecture.values()))
    accuracy = min(100.0, round((real(architecture) + chance.gauss(0, 1.2)) * 2.16) / 2.16)
    return accuracy, 0.02 * (100 - real(architecture)) + 0.01 * chance.gauss(0, 1)


@cache
def everything():
    """Multiply-adds and accuracies of all 248,832 networks."""
    rows = list(itertools.product(*(coordinate.choices for coordinate in COORDINATES)))
    macs = np.array([subnet_macs(Architecture.from_values(SPACE, row)) for row in rows])
    table = np.array(rows)
    total = np.zeros(len(rows))
    for place in FREE:
        choices = np.array(COORDINATES[place].choices)
        total += np.array(gains(place))[np.searchsorted(choices, table[:, place])]
    total += 1.5 * (table[:, 0] - 20) / 12 * (table[:, KERNELS] == 5).mean(axis=1)
    return macs, 98 - 20 * np.exp(-0.2 * total)

"""Selection under a limit of latency with a made-up clock, the table of block times, and rows of ``subnets.jsonl``."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace

import pytest
import torch

from engine.cost.subnets import subnet_cost, subnet_macs
from engine.networks.mbconv import block_shapes
from engine.subnets import space_named
from engine.subnets.architecture import biggest, smallest
from engine.subnets.sample import uniform
from engine.two_stage.latency import LatencyTable
from engine.two_stage.selection import Book, Limits, non_dominated, select
from engine.two_stage.selection.latency_front import LatencyScreen, front_within
from engine.two_stage.selection.rows import keep_network, known_networks

SPACE = space_named("laptop")


def milliseconds(architecture):
    """More with depth than multiply-adds say."""
    return 0.5 + subnet_macs(architecture) / 1e6 + 0.4 * sum(architecture.depth)


def blocks(architecture):
    """What timing block by block would give: a third of it, without the offset."""
    return (milliseconds(architecture) - 0.5) / 3


def measure(architecture):
    return 90 + subnet_macs(architecture) / 1e6 + math.sin(sum(architecture.values())), 1.0


def test_the_screen_undoes_a_factor_and_an_offset():
    screen = LatencyScreen(SPACE, blocks, milliseconds)
    for seed in range(20):
        drawn = uniform(SPACE, random.Random(seed))
        assert screen.expected_ms(drawn) == pytest.approx(milliseconds(drawn))


def test_a_clock_that_cannot_tell_the_extremes_apart_is_taken_as_a_ratio():
    screen = LatencyScreen(SPACE, blocks, lambda architecture: 2.0)
    assert screen.expected_ms(smallest(SPACE)) == pytest.approx(2.0)


def test_the_front_under_a_latency_holds_when_timed_whole():
    screen = LatencyScreen(SPACE, lambda architecture: subnet_macs(architecture) / 1e6, milliseconds)  # blind for depth
    found = select(
        SPACE, Limits(latency_ms=3.0), Book(measure), strategy="evolution", evaluations=40, within_latency=screen.lets_through(3.0)
    )  # fmt: skip
    kept, timed = [], []

    def whole(architecture):
        timed.append(architecture.values())
        return milliseconds(architecture)

    front = front_within(found.networks, 3.0, "clock", screen, whole, kept.append)
    # By hand: time everything, drop what is over, then the front.
    by_hand = non_dominated(row for row in found.networks if milliseconds(row.architecture) <= 3.0)
    assert [row.architecture for row in front.networks] == [row.architecture for row in by_hand]
    assert front.dropped > 0
    assert len(timed) == len(set(timed)) == len(kept) < len(found.networks)
    assert all(row.latency_ms["clock"] == milliseconds(row.architecture) for row in front.networks)
    again = front_within(front.networks, 3.0, "clock", screen, pytest.fail, kept.append)
    assert again.networks == front.networks


def test_each_distinct_block_is_timed_once_and_kept(tmp_path, monkeypatch):
    timed = []
    monkeypatch.setattr(
        "engine.two_stage.latency._milliseconds",
        lambda module, images, device: timed.append(tuple(images.shape)) or 1.0,
    )

    def table():
        return LatencyTable(
            tmp_path, torch.device("cpu"), "cpu, 1 thread", image_channels=1, image_side=8, channels_last=False
        )

    first, most = table(), biggest(SPACE)
    parts = 2 + sum(most.depth)
    assert first.milliseconds(most) == parts
    # mb2 and mb3 repeat their second block.
    assert len(timed) == parts - 2
    assert timed[0] == (1, 1, 8, 8)
    assert sum(map(len, block_shapes(most))) == sum(most.depth)
    first.milliseconds(most)
    assert len(timed) == parts - 2
    first.save()
    again = table()
    assert again.milliseconds(most) == parts
    assert len(timed) == parts - 2
    assert again.path.name == "latency-cpu-1-thread.json"
    again.path.write_text(json.dumps({"device": "cpu, 1 thread", "milliseconds": {"x": "y"}}))
    assert table().milliseconds(most) == parts  # of another torch or broken: timed anew
    assert len(timed) == 2 * (parts - 2)


def test_every_part_runs_and_takes_time(tmp_path):
    table = LatencyTable(
        tmp_path, torch.device("cpu"), "cpu, 1 thread", image_channels=1, image_side=8, channels_last=True
    )
    assert 0 < table.milliseconds(smallest(SPACE)) < 1000


def test_rows_come_back_with_the_latencies_of_all_of_them(tmp_path):
    book = Book(measure, keep=lambda network: keep_network(tmp_path, "aaaaaaaa", network))
    network = book.measured(smallest(SPACE), "smallest")
    keep_network(tmp_path, "aaaaaaaa", replace(network, latency_ms={"one": 1.0}))
    keep_network(tmp_path, "aaaaaaaa", replace(network, latency_ms={"two": 2.0}))
    keep_network(tmp_path, "bbbbbbbb", replace(network, accuracy_percent=1.0))
    with (tmp_path / "subnets.jsonl").open("a") as file:
        file.write('{"half')
    found = known_networks(tmp_path, SPACE, "aaaaaaaa")
    assert found == [replace(network, latency_ms={"one": 1.0, "two": 2.0})]
    assert found[0].macs == subnet_cost(smallest(SPACE)).macs
    assert known_networks(tmp_path, space_named("cifar"), "aaaaaaaa") == []


def test_no_more_than_so_many_networks_are_timed_whole(monkeypatch):
    monkeypatch.setattr("engine.two_stage.selection.latency_front.MOST_WHOLE", 3)
    screen = LatencyScreen(SPACE, blocks, milliseconds)
    found = select(SPACE, Limits(), Book(measure), strategy="evolution", evaluations=40)
    timed = []
    front = front_within(
        found.networks, 9.0, "clock", screen, lambda network: timed.append(network) or 1.0, lambda network: None
    )
    assert len(timed) == len(front.networks) == 3
    assert [row.architecture for row in front.networks] == [
        row.architecture for row in non_dominated(found.networks)[:3]
    ]
